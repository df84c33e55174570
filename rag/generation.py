"""Generations: the immutable search files derived from the record, and the manifest that names them.

A generation is written into a folder of its own, every file hashed and flushed, before the manifest
is replaced atomically. A reader therefore sees all of one generation or all of the next, and a file
that is not what was written is refused by name before anything parses it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from rag.errors import IndexDamaged, IndexMissing, RagError

MANIFEST = "manifest.json"
_FOLDER = "generations"
_KEPT = 2  # the published one and the one a reader may still be loading
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is published. `generation` names the content: equal content, equal name.

    `number` counts publishes and names the folder; `state` digests the living documents it was made
    from; `files` maps each file's name to its sha256; `record` is the identity of the record whose
    keys they hold.
    """

    number: int
    generation: str
    state: str
    embedder: str
    made_with: Mapping[str, str]
    documents: int
    chunks: int
    files: Mapping[str, str]
    record: str = ""


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the index in `folder`. Raises IndexMissing or IndexDamaged."""
    file = folder / MANIFEST
    try:
        return TypeAdapter(Manifest).validate_json(file.read_bytes(), strict=True)
    except FileNotFoundError as error:
        raise IndexMissing(
            f"there is no index in {folder}: run `python -m ingest FOLDER --index {folder}` first"
        ) from error
    except ValueError as error:
        raise IndexDamaged(f"{file} is damaged: {_rebuild(folder)}") from error
    except OSError as error:
        raise IndexDamaged(f"{file}: {error.strerror}") from error


def generation_folder(folder: Path, number: int) -> Path:
    """Where publish `number` keeps its files."""
    return folder / _FOLDER / f"{number:08d}"


def verify(folder: Path, manifest: Manifest) -> None:
    """Raise IndexDamaged naming the first file that is missing or not what was written."""
    home = generation_folder(folder, manifest.number)
    for name, digest in manifest.files.items():
        try:
            intact = sha256(home / name) == digest
        except FileNotFoundError as error:
            raise IndexDamaged(f"{home / name} is missing: {_rebuild(folder)}") from error
        except OSError as error:
            raise IndexDamaged(f"{home / name}: {error.strerror}: {_rebuild(folder)}") from error
        if not intact:
            raise IndexDamaged(f"{home / name} is damaged: {_rebuild(folder)}")


def write_files(folder: Path, number: int, write: Callable[[Path], None]) -> dict[str, str]:
    """Let `write` fill the folder of publish `number`; flush it and return each file's sha256.

    Raises RagError if the disk does not take them; what was published stays as it is.
    """
    home = generation_folder(folder, number)
    shutil.rmtree(home, ignore_errors=True)  # left by an ingest that was killed
    try:
        return _written(folder, home, write)
    except OSError as error:
        shutil.rmtree(home, ignore_errors=True)
        reason = error.strerror or "the disk is full"  # numpy only tells how much it could not write
        raise RagError(f"{home} cannot be written: {reason}: free space and run this again") from error


def _written(folder: Path, home: Path, write: Callable[[Path], None]) -> dict[str, str]:
    home.mkdir(parents=True)
    write(home)
    files = {}
    for file in sorted(home.iterdir()):
        _flush(file)
        files[file.name] = sha256(file)
    for directory in (home, home.parent, folder):
        _flush(directory)
    return files


def publish(folder: Path, manifest: Manifest) -> None:
    """Make `manifest` the one that readers see, then drop generations nobody can be reading."""
    draft = folder / f"{MANIFEST}.new"
    draft.write_text(json.dumps(asdict(manifest), indent=1, ensure_ascii=False), "utf-8")
    _flush(draft)
    draft.replace(folder / MANIFEST)
    _flush(folder)
    kept = {generation_folder(folder, manifest.number - age).name for age in range(_KEPT)}
    for home in (folder / _FOLDER).iterdir():
        if home.name not in kept:
            shutil.rmtree(home, ignore_errors=True)


def sha256(file: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    """Have the kernel put a file's content, or a folder's entries, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rebuild(folder: Path) -> str:
    return f"run `python -m ingest` on your folder with --index {folder} again, it rebuilds from the record"
