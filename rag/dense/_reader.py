"""Searches opened segments as one collection: estimates first, exact scores for those that may be best.

Segments with codes are scanned list by list, the nearest lists of all segments first, whatever segment
they stand in: how an index is cut into segments changes neither the work nor, but by chance, the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.dense._part import Found, Part
from rag.types import Mask, Ranking, Rows, Vectors

_FEW = 2_000  # allowed rows that are scored outright
_EVERY = 8  # of the estimates, one in so many is looked at to find where to cut
_MORE = 4  # so many times as much where rows of many vectors left too few


@dataclass(frozen=True, slots=True)
class Effort:
    """How many coded vectors a search of depth d looks at, `scanned[0] + scanned[1] * d`, more where few
    rows are allowed; how many of those it looks at more closely, `refined[0] + refined[1] * d`; and by how
    many deviations the closer look may be wrong before a row is lost.
    """

    scanned: tuple[float, float]
    refined: tuple[float, float]
    deviations: float

    def vectors(self, depth: int, share: float) -> int:
        """Codes to scan for a search of this depth among this share of the rows."""
        return max(1, int((self.scanned[0] + self.scanned[1] * depth) / share))

    def closer(self, depth: int) -> int:
        """Codes to refine for a search of this depth."""
        return max(depth, int(self.refined[0] + self.refined[1] * depth))

    def times(self, factor: float) -> Effort:
        """So many times as much of each."""
        scanned, refined = self.scanned, self.refined
        return Effort(
            (scanned[0] * factor, scanned[1] * factor),
            (refined[0] * factor, refined[1] * factor),
            self.deviations * factor,
        )


# Chosen on a million vectors (docs/bench_dense.py): recall at 10, 100 and 1,000 is .99 there.
DEFAULT = Effort(scanned=(60_000, 100), refined=(500, 7), deviations=1.5)


class PartsReader:
    """Reads parts; `living` is False at deleted rows, None where there are none."""

    def __init__(self, parts: Sequence[Part], rows: int, living: Mask | None, effort: Effort) -> None:
        self._coded = [part for part in parts if part.columns.coded]
        self._plain = [part for part in parts if not part.columns.coded]
        self._parts = list(parts)
        self._firsts = np.array([part.first for part in parts], dtype=np.int64)
        self._rows = rows
        self._living = living
        self._effort = effort
        self._single = all(part.single for part in parts)
        sizes = [part.list_sizes for part in self._coded]
        self._sizes = np.concatenate([np.zeros(0, np.int64), *sizes])
        self._edges = np.cumsum([0, *(len(own) for own in sizes)])

    def search(self, vector: Vectors, depth: int, among: Mask | None = None) -> Ranking:
        """At most `depth` living rows by the best inner product over each row's vectors."""
        if not self._parts or depth < 1:
            return Ranking(np.zeros(0, np.int64), np.zeros(0, np.float32))
        query = np.ascontiguousarray(vector, np.float32)
        allowed = self._allowed(among)
        count = self._rows if allowed is None else int(np.count_nonzero(allowed))
        if allowed is not None and count <= _FEW:
            rows = self._with_vector(np.flatnonzero(allowed))
            return _ranking(rows, self.score(query, rows), depth)
        depth = min(depth, count)
        every = int(self._sizes.sum())
        wanted, closer = self._effort.vectors(depth, count / self._rows), self._effort.closer(depth)
        while True:
            rows = self._candidates(self._found(query, wanted, closer, allowed), depth)
            if len(rows) >= depth or min(wanted, closer) >= every:
                return _ranking(rows, self.score(query, rows), depth)
            wanted, closer = wanted * _MORE, closer * _MORE

    def score(self, vector: Vectors, rows: Sequence[int] | Rows) -> Vectors:
        """Best inner product of each of these rows, float32 (len(rows),), 0 without a vector or deleted."""
        asked = np.asarray(rows, dtype=np.int64)
        scores = np.zeros(len(asked), np.float32)
        owners = np.searchsorted(self._firsts, asked, side="right") - 1
        for at, part in enumerate(self._parts):
            own = owners == at
            if own.any():
                scores[own] = part.best(vector, asked[own] - part.first)
        if self._living is not None:
            scores[~self._living[asked]] = 0
        return scores

    def _allowed(self, among: Mask | None) -> Mask | None:
        if among is None or self._living is None:
            return self._living if among is None else among
        both: Mask = among & self._living
        return both

    def _with_vector(self, rows: Rows) -> Rows:
        """Those of the ascending `rows` that have a vector."""
        kept = []
        for part in self._parts:
            own = rows[(rows >= part.first) & (rows < part.first + part.columns.rows)] - part.first
            offsets = part.columns.offsets
            kept.append(own[offsets[own + 1] > offsets[own]] + part.first)
        return np.concatenate([np.zeros(0, np.int64), *kept])

    def _found(self, query: Vectors, wanted: int, closer: int, allowed: Mask | None) -> list[Found]:
        found = [part.compare(query, allowed) for part in self._plain]
        lists = self._nearest_lists(query, wanted)
        scanned = [
            (part, part.estimate(query, lists[(lists >= first) & (lists < last)] - first, allowed))
            for part, first, last in zip(self._coded, self._edges, self._edges[1:], strict=False)
        ]
        products = np.concatenate([np.zeros(0, np.float32), *(seen.products for _, seen in scanned)])
        worth = _worth(products, closer)
        deviations = self._effort.deviations
        return found + [part.refine(query, seen, worth, deviations) for part, seen in scanned]

    def _nearest_lists(self, query: Vectors, wanted: int) -> Rows:
        """The nearest lists that together hold `wanted` vectors, numbered through the coded parts."""
        if wanted >= int(self._sizes.sum()):
            return np.arange(len(self._sizes))
        near = [part.columns.coded.centroids @ query for part in self._coded if part.columns.coded]
        order = np.argsort(-np.concatenate(near))
        held = np.cumsum(self._sizes[order])
        lists: Rows = np.sort(order[: int(np.searchsorted(held, wanted)) + 1])
        return lists

    def _candidates(self, found: Sequence[Found], depth: int) -> Rows:
        """Every row whose product may be among the `depth` best, ascending."""
        rows = np.concatenate([each.rows for each in found])
        lower = np.concatenate([each.products - np.float32(each.margin) for each in found])
        upper = np.concatenate([each.products + np.float32(each.margin) for each in found])
        looked = depth
        while looked < len(rows):
            bound = np.partition(lower, -looked)[-looked]
            if self._single or len(np.unique(rows[lower >= bound])) >= depth:
                rows = rows[upper >= bound]
                break
            looked *= 2
        candidates: Rows = np.unique(rows)
        return candidates


def _worth(products: Vectors, wanted: int) -> float:
    """What about `wanted` of the products reach, judged by every eighth of them."""
    if wanted >= len(products):
        return -np.inf
    some = products[::_EVERY]
    place = max(1, min(wanted // _EVERY, len(some)))
    return float(np.partition(some, -place)[-place])


def _ranking(rows: Rows, scores: Vectors, depth: int) -> Ranking:
    """The `depth` best, equals in row order; `rows` ascending."""
    order = np.argsort(-scores, kind="stable")[:depth]
    return Ranking(rows[order], scores[order])
