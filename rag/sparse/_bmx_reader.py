"""Searches several segments as one collection without its deleted rows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from rag.compute import cores
from rag.protocols.legs import TermPart
from rag.sparse._bmx_exhaustive import all_scores, best_rows, some_scores
from rag.sparse._bmx_formula import (
    Collection,
    Floats,
    Query,
    Variant,
    counted,
    prepare,
)
from rag.sparse._bmx_segment import Columns
from rag.sparse._bmx_terms import Spans, Terms
from rag.sparse._bmx_tombstones import Dead, bitmap
from rag.types import Mask, Ranking, Rows, Vectors

Prepared: TypeAlias = tuple[Query, list[Spans]]
# Importing numba and loading the kernel costs about as much as scoring this many postings with numpy:
# whoever asks that much is likely to ask more.
_WORTH_COMPILING = 30_000_000


class BmxReader:
    """Rows are numbered through the segments in their order, deleted ones included.

    N, average length, df and entropies are always those of the living rows; they add up exactly, so
    the same living documents give the same scores however they came in. Safe to use from many threads.
    """

    # Once loaded it serves every later reader of the process: each generation has a reader of its own.
    _loaded: ClassVar[Any] = None

    def __init__(self, segments: Sequence[Columns], deleted: Sequence[Rows], variant: Variant) -> None:
        """`deleted[i]` are the deleted rows of `segments[i]`, ascending."""
        self._segments = tuple(segments)
        self._variant = variant
        self._bases = np.cumsum([0, *(segment.size for segment in segments)])
        self._dead = [bitmap(segment, rows) for segment, rows in zip(segments, deleted, strict=True)]
        gone = sum(len(rows) for rows in deleted)
        pairs = zip(segments, deleted, strict=True)
        length = sum(own.length - int(own.lengths[rows].sum(dtype=np.int64)) for own, rows in pairs)
        self._collection = Collection(int(self._bases[-1]) - gone, length)
        self._terms = Terms(segments, deleted, self._dead)
        self._kernel = BmxReader._loaded
        self._work = 0
        self._loading: threading.Thread | None = None
        self._lock = threading.Lock()

    def search(self, terms: Sequence[str], depth: int, among: Mask | None = None) -> Ranking:
        """At most `depth` living rows that share a term, scores > 0, equal scores in row order.

        `among`, bool (rows,), leaves out rows; scores are those of the whole collection all the same.
        """
        prepared = self._prepare(terms)
        if prepared is None or depth < 1:
            return _sorted(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
        if self._kernel is None and not self._worth_compiling(prepared[1]):
            scores = self._exhaustive(*prepared)
            return _ranking(scores if among is None else np.where(among, scores, 0.0), depth)
        return self._compiled([prepared], min(depth, self._collection.documents), among)[0]

    def search_many(self, queries: Sequence[Sequence[str]], depth: int) -> list[Ranking]:
        """What `search` gives for each question, computed on every core."""
        prepared = {at: found for at, terms in enumerate(queries) if (found := self._prepare(terms))}
        if self._kernel is None or not prepared or depth < 1:
            return [self.search(terms, depth) for terms in queries]
        rankings = [_sorted(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))] * len(queries)
        threads = min(cores(), len(prepared))
        shares = [list(prepared)[first::threads] for first in range(threads)]
        depth = min(depth, self._collection.documents)
        with ThreadPoolExecutor(threads) as pool:
            work = pool.map(lambda own: self._compiled([prepared[at] for at in own], depth), shares)
            for own, found_by_one in zip(shares, work, strict=True):
                for at, ranking in zip(own, found_by_one, strict=True):
                    rankings[at] = ranking
        return rankings

    def score(self, terms: Sequence[str], rows: Sequence[int]) -> Vectors:
        """Scores of these rows, float32 (len(rows),): 0 where no term is shared or the row is deleted."""
        found, _ = self._some(terms, np.asarray(rows, dtype=np.int64))
        scores: Vectors = found.astype(np.float32)
        return scores

    def explain(self, terms: Sequence[str], row: int) -> tuple[TermPart, ...]:
        """What each term that the row holds adds to its score, largest first; the sum is the score."""
        _, parts = self._some(terms, np.array([row], dtype=np.int64))
        found = [TermPart(term, float(part[0, 0]), float(part[1, 0])) for term, part in parts.items()]
        return tuple(
            sorted((each for each in found if each.score > 0), key=lambda each: (-each.score, each.term))
        )

    def frequencies(self, terms: Sequence[str]) -> Rows:
        """How many living rows hold each of these terms, int64 (len(terms),)."""
        found = [self._terms.find(term) for term in terms]
        return np.array([0 if each is None else each[0].df for each in found], dtype=np.int64)

    def warm(self) -> None:
        """Load the compiled kernel now instead of after the first questions (a server's start).

        Where numba does not fit this machine, or the disk takes no compiled file, numpy goes on.
        """
        with suppress(ImportError, OSError):
            self._load()

    def _load(self) -> None:
        from rag.sparse._bmx_kernel import best_of_segment

        if self._segments:  # the first call compiles, or loads what was compiled before
            empty, whole = np.zeros(0), np.zeros(1, dtype=np.int64)
            heaps = np.zeros((0, 1), dtype=np.float32), np.zeros((0, 1), dtype=np.int64)
            nothing = np.zeros(0, dtype=np.uint8), 0, whole, np.zeros((0, 2), dtype=np.int64)
            values = (empty, empty, empty)
            best_of_segment(
                self._segments[0].arrays, *nothing, values, np.zeros((0, 4)), *heaps, whole[:0].copy()
            )
        BmxReader._loaded = self._kernel = best_of_segment

    def _prepare(self, terms: Sequence[str]) -> Prepared | None:
        times = counted(terms, self._variant)
        found = {term: place for term in times if (place := self._terms.find(term)) is not None}
        if not found:
            return None
        statistics = {term: place[0] for term, place in found.items()}
        return prepare(times, statistics, self._collection, self._variant), [
            spans for _, spans in found.values()
        ]

    def _exhaustive(self, query: Query, spans: list[Spans]) -> Floats:
        scores = np.zeros(int(self._bases[-1]))
        for at, (segment, dead) in enumerate(zip(self._segments, self._dead, strict=True)):
            own = [each[at] for each in spans]
            if any(own):
                part = scores[self._bases[at] : self._bases[at + 1]]
                part[:] = all_scores(segment, own, query)
                if dead is not None:
                    part[dead != 0] = 0.0
        return scores

    def _compiled(self, prepared: Sequence[Prepared], depth: int, among: Mask | None = None) -> list[Ranking]:
        """What the kernel finds for each question; it runs without the interpreter's lock."""
        queries = [query for query, _ in prepared]
        values = tuple(
            np.concatenate(parts)
            for parts in zip(*((query.weights, query.gains, query.times) for query in queries), strict=True)
        )
        scalars = np.array([(query.slope, query.offset, query.fixed, query.asked) for query in queries])
        firsts = np.cumsum([0, *(len(query.terms) for query in queries)])
        scores = np.empty((len(queries), depth), dtype=np.float32)
        rows = np.empty((len(queries), depth), dtype=np.int64)
        sizes = np.zeros(len(queries), dtype=np.int64)
        for at, (segment, dead) in enumerate(zip(self._segments, self._dead, strict=True)):
            held = [each[at] for _, spans in prepared for each in spans]
            if any(held):
                bounds = np.array(
                    [(span.start, span.end) if span else (0, 0) for span in held], dtype=np.int64
                )
                base = int(self._bases[at])
                gone = _left_out(dead, None if among is None else among[base : self._bases[at + 1]])
                self._kernel(segment.arrays, gone, base, firsts, bounds, values, scalars, scores, rows, sizes)
        return [
            _sorted(own[:size], mine[:size])
            for own, mine, size in zip(rows, scores, sizes.tolist(), strict=True)
        ]

    def _some(self, terms: Sequence[str], rows: npt.NDArray[np.int64]) -> tuple[Floats, dict[str, Floats]]:
        """Scores of these rows and what each known term adds to them (2, len(rows)), see `some_scores`."""
        scores = np.zeros(len(rows))
        prepared = self._prepare(terms)
        if prepared is None:
            return scores, {}
        query, spans = prepared
        parts = np.zeros((2, len(query.terms), len(rows)))
        owners = np.searchsorted(self._bases, rows, side="right") - 1
        for at in np.unique(owners).tolist():
            mine = np.flatnonzero(owners == at)
            local = rows[mine] - self._bases[at]
            dead = self._dead[at]
            if dead is not None:
                mine, local = mine[dead[local] == 0], local[dead[local] == 0]
            scores[mine], parts[:, :, mine] = some_scores(
                self._segments[at], [each[at] for each in spans], query, local
            )
        return scores, dict(zip(query.terms, parts.transpose(1, 0, 2), strict=True))

    def _worth_compiling(self, spans: list[Spans]) -> bool:
        """Whether the kernel can be called; it starts loading once enough was asked.

        Until then questions go on being answered by numpy: compiling for the first time takes seconds.
        """
        with self._lock:
            self._work += sum(span.end - span.start for each in spans for span in each if span)
            self._work += int(self._bases[-1]) // 8
            if self._work > _WORTH_COMPILING and self._loading is None:
                self._loading = threading.Thread(target=self.warm, name="bmx-kernel")
                self._loading.start()
        return self._kernel is not None


def _left_out(dead: Dead, among: Mask | None) -> npt.NDArray[np.uint8]:
    """What the kernel passes over in one segment; empty where that is nothing."""
    if among is None:
        return np.zeros(0, dtype=np.uint8) if dead is None else dead
    left_out: npt.NDArray[np.uint8] = (~among).astype(np.uint8)
    return left_out if dead is None else left_out | dead


def _sorted(rows: npt.NDArray[np.int64], scores: Vectors) -> Ranking:
    order = np.lexsort((rows, -scores))
    return Ranking(rows[order], scores[order])


def _ranking(scores: Floats, depth: int) -> Ranking:
    rounded = scores.astype(np.float32)
    rows = best_rows(rounded, depth)
    return Ranking(rows, rounded[rows])
