"""Exact dense search with FAISS over the vectors as they are.

The files are plain arrays: FAISS's own files carry no checksum of their content and building a flat
index from an array is one copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.protocols import DenseIndex
from rag.types import Mask, Ranking, Rows, Segment, Vectors

_MARGIN = 32  # vectors looked at beyond those asked for, so that one search is nearly always enough
_ROUNDING = 1e-5  # what FAISS's single precision may be off by


class FaissIndex:
    """Writes, merges and opens flat inner-product indexes."""

    def write(self, folder: Path, vectors: Vectors, rows: Sequence[int]) -> None:
        """Save `vectors` float32 (n, dimension) and the chunk row of each, ascending."""
        np.save(folder / "dense-vectors.npy", np.ascontiguousarray(vectors, np.float32), allow_pickle=False)
        np.save(folder / "dense-rows.npy", np.asarray(rows, dtype=np.int64), allow_pickle=False)

    def merge(self, folder: Path, segments: Sequence[Segment]) -> None:
        """The living rows' vectors as one segment."""
        vectors, rows = _living(segments)
        gone = np.concatenate(
            [np.zeros(0, np.int64), *_numbered([each.deleted for each in segments], segments)]
        )
        self.write(folder, vectors, (rows - np.searchsorted(gone, rows)).tolist())

    def open(self, segments: Sequence[Segment]) -> FaissReader:
        """The segments' vectors as one collection."""
        return FaissReader(*_living(segments))


def _living(segments: Sequence[Segment]) -> tuple[Vectors, Rows]:
    """The living rows' vectors, float32 (n, dimension), and the row of each, numbered through."""
    rows = [np.load(each.folder / "dense-rows.npy", allow_pickle=False) for each in segments]
    alive = [~np.isin(own, each.deleted) for own, each in zip(rows, segments, strict=True)]
    vectors = [
        np.load(each.folder / "dense-vectors.npy", mmap_mode="r", allow_pickle=False)[own]
        for each, own in zip(segments, alive, strict=True)
    ]
    kept = _numbered([own[mask] for own, mask in zip(rows, alive, strict=True)], segments)
    dimension = max((own.shape[1] for own in vectors), default=1)
    return (
        np.concatenate([np.zeros((0, dimension), np.float32), *vectors]),
        np.concatenate([np.zeros(0, np.int64), *kept]),
    )


def _numbered(rows: Sequence[Rows], segments: Sequence[Segment]) -> list[Rows]:
    """Rows of each segment, numbered through all of them."""
    bases = np.cumsum([0, *(each.rows for each in segments)])
    return [own + base for own, base in zip(rows, bases, strict=False)]


class FaissReader:
    """Searches one immutable set of vectors; a row's score is that of its best vector."""

    def __init__(self, vectors: Vectors, rows: Rows) -> None:
        import faiss

        self._vectors = vectors
        self._rows = rows
        self._index: Any = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def search(self, vector: Vectors, depth: int, among: Mask | None = None) -> Ranking:
        """At most `depth` rows by inner product with `vector` float32 (dimension,)."""
        if among is not None:
            scores = self.score(vector, (rows := np.unique(self._rows[among[self._rows]])).tolist())
            order = np.lexsort((rows, -scores))[:depth]
            return Ranking(rows[order], scores[order])
        total = len(self._rows)
        wanted = min(total, depth + _MARGIN) if depth > 0 else 0
        rows, scores = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        while wanted:
            products, found = self._index.search(vector[None, :], wanted)
            rows = np.unique(self._rows[found[0]])
            scores = self.score(vector, rows.tolist())
            if wanted == total or _is_complete(scores, depth, float(products[0][-1])):
                break
            wanted = min(total, wanted * 2)
        order = np.lexsort((rows, -scores))[:depth]
        return Ranking(rows[order], scores[order])

    def score(self, vector: Vectors, rows: Sequence[int]) -> Vectors:
        """Best inner product of each of these rows.

        Computed in double precision and rounded to single, so that equal vectors score equally
        wherever they stand in the array.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        first = np.searchsorted(self._rows, wanted, side="left")
        last = np.searchsorted(self._rows, wanted, side="right")
        lengths = last - first
        if not lengths.any():
            return np.zeros(len(wanted), dtype=np.float32)
        starts = np.cumsum(lengths) - lengths
        places = np.arange(int(lengths.sum())) - np.repeat(starts - first, lengths)
        products = self._vectors[places].astype(np.float64) @ vector.astype(np.float64)
        scores = np.zeros(len(wanted), dtype=np.float32)
        held = lengths > 0
        scores[held] = np.maximum.reduceat(products, starts[held])
        return scores


def _is_complete(scores: Vectors, depth: int, worst: float) -> bool:
    """Whether no row outside can be among the best: several vectors of one row take places of others,
    and FAISS drops any of those that tie for the last place.
    """
    if len(scores) < depth:
        return False
    last = float(np.partition(scores, -depth)[-depth])
    return worst < last - _ROUNDING * max(1.0, abs(last))


def build() -> DenseIndex:
    """The exact FAISS backend; it has no options."""
    return FaissIndex()
