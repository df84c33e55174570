"""Rows of the record in SQLite, which keeps no checksum of its pages: each has a seal."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import numpy as np

from rag.stores._seals import SEAL, BrokenSeal, chunk_seal, digest, document_seal, seal, text_digest
from rag.types import Chunk, Document, Filter, Page, Vectors, Warned

# A string that SQLite is given keeps its UTF-8 for as long as it lives, and a statement what it was given
# until it is given something else: together twice a text while its passages are embedded.
_INSERT = (
    "INSERT INTO document (id, text, digest, metadata, pages, seal, source, empty_pages, warnings) "
    "SELECT ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ? WHERE ?"
)
_NOTHING = (None,) * 9 + (False,)


def insert_document(
    connection: sqlite3.Connection, document: Document, source: str, empty_pages: int, warnings: str | None
) -> int | None:
    """A version of the document; its number."""
    metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
    pages = json.dumps([(page.number, page.start, page.end) for page in document.pages])
    own = (document.id, document.text.encode(), document.digest, metadata, pages, document_seal(document))
    version = connection.execute(_INSERT, (*own, source, empty_pages, warnings, True)).lastrowid
    connection.execute(_INSERT, _NOTHING)
    return version


def read_document(row: tuple[Any, ...]) -> Document:
    """From id, text, digest, metadata, pages and seal; a record of earlier releases has no seal.

    Raises BrokenSeal.
    """
    *own, sealed = row
    if sealed is not None and sealed != seal(own):
        raise BrokenSeal(f"the document {own[0]!r} is not what was written")
    name, text, digest, metadata, pages = own
    return Document(
        name, text, digest, json.loads(metadata), tuple(Page(*page) for page in json.loads(pages))
    )


def chunk_row(version: int | None, chunk: Chunk, vectors: Vectors) -> tuple[Any, ...]:
    """Version, ordinal, start, end, heading, page, text's digest, vectors, embedded and seal."""
    blob = vectors.shape[1].to_bytes(4, "little") + np.ascontiguousarray(vectors, dtype="<f4").tobytes()
    heading = json.dumps(chunk.heading, ensure_ascii=False)
    embedded = None if chunk.embedded == chunk.text else chunk.embedded
    place = (chunk.ordinal, chunk.start, chunk.end, heading, chunk.page)
    sealed = chunk_seal(chunk) + digest(blob)
    return (version, *place, text_digest(chunk.indexed_text), blob, embedded, sealed)


def read_chunk(name: str, text: str, row: tuple[Any, ...]) -> Chunk:
    """The chunk of a document's `text` from ordinal, start, end, heading, page, embedded and seal.

    Raises BrokenSeal.
    """
    *place, embedded, sealed = row
    ordinal, start, end, heading, page = place
    own = text[start:end]
    if sealed is not None and sealed[:SEAL] != seal((name, own, *place, embedded)):
        raise BrokenSeal(f"passage {ordinal} of the document {name!r} is not what was written")
    return Chunk(name, ordinal, own, start, end, tuple(json.loads(heading)), page, embedded)


def read_vectors(blob: bytes, sealed: str | None) -> Vectors:
    """Float32 (windows, dimension). Raises BrokenSeal."""
    if sealed is not None and sealed[SEAL:] != digest(blob):
        raise BrokenSeal("the vectors of a passage are not what was written")
    dimension = int.from_bytes(blob[:4], "little")
    vectors: Vectors = np.frombuffer(blob, dtype="<f4", offset=4).reshape(-1, dimension)
    return vectors


def read_warnings(stored: str | None) -> tuple[Warned, ...]:
    """What was said when a document was read."""
    return tuple(Warned(kind, detail) for kind, detail in json.loads(stored)) if stored else ()


def selection(chosen: Filter) -> tuple[str, list[object]]:
    """The condition for chunk and document `d`, and its values."""
    conditions, values = ["true"], list[object]()
    if chosen.paths:
        conditions.append("(" + " OR ".join(["d.id = ? OR d.id GLOB ?"] * len(chosen.paths)) + ")")
        values += [each for path in chosen.paths for each in (path, _pattern(path))]
    if chosen.pages:
        conditions.append("chunk.page BETWEEN ? AND ?")
        values += chosen.pages
    for pair in chosen.metadata:
        conditions.append("EXISTS (SELECT 1 FROM json_each(d.metadata) WHERE key = ? AND value = ?)")
        values += pair
    return " AND ".join(conditions), values


def _pattern(path: str) -> str:
    """As SQLite's GLOB reads it: * is any run of characters; everything else stands for itself."""
    plain = "".join(f"[{each}]" if each in "?[" else each for each in path)
    return plain if "*" in plain else plain.rstrip("/") + "/*"
