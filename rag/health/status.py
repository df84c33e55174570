"""What an index holds and whether its files are what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rag.build import build_store, published, published_files
from rag.calibration.describe import described, lines
from rag.calibration.stored import read_calibration
from rag.config import Settings
from rag.errors import IndexDamaged, IndexMissing, RagError
from rag.files import faults
from rag.indexes.state import state_of
from rag.models import build_embedder


def status(settings: Settings) -> dict[str, Any]:
    """Facts of the index. `intact` is whether every published file has its recorded checksum;
    `unpublished` whether the record holds changes that searches do not see yet. Where the first ingest was
    stopped before it published, `generation` is None and `documents` and `chunks` are those recorded.

    `device` is where and in which precision the embedder computes here, for which it is loaded. Raises
    IndexMissing or IndexDamaged if there is no index to speak of, SettingError if there is no embedder.
    """
    try:
        index = published(settings)
    except IndexMissing:
        if (begun := recorded(settings)) is None:
            raise
        return _unpublished(settings, *begun)
    embedder = build_embedder(settings)
    store = build_store(settings, read_only=True)
    living = store.documents()
    store.close()
    files = published_files(settings)
    damage = _damage(files)
    return {
        "index": str(settings.index),
        "generation": index.generation,
        "number": index.number,
        "documents": index.documents,
        "chunks": index.chunks,
        "empty_pages": sum(document.empty_pages for document in living),
        "unpublished": state_of(living) != index.state,
        "intact": damage is None,
        "damage": damage,
        "embedder": index.embedder,
        "embedder_set": embedder.fingerprint,
        "device": embedder.device,
        "generator": settings.generator.name,
        "segments": len({file.parent for file, _ in files}),
        "calibration": _calibration(settings),
        "bytes": sum(file.stat().st_size for file, _ in files if file.is_file()),
    }


def calibrated(settings: Settings) -> list[str]:
    """What is promised of answers in sentences, or what is the matter with the file; empty where nothing was
    calibrated.
    """
    try:
        found = read_calibration(settings.index)
    except IndexDamaged as error:
        return [str(error)]
    return [] if found is None else list(lines(found, settings.calibration.risk))


def in_the_way(source: Settings, target: Settings) -> int:
    """How many documents of another index a copy from `source` to `target` would throw away.

    0 where the target holds none, or is an earlier copy: each index has a key of its own for placeholders of
    secrets (`ingest/reading.py`), which a copy takes along.
    """
    held = recorded(target)
    theirs, ours = _key(target) if held else None, _key(source)
    return held[0] if held and theirs is not None and theirs != ours else 0


def _key(settings: Settings) -> str | None:
    try:
        store = build_store(settings, read_only=True)
    except RagError:
        return None
    try:
        return store.settings().get("placeholder_key")
    finally:
        store.close()


def recorded(settings: Settings) -> tuple[int, int] | None:
    """Documents and chunks of the record, whether published or not; None where there are none."""
    try:
        store = build_store(settings, read_only=True)
    except RagError:
        return None
    try:
        living = store.documents()
    finally:
        store.close()
    return (len(living), sum(document.chunks for document in living)) if living else None


def waiting(settings: Settings, documents: int) -> str:
    """What to say of an index of which nothing was ever published."""
    return (
        f"the first ingest is still running or was stopped: {documents} documents are recorded and none can"
        f" be searched yet: run `python -m ingest FOLDER --index {settings.index}` again, it goes on there"
    )


def _unpublished(settings: Settings, documents: int, chunks: int) -> dict[str, Any]:
    return {
        "index": str(settings.index),
        "generation": None,
        "number": 0,
        "documents": documents,
        "chunks": chunks,
        "unpublished": True,
        "intact": False,
        "damage": waiting(settings, documents),
    }


def _calibration(settings: Settings) -> dict[str, Any] | str | None:
    """What is promised of answers; what is the matter with the file, or None where nothing was calibrated."""
    try:
        found = read_calibration(settings.index)
    except IndexDamaged as error:
        return str(error)
    return None if found is None else described(found, settings.calibration.risk)


def _damage(files: list[tuple[Path, str]]) -> str | None:
    """The first file that is not what was written."""
    for file, fault in faults(files):
        return f"{file} {fault}: run `python -m ingest` on your folder again, it rebuilds from the record"
    return None
