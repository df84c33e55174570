"""What was read and how it is cut, as JSON: nothing is embedded and no index is touched."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from ingest.loading import build_loaders, build_splitter
from ingest.pipeline import threads
from ingest.reading import Read, build_reader, in_order, size_on_disk
from ingest.report import one_line
from ingest.todo import compare, find
from rag.config import Settings
from rag.models import build_embedder

Failure: TypeAlias = tuple[str, str]


def dump(settings: Settings, paths: Sequence[Path]) -> int:
    """Print one JSON object a line and document on stdout, what cannot be read on stderr.

    Returns the exit status: 0, or 1 where a file could not be read. Raises SettingError.
    """
    failed = False
    for each in documents(settings, paths):
        if isinstance(each, dict):
            print(json.dumps(each, ensure_ascii=False))
        else:
            failed = True
            print(f"failed   {one_line(each[0])}: {each[1]}", file=sys.stderr)
    return 1 if failed else 0


def documents(settings: Settings, paths: Sequence[Path]) -> Iterator[dict[str, Any] | Failure]:
    """Each document under `paths` as JSON, or the path and the reason of one that cannot be read.

    Ids are what a first ingest of the same paths would give. Secrets are treated as an ingest treats
    them; the placeholders of each call are its own. Raises SettingError.
    """
    with ExitStack() as stack:
        loaders = build_loaders(settings, stack)
        found = find(settings, paths, loaders, None)
        reader = build_reader(settings, loaders, build_splitter(settings, build_embedder(settings)), None)
        todo = compare(found, [], reader)
        yield from todo.failed
        for read in in_order(todo.write, reader.read, size_on_disk, threads(settings)):
            yield _as_json(read)


def _as_json(read: Read) -> dict[str, Any] | Failure:
    document = read.document
    if document is None:
        return read.planned.id, read.failed or ""
    return {
        "path": document.id,
        "text": document.text,
        "pages": [{"number": page.number, "start": page.start, "end": page.end} for page in document.pages],
        "metadata": dict(document.metadata),
        "warnings": [{"kind": kind, "detail": detail} for _, kind, detail in read.warnings],
        "chunks": [
            {
                "start": chunk.start,
                "end": chunk.end,
                "heading": list(chunk.heading),
                "page": chunk.page,
                "embedded": chunk.embedded,
            }
            for chunk in read.chunks
        ],
    }
