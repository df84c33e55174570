"""A generation in Milvus, opened for reading. Its rows are the keys of passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from rag.errors import IndexReplaced
from rag.fusion import document_number
from rag.protocols.stores import Published
from rag.sparse._bmx_formula import Variant
from rag.stores._milvus.client import Connection
from rag.stores._milvus.filter import condition
from rag.stores._milvus.legs import MilvusDense, MilvusSparse
from rag.stores._milvus.passages import Passages
from rag.types import Chunk, Filter, Rows


class _Record(Protocol):
    def fetch(self, keys: Sequence[int]) -> dict[int, Chunk]: ...


class MilvusIndex:
    """Both legs of one generation and the chunks their rows stand for."""

    def __init__(
        self,
        record: _Record,
        connection: Connection,
        published: Published,
        variant: Variant,
        candidates: int,
        effort: dict[str, Any],
    ) -> None:
        self._passages = Passages(connection)
        self.sparse = MilvusSparse(connection, published, self._passages, variant, candidates)
        self.dense = MilvusDense(connection, published, effort)
        self._record = record
        self._published = published

    @property
    def generation(self) -> str:
        """The generation's name."""
        return self._published.generation

    def among(self, chosen: Filter) -> str | None:
        """The filter as both legs push it down to Milvus; None where it lets everything through."""
        return condition(chosen) or None

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks of these rows, in their order.

        Raises IndexReplaced if one is gone: two newer generations were published meanwhile.
        """
        found = self._record.fetch(list(rows))
        if any(row not in found for row in rows):
            raise IndexReplaced(f"generation {self.generation} was replaced while it was read: ask again")
        return [found[row] for row in rows]

    def first(self, rows: Rows, count: int) -> Rows:
        """The first `count` of these rows by document id and position, without reading their texts."""
        found = self._passages.of(rows.tolist())
        order = sorted(range(len(rows)), key=lambda at: (found[at].document, found[at].ordinal))
        return rows[np.array(order[:count], dtype=np.int64)]

    def documents(self, rows: Rows) -> Rows:
        """Numbers by which rows of one document are known."""
        keys = rows.tolist()
        found = zip(keys, self._passages.of(keys), strict=True)
        numbers = [document_number(each.document) if each.document else key for key, each in found]
        return np.array(numbers, dtype=np.int64)
