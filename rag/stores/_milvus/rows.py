"""How documents and chunks become rows of the collections in schema.py."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rag.stores._milvus.address import Row
from rag.stores._milvus.filter import filterable, filtered
from rag.stores._milvus.schema import FIELD, LIVING, NOTHING
from rag.stores._seals import chunk_seal, document_seal, text_digest
from rag.types import Chunk, Document, Vectors, Warned

PIECE = 16_000  # characters of a piece of a text: four bytes each at most
PIECES = 24  # bits: a version's pieces are numbered below 2^24
LONG = 1 << 23  # from this number on they hold what is not text
_WINDOWS = 16  # bits: a chunk's windows are numbered below 2^16


def vector_key(chunk: int, window: int) -> int:
    """The key of a chunk's vector."""
    return chunk << _WINDOWS | window


def setting_row(name: str, value: str) -> Row:
    """A row of `setting`."""
    return {"name": name, "value": value, "nothing": NOTHING}


def document_row(
    version: int,
    first: int,
    document: Document,
    chunks: Sequence[Chunk],
    source: str,
    empty_pages: int,
    warnings: Sequence[Warned],
    born: int,
) -> Row:
    """The row of a document's version, whose chunks' keys begin with `first`: without its text."""
    said = _said(warnings)
    return {
        "version": version,
        "id": document.id,
        "source": json.dumps(source),
        "digest": document.digest,
        "chunks": len(chunks),
        "first_chunk": first,
        "empty_pages": empty_pages,
        "warnings": "" if len(said) > FIELD else said,
        "born": born,
        "retired": LIVING,
        "seal": document_seal(document),
        "nothing": NOTHING,
    }


def piece_rows(
    version: int, document: Document, chunks: Sequence[Chunk], warnings: Sequence[Warned]
) -> list[Row]:
    """The text of a document's version in pieces, and what else of it is long."""
    said = _said(warnings)
    long = {
        "metadata": dict(document.metadata),
        "pages": [(page.number, page.start, page.end) for page in document.pages],
        "warnings": said if len(said) > FIELD else "",
        "more": {chunk.ordinal: _more(chunk) for chunk in chunks if _is_long(_more(chunk))},
    }
    return [*_pieces(version, 0, document.text), *_pieces(version, LONG, json.dumps(long))]


def chunk_row(
    key: int, version: int, chunk: Chunk, document: Document, terms: dict[int, float], length: int, born: int
) -> Row:
    """The row of a chunk without its text, which its document's pieces hold."""
    more = _more(chunk)
    return {
        "key": key,
        "version": version,
        "document": chunk.document_id,
        "path": filtered(chunk.document_id),
        "ordinal": chunk.ordinal,
        "start_at": chunk.start,
        "end_at": chunk.end,
        "page": -1 if chunk.page is None else chunk.page,
        "more": "" if _is_long(more) else more,
        "text_digest": text_digest(chunk.indexed_text).hex(),
        "length": length,
        "metadata": filterable(document),
        "born": born,
        "retired": LIVING,
        "seal": chunk_seal(chunk),
        "terms": terms,
    }


def vector_rows(key: int, chunk: Chunk, document: Document, vectors: Vectors, born: int) -> list[Row]:
    """The rows of a chunk's vectors."""
    shared = {
        "key": key,
        "path": filtered(chunk.document_id),
        "page": -1 if chunk.page is None else chunk.page,
        "metadata": filterable(document),
        "born": born,
        "retired": LIVING,
    }
    return [
        {"window": vector_key(key, number), "vector": vector, **shared}
        for number, vector in enumerate(vectors)
    ]


def _said(warnings: Sequence[Warned]) -> str:
    """Escaped: a name in a detail need not be valid UTF-8, and a field must be."""
    return json.dumps([(each.kind, each.detail) for each in warnings])


def _more(chunk: Chunk) -> str:
    embedded = None if chunk.embedded == chunk.text else chunk.embedded
    return json.dumps([chunk.heading, embedded], ensure_ascii=False)


def _is_long(more: str) -> bool:
    return len(more.encode()) > FIELD


def _pieces(version: int, start: int, text: str) -> list[Row]:
    cuts = range(0, len(text), PIECE)
    return [
        {
            "piece": (version << PIECES) + start + number,
            "content": text[at : at + PIECE],
            "nothing": NOTHING,
        }
        for number, at in enumerate(cuts)
    ]
