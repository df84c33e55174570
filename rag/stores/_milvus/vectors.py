"""Vectors of passages, by key and by what was embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rag.stores._milvus.address import listed, parts
from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import CHUNK, vector_collections
from rag.stores._seals import text_digest
from rag.types import Vectors


def vectors_of(connection: Connection, keys: Sequence[int]) -> dict[int, Vectors]:
    """The vectors of passages by key, float32 (windows, dimension); without any a key is left out."""
    found: dict[int, list[Any]] = {}
    if not keys:
        return {}
    for name in vector_collections(connection):
        for part in parts(keys):
            for row in connection.rows(name, f"key in {listed(part)}", ["key", "vector"], "window"):
                found.setdefault(row["key"], []).append(row["vector"])
    return {key: np.array(own, dtype=np.float32) for key, own in found.items()}


def known_vectors(connection: Connection, texts: Sequence[str]) -> dict[str, Vectors]:
    """The vectors of those of these indexed texts that were embedded before."""
    by_digest = {text_digest(each).hex(): each for each in texts}
    keys: dict[str, int] = {}
    for part in parts(list(by_digest)):
        found = connection.rows(CHUNK, f"text_digest in {listed(part)}", ["text_digest"], "key")
        keys |= {row["text_digest"]: row["key"] for row in found}
    vectors = vectors_of(connection, list(keys.values()))
    return {by_digest[digest]: vectors[key] for digest, key in keys.items() if key in vectors}
