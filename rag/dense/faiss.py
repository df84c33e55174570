"""Dense search: exact while it is cheap, beyond that by codes, the best re-scored from the full vectors.

By the number of vectors in a segment: below `exact_below` its vectors are compared one by one; from
there their signs are, then four bits a component of those that look best, then the full vectors of those
that may be among the best. From `listed_from` on the codes stand in lists around centroids, which FAISS
trains when the segment is written, and only the nearest lists are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rag.dense._codes import BLOCK, write_codes
from rag.dense._columns import OFFSETS, VECTORS, Columns, open_columns, write_array
from rag.dense._part import Part
from rag.dense._reader import DEFAULT, Effort, PartsReader
from rag.errors import SettingError
from rag.files import let_go
from rag.protocols.legs import DenseIndex
from rag.types import Mask, Rows, Segment, Vectors

_LARGEST_EFFORT = 1_000.0


class FaissIndex:
    """Writes, merges and opens segments."""

    def __init__(self, exact_below: int, listed_from: int, effort: Effort) -> None:
        self._exact_below = exact_below
        self._listed_from = listed_from
        self._effort = effort

    def write(self, folder: Path, vectors: Vectors, rows: Sequence[int]) -> None:
        """A segment of `vectors` float32 (n, dimension) and the row of each, ascending."""
        counts = np.bincount(np.asarray(rows, dtype=np.int64)).astype(np.int64)
        self._save(folder, counts, _blocks(vectors), vectors.shape[1])

    def merge(self, folder: Path, segments: Sequence[Segment]) -> None:
        """The living rows of `segments` as one segment. Memory as in `_codes.write_codes`."""
        columns = [open_columns(segment.folder) for segment in segments]
        living = [_living(own, segment) for own, segment in zip(columns, segments, strict=True)]
        counts = []
        for own, segment, alive in zip(columns, segments, living, strict=True):
            every = np.zeros(segment.rows, np.int64)
            every[: own.rows] = np.diff(own.offsets)
            counts.append(every[alive])
        dimension = max((own.vectors.shape[1] for own in columns), default=1)
        blocks = (
            block
            for own, alive in zip(columns, living, strict=True)
            for block in _kept(own, np.repeat(alive[: own.rows], np.diff(own.offsets)))
        )
        self._save(folder, np.concatenate([np.zeros(0, np.int64), *counts]), blocks, dimension)

    def open(self, segments: Sequence[Segment]) -> PartsReader:
        """The segments as one collection, mapped: nothing is read before the first search."""
        parts, first = [], 0
        living = np.ones(sum(segment.rows for segment in segments), np.bool_)
        for segment in segments:
            parts.append(Part(open_columns(segment.folder), first, segment.rows))
            living[segment.deleted + first] = False
            first += segment.rows
        return PartsReader(
            [part for part in parts if len(part.columns.vectors)],
            first,
            None if living.all() else living,
            self._effort,
        )

    def _save(self, folder: Path, counts: Rows, blocks: Iterator[Vectors], dimension: int) -> None:
        """Write the segment whose row r has `counts`[r] of the vectors in `blocks`."""
        offsets = np.concatenate([[0], np.cumsum(counts)])
        total = int(offsets[-1])
        np.save(folder / OFFSETS, offsets.astype(np.int32), allow_pickle=False)
        write_array(folder / VECTORS, np.float32, (total, dimension), blocks)
        if total >= max(1, self._exact_below):
            write_codes(folder, self._listed_from)


def _living(columns: Columns, segment: Segment) -> Mask:
    living = np.ones(max(segment.rows, columns.rows), np.bool_)
    living[segment.deleted] = False
    return living


def _kept(columns: Columns, alive: Mask) -> Iterator[Vectors]:
    for start, block in zip(range(0, len(alive), BLOCK), _blocks(columns.vectors), strict=True):
        yield block[alive[start : start + BLOCK]]


def _blocks(vectors: Vectors) -> Iterator[Vectors]:
    """One after the other; no more than one is held of a file that is mapped."""
    for start in range(0, len(vectors), BLOCK):
        yield vectors[start : start + BLOCK]
        let_go(vectors)


def build(exact_below: int = 8_192, listed_from: int = 65_536, effort: float = 1.0) -> DenseIndex:
    """Dense search over memory-mapped arrays.

    `exact_below`: vectors of a segment from which it is searched by codes. `listed_from`: vectors from
    which the codes are grouped in lists. `effort`: how much more (or less) than by default a search
    looks at; with 1,000, the largest, the search is exact. Raises SettingError.
    """
    for name, value in {"exact_below": exact_below, "listed_from": listed_from}.items():
        if value < 0:
            raise SettingError(f"dense.{name} = {value}: must not be negative")
    if not 0 < effort <= _LARGEST_EFFORT:
        raise SettingError(f"dense.effort = {effort}: must be more than 0 and at most {_LARGEST_EFFORT}")
    return FaissIndex(exact_below, listed_from, DEFAULT.times(effort))
