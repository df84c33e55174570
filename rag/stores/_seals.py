"""Seals: digests over everything in a record's row that a reader gets to see.

With them a flipped bit is an error and never another answer, whatever holds the rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from rag.types import Chunk, Document

SEAL = 32  # hexadecimal digits


class BrokenSeal(ValueError):
    """A row does not hold what was written."""


def document_seal(document: Document) -> str:
    """Over all of a document."""
    pages = [(page.number, page.start, page.end) for page in document.pages]
    metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
    return seal((document.id, document.text, document.digest, metadata, json.dumps(pages)))


def chunk_seal(chunk: Chunk) -> str:
    """Over all of a chunk."""
    place = (chunk.ordinal, chunk.start, chunk.end, json.dumps(chunk.heading, ensure_ascii=False), chunk.page)
    embedded = None if chunk.embedded == chunk.text else chunk.embedded
    return seal((chunk.document_id, chunk.text, *place, embedded))


def seal(fields: Iterable[object]) -> str:
    """Over fields that JSON knows."""
    return digest(json.dumps(list(fields)).encode("ascii"))


def digest(content: bytes) -> str:
    """Over bytes."""
    return hashlib.sha256(content).hexdigest()[:SEAL]


def text_digest(text: str) -> bytes:
    """By which the vectors of a text embedded before are found."""
    return hashlib.sha256(text.encode("utf-8")).digest()
