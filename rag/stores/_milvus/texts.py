"""Rows read back as documents and chunks, each held against its seal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rag.protocols.stores import StoredDocument
from rag.stores._milvus.address import Row
from rag.stores._milvus.client import Connection
from rag.stores._milvus.rows import LONG, PIECE, PIECES
from rag.stores._milvus.schema import PART
from rag.stores._seals import BrokenSeal, chunk_seal, document_seal
from rag.types import Chunk, Document, Page, Warned

CHUNK_FIELDS = ("version", "document", "ordinal", "start_at", "end_at", "page", "more", "seal")
DOCUMENT_FIELDS = (
    "version",
    "id",
    "source",
    "digest",
    "chunks",
    "first_chunk",
    "empty_pages",
    "warnings",
    "retired",
    "seal",
)


def stored_document(row: Row, connection: Connection) -> StoredDocument:
    """What a row of `document` says."""
    said = row["warnings"] or str(_long(connection, row["version"])["warnings"])
    warnings = tuple(Warned(kind, detail) for kind, detail in json.loads(said))
    source = json.loads(row["source"])
    return StoredDocument(row["id"], source, row["digest"], row["chunks"], row["empty_pages"], warnings)


def read_document(row: Row, connection: Connection) -> Document:
    """The document of a row, whole. Raises BrokenSeal."""
    long = _long(connection, row["version"])
    pages = tuple(Page(*page) for page in long["pages"])
    text = _joined(connection, row["version"], 0)
    document = Document(row["id"], text, row["digest"], long["metadata"], pages)
    if document_seal(document) != row["seal"]:
        raise BrokenSeal(f"the document {row['id']!r} is not what was written")
    return document


def read_chunks(rows: Sequence[Row], connection: Connection) -> Iterator[Chunk]:
    """The chunks of rows with `CHUNK_FIELDS`, in their order. Raises BrokenSeal."""
    wanted = sorted({piece for row in rows for piece in _spanned(row)})
    texts = {row["piece"]: row["content"] for row in connection.get(PART, "piece", wanted, ["content"])}
    longs: dict[int, dict[str, Any]] = {}
    for row in rows:
        version = row["version"]
        if not row["more"] and version not in longs:
            longs[version] = _long(connection, version)
        more = row["more"] or longs[version]["more"][str(row["ordinal"])]
        yield _chunk(row, "".join(texts.get(piece, "") for piece in _spanned(row)), json.loads(more))


def _chunk(row: Row, pieces: str, more: list[Any]) -> Chunk:
    offset = row["start_at"] // PIECE * PIECE
    heading, embedded = more
    chunk = Chunk(
        row["document"],
        row["ordinal"],
        pieces[row["start_at"] - offset : row["end_at"] - offset],
        row["start_at"],
        row["end_at"],
        tuple(heading),
        None if row["page"] < 0 else row["page"],
        embedded,
    )
    if chunk_seal(chunk) != row["seal"]:
        raise BrokenSeal(
            f"passage {chunk.ordinal} of the document {chunk.document_id!r} is not what was written"
        )
    return chunk


def pieces_of(version: int) -> str:
    """The condition for the pieces of a version."""
    return f"piece >= {version << PIECES} and piece < {version + 1 << PIECES}"


def _spanned(row: Row) -> range:
    first = row["version"] << PIECES
    return range(first + row["start_at"] // PIECE, first + max(row["end_at"] - 1, 0) // PIECE + 1)


def _joined(connection: Connection, version: int, start: int) -> str:
    first = (version << PIECES) + start
    said = f"piece >= {first} and piece < {(version << PIECES) + (start or LONG) + (start and LONG)}"
    return "".join(row["content"] for row in connection.rows(PART, said, ["content"], "piece"))


def _long(connection: Connection, version: int) -> dict[str, Any]:
    long: dict[str, Any] = json.loads(_joined(connection, version, LONG))
    return long
