"""What an ingest would do, without doing it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest import unread
from ingest.reading import Reader
from ingest.report import Report
from ingest.todo import compare, counted, find, living
from rag.build import build_store
from rag.config import Settings
from rag.errors import SettingError
from rag.expansion.glossed import agreed
from rag.models import build_embedder
from rag.protocols.stores import StoredDocument


def foretell(settings: Settings, paths: Sequence[Path], reader: Reader, rebuild: bool) -> Report:
    """The report of an ingest that changes nothing; `rebuild` is one that starts over."""
    before = living(settings) if rebuild else frozenset()
    stored: list[StoredDocument] = []
    remembered: Mapping[str, str] = {}
    store = build_store(settings, read_only=True) if _has_record(settings) and not rebuild else None
    found = find(settings, paths, reader.loaders, store)
    if store is not None:
        stored, remembered = store.documents(), store.settings()
        if known := remembered.get("embedder"):
            agreed(settings.index, known, build_embedder(settings))
        store.close()
    todo = compare(found, stored, reader)
    unread.fail_again(todo, remembered)
    report = counted(todo)
    report.removed += len(before - {planned.id for planned in todo.write})
    report.written = len(todo.write) - len(todo.moved)
    report.moved = len(todo.moved)
    report.dry_run = True
    if _has_record(settings):
        place = shlex.join(["--index", str(settings.index)])
        report.hint = f"`python -m rag doctor {place}` examines what the index holds"
    report.tell(found)
    return report


def _has_record(settings: Settings) -> bool:
    if settings.index.exists() and not settings.index.is_dir():
        raise SettingError(f"index = {str(settings.index)!r} is not a folder")
    folder = settings.index
    return folder.is_dir() and any(not file.name.startswith("lock") for file in folder.iterdir())
