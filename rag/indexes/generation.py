"""Generations: the immutable search files derived from the record, and the manifest that names them.

A generation is a list of segments. Each publish writes one segment at most, in a folder of its own
with every file hashed and flushed, and the rows that other segments lost; then the manifest is
replaced atomically. A reader therefore sees all of one generation or all of the next, and a file that
is not what was written is refused by name before anything parses it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from rag.errors import IndexDamaged, IndexMissing
from rag.files import faults, flush, sealed, unwritten
from rag.stores.sqlite import FILE_NAME

MANIFEST = "manifest.json"
_SEGMENTS = "segments"
_SEAL = "sha256"  # of all else in the manifest


@dataclass(frozen=True, slots=True)
class SegmentFiles:
    """A segment as it is published: `number` is that of the publish that wrote it and names its folder.

    `rows` are all, `living` those not deleted; the deleted ones stand in the file `deleted` (none if
    empty). `files` maps each file's name to its sha256.
    """

    number: int
    rows: int
    living: int
    deleted: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is published. `generation` names the content: equal content, equal name.

    `number` counts publishes; `state` digests the living documents it was made from; `record` is the
    identity of the record whose keys the segments hold, `mark` how far that record had come.
    """

    number: int
    generation: str
    state: str
    embedder: str
    made_with: Mapping[str, str]
    documents: int
    chunks: int
    segments: tuple[SegmentFiles, ...]
    record: str = ""
    mark: int = 0


@cache
def _manifests() -> TypeAdapter[Manifest]:
    """Made once: a service reads the manifest with many of its requests."""
    return TypeAdapter(Manifest)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the index in `folder`. Raises IndexMissing or IndexDamaged."""
    file = folder / MANIFEST
    try:
        return _manifests().validate_json(json.dumps(_unsealed(file.read_bytes())), strict=True)
    except FileNotFoundError as error:
        raise IndexMissing(_missing(folder)) from error
    except ValueError as error:
        raise IndexDamaged(f"{file} is damaged, or of another version: {_rebuild(folder)}") from error
    except OSError as error:
        reason = f"{error.strerror}: correct index, or the rights on that folder"
        raise IndexDamaged(f"{file}: {reason}") from error


def _missing(folder: Path) -> str:
    command = f"python -m ingest FOLDER --index {folder}"
    if (folder / FILE_NAME).is_file():
        return (
            f"nothing can be searched in {folder} yet: its first ingest is still running or was stopped: "
            f"run `{command}` again, it goes on there"
        )
    return f"there is no index in {folder}: run `{command}` first"


class FolderWatch:
    """Says what is published in an index folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> object:
        """Changes whenever the manifest is replaced."""
        try:
            status = (self._folder / MANIFEST).stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def generation(self) -> str | None:
        """The published generation, None without an index. Raises IndexDamaged."""
        try:
            return read_manifest(self._folder).generation
        except IndexMissing:
            return None


def segment_folder(folder: Path, number: int) -> Path:
    """Where publish `number` keeps the files of its segment."""
    return folder / _SEGMENTS / f"{number:08d}"


def files_of(folder: Path, manifest: Manifest, prefixes: tuple[str, ...] = ("",)) -> list[tuple[Path, str]]:
    """Every file of the generation whose name begins with one of `prefixes`, and its sha256."""
    return [
        (segment_folder(folder, segment.number) / name, digest)
        for segment in manifest.segments
        for name, digest in segment.files.items()
        if name.startswith(prefixes)
    ]


def verify(folder: Path, manifest: Manifest, prefixes: tuple[str, ...] = ("",)) -> None:
    """Raise IndexDamaged naming the first such file that is missing or not what was written."""
    for file, fault in faults(files_of(folder, manifest, prefixes)):
        raise IndexDamaged(f"{file} {fault}: {_rebuild(folder)}")


def verify_segment(folder: Path, segment: SegmentFiles) -> None:
    """Raise IndexDamaged naming the first file of a segment that is not what was written."""
    home = segment_folder(folder, segment.number)
    for file, fault in faults((home / name, digest) for name, digest in segment.files.items()):
        raise IndexDamaged(f"{file} {fault}: {_rebuild(folder)}")


def write_files(folder: Path, number: int, write: Callable[[Path], None]) -> dict[str, str]:
    """Let `write` fill the folder of publish `number`; flush it and return each file's sha256.

    Raises RagError if the disk does not take them; what was published stays as it is.
    """
    home = segment_folder(folder, number)
    shutil.rmtree(home, ignore_errors=True)  # left by an ingest that was killed
    with _writing(home):
        home.mkdir(parents=True)
        write(home)
        files = sorted(home.iterdir())
        digests = sealed(files, [home, home.parent, folder])
    return {file.name: digest for file, digest in zip(files, digests, strict=True)}


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Here a full or failing disk is a RagError, and leaves nothing half written at `path`."""
    try:
        yield
    except OSError as error:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        raise unwritten(path, error) from error


def write_file(file: Path, write: Callable[[Path], None]) -> str:
    """Let `write` make one more file, flush it and return its sha256. Raises RagError as `write_files`."""
    with _writing(file):
        write(file)
        [digest] = sealed([file], [file.parent])
    return digest


def publish(folder: Path, manifest: Manifest, previous: Manifest | None = None) -> None:
    """Make `manifest` the one that readers see, then drop files that neither it nor `previous` names.

    Raises RagError if the disk does not take it: then either what was published before stays so, or this
    is published and may be lost with the power.
    """
    draft = folder / f"{MANIFEST}.new"
    with _writing(draft):
        content = asdict(manifest)
        content[_SEAL] = _seal(content)
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
        flush(draft)
        draft.replace(folder / MANIFEST)
        flush(folder)
    _drop(folder, [manifest, previous] if previous else [manifest])


def _drop(folder: Path, kept: Sequence[Manifest]) -> None:
    """Remove every file of a segment that no kept generation names."""
    named = {file for manifest in kept for file, _ in files_of(folder, manifest)}
    homes = {file.parent for file in named}
    for home in (folder / _SEGMENTS).glob("*"):
        if home not in homes:
            shutil.rmtree(home, ignore_errors=True)
            continue
        for file in home.iterdir():
            if file not in named:
                with suppress(OSError):  # it is named by nothing: the next publish tries again
                    file.unlink()
    shutil.rmtree(folder / "generations", ignore_errors=True)  # where releases before segments kept them


def _unsealed(written: bytes) -> dict[str, object]:
    """What is under the seal. Raises ValueError if that was broken."""
    content = json.loads(written)
    if not isinstance(content, dict) or content.pop(_SEAL, "") != _seal(content):
        raise ValueError("the seal is broken")
    return content


def _seal(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()


def _rebuild(folder: Path) -> str:
    return f"run `python -m ingest` on your folder with --index {folder} again, it rebuilds from the record"
