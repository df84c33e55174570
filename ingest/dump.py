"""What was read and how it is cut, as JSON: nothing is embedded and no index is touched."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from ingest.discover import discover
from ingest.pipeline import build_loaders, build_splitter
from ingest.plan import Planned, plan
from ingest.report import one_line
from rag.build import build_embedder
from rag.config import Settings
from rag.errors import DocumentError
from rag.protocols import Loader, Splitter
from rag.types import Document, Loaded

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

    Ids are what a first ingest of the same paths would give. Raises SettingError.
    """
    with ExitStack() as stack:
        loaders = build_loaders(settings, stack)
        found = discover(paths, list(loaders), [], settings.index)
        splitter = build_splitter(settings, build_embedder(settings))
        todo = plan(found, [], lambda _: splitter.fingerprint)
        yield from todo.failed
        for planned in todo.write:
            yield _read(planned, loaders, splitter)


def _read(planned: Planned, loaders: Mapping[str, Loader], splitter: Splitter) -> dict[str, Any] | Failure:
    path = planned.source.path
    try:
        loaded = loaders[path.suffix.lower()].load(path)
    except DocumentError as error:
        return planned.id, str(error)
    return _document_json(planned, loaded, splitter)


def _document_json(planned: Planned, loaded: Loaded, splitter: Splitter) -> dict[str, Any]:
    document = Document(planned.id, loaded.text, planned.digest, loaded.metadata, loaded.pages)
    return {
        "path": document.id,
        "text": document.text,
        "pages": [{"number": page.number, "start": page.start, "end": page.end} for page in document.pages],
        "metadata": dict(document.metadata),
        "warnings": [{"kind": warning.kind, "detail": warning.detail} for warning in loaded.warnings],
        "chunks": [
            {"start": chunk.start, "end": chunk.end, "heading": list(chunk.heading), "page": chunk.page}
            for chunk in splitter.split(document)
        ],
    }
