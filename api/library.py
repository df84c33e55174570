"""What is read from the index's record for the document routes; each call opens it anew.

The record may be put aside and made again while the service runs, and opening it takes about a
millisecond.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.errors import RefusedError
from api.redact import Redactor
from rag.build import build_store, published
from rag.config import Settings
from rag.protocols.stores import Store, StoredDocument
from rag.sources import roots_of

TEXT_LIMIT = 200_000  # characters in one reply


def listing(settings: Settings, after: str, limit: int, redactor: Redactor) -> dict[str, Any]:
    """At most `limit` documents whose ids come after `after`. Raises IndexMissing or IndexDamaged."""
    generation = published(settings).generation
    with _record(settings) as store:
        living = store.documents()
    begin = bisect_right([document.id for document in living], after) if after else 0
    shown = living[begin : begin + limit]
    more = begin + limit < len(living)
    return {
        "generation": generation,
        "total": len(living),
        "documents": [_listed(document, redactor) for document in shown],
        "next": shown[-1].id if more else None,
    }


def text_of(settings: Settings, document_id: str, start: int, end: int | None) -> dict[str, Any]:
    """Characters `start` to `end` of a document, TEXT_LIMIT at most. Raises RefusedError (404, 416)."""
    with _record(settings) as store:
        document = store.document(document_id)
    if document is None:
        raise missing()
    length = len(document.text)
    stop = min(length if end is None else end, length, start + TEXT_LIMIT)
    if start > length or stop < start:
        raise RefusedError(416, "range", f"the document has {length} characters: ask for a part of them")
    return {
        "id": document.id,
        "digest": document.digest,
        "metadata": dict(document.metadata),
        "pages": [{"number": page.number, "start": page.start, "end": page.end} for page in document.pages],
        "length": length,
        "start": start,
        "end": stop,
        "text": document.text[start:stop],
    }


def stored(settings: Settings, document_id: str) -> StoredDocument:
    """What the record says of a document. Raises RefusedError (404)."""
    with _record(settings) as store:
        for document in store.documents():
            if document.id == document_id:
                return document
    raise missing()


def ids_of(settings: Settings, file: Path) -> list[str]:
    """The documents that were read from `file`. Raises IndexMissing or IndexDamaged."""
    with _record(settings) as store:
        return [document.id for document in store.documents() if document.source == str(file)]


def sources(settings: Settings) -> set[str]:
    """The full paths of the files that documents were read from. Raises IndexMissing or IndexDamaged."""
    with _record(settings) as store:
        return {document.source for document in store.documents()}


def roots(settings: Settings) -> list[Path]:
    """The folders that the index was made from."""
    with _record(settings) as store:
        return roots_of(store.settings())


def missing() -> RefusedError:
    """There is no such document."""
    return RefusedError(404, "no-document", "there is no such document; GET /documents lists them")


@contextmanager
def _record(settings: Settings) -> Iterator[Store]:
    published(settings)  # says what to do where there is no index
    store = build_store(settings, read_only=True)
    try:
        yield store
    finally:
        store.close()


def _listed(document: StoredDocument, redactor: Redactor) -> dict[str, Any]:
    return {
        "id": document.id,
        "digest": document.digest,
        "chunks": document.chunks,
        "empty_pages": document.empty_pages,
        "warnings": [{"kind": each.kind, "detail": redactor.text(each.detail)} for each in document.warnings],
    }
