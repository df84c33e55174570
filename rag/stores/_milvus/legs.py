"""Both legs of one generation, searched where Milvus keeps them. Rows are keys of passages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rag.errors import SettingError
from rag.protocols.legs import TermPart
from rag.protocols.stores import Published
from rag.sparse._bmx_formula import Collection, Floats, Query, Variant, counted, prepare
from rag.stores._milvus.address import listed, parts
from rag.stores._milvus.client import Connection
from rag.stores._milvus.passages import Passage, Passages
from rag.stores._milvus.schema import CHUNK, vectors_name
from rag.stores._milvus.terms import KnownTerm, known_terms
from rag.types import Ranking, Rows, Vectors

_KEPT_TERMS = 100_000  # statistics that a reader remembers
_MOST = 16_384
LEAST_SCORED = 200  # candidates, however few results are asked for
_LEAST = 1e-6  # a weight of 0 would be no term at all


class MilvusLeg:
    """What both legs know: the generation that they see."""

    def __init__(self, connection: Connection, published: Published) -> None:
        self._connection = connection
        self._published = published

    def _seen(self, among: str | None) -> str:
        number = self._published.number
        seen = f"born <= {number} and retired >= {number}"
        return f"{seen} and {among}" if among else seen


class MilvusSparse(MilvusLeg):
    """BMX over the collection of passages: candidates by fixed weights, then scored exactly."""

    def __init__(
        self,
        connection: Connection,
        published: Published,
        passages: Passages,
        variant: Variant,
        candidates: int,
    ) -> None:
        """`candidates`: how many are scored for each result asked for."""
        super().__init__(connection, published)
        self._variant = variant
        self._candidates = candidates
        self._collection = Collection(published.chunks, published.terms)
        self._terms: dict[str, KnownTerm | None] = {}
        self._passages = passages

    def search(self, terms: Sequence[str], depth: int, among: Any = None) -> Ranking:
        """At most `depth` living passages that share a term with the question, scores > 0.

        `among` is a condition on rows, as `MilvusIndex.among` makes it.
        """
        query, numbers = self._prepared(terms)
        if query is None or depth < 1:
            return _ranking([], [], 0)
        weights = query.weights + query.gains
        vector = dict(zip(numbers, np.maximum(weights, _LEAST).tolist(), strict=True))
        found = self._connection.search(
            CHUNK, "terms", vector, self._seen(among), ["key"], self._wanted(depth), {}
        )
        keys = [row["key"] for _, row in found]
        return _ranking(keys, _scores(query, numbers, self._passages.of(keys)), depth)

    def score(self, terms: Sequence[str], rows: Sequence[int]) -> Vectors:
        """Scores of these passages, float32 (len(rows),), 0 where no term is shared or it is gone."""
        query, numbers = self._prepared(terms)
        if query is None or not rows:
            return np.zeros(len(rows), dtype=np.float32)
        number = self._published.number
        passages = self._passages.of(rows)
        seen = np.array([each.born <= number <= each.retired for each in passages])
        return np.where(seen, _scores(query, numbers, passages), np.float32(0.0))

    def explain(self, terms: Sequence[str], row: int) -> tuple[TermPart, ...]:
        """What each term that the passage holds adds to its score, largest first; the sum is the score."""
        query, numbers = self._prepared(terms)
        if query is None:
            return ()
        [passage] = self._passages.of([row])
        if not passage.born <= self._published.number <= passage.retired:
            return ()
        tf, lengths = _counted(numbers, [passage])
        words, gains = _parts(query, tf, lengths)
        held = np.flatnonzero(tf[0])
        # What belongs to the question as a whole is shared out evenly among the terms that the row holds.
        fixed = query.fixed * float(query.times[held].sum()) / query.asked / max(1, len(held))
        found = [
            TermPart(query.terms[at], float(words[0, at]), float(gains[0, at]) + fixed)
            for at in held.tolist()
        ]
        return tuple(sorted(found, key=lambda each: (-each.score, each.term)))

    def frequencies(self, terms: Sequence[str]) -> Rows:
        """How many living passages hold each of these terms, int64 (len(terms),)."""
        known = self._known(terms)
        found = [known.get(term) for term in terms]
        return np.array([0 if each is None else each.statistics.df for each in found], dtype=np.int64)

    def warm(self) -> None:
        """Have the server load what the first search of each leg would wait for."""
        seen = self._seen(None)
        self._connection.search(CHUNK, "terms", {1: 1.0}, seen, ["key"], 1, {})
        if dimension := self._published.dimension:
            vector = [1.0] + [0.0] * (dimension - 1)
            self._connection.search(vectors_name(dimension), "vector", vector, seen, ["key"], 1, {})

    def _wanted(self, depth: int) -> int:
        return min(_MOST, max(LEAST_SCORED, self._candidates * depth))

    def _prepared(self, terms: Sequence[str]) -> tuple[Query | None, list[int]]:
        times = counted(terms, self._variant)
        known = self._known(times)
        if not known or not self._collection.documents:
            return None, []
        statistics = {term: each.statistics for term, each in known.items()}
        query = prepare(times, statistics, self._collection, self._variant)
        return query, [each.number for each in known.values()]

    def _known(self, terms: Iterable[str]) -> dict[str, KnownTerm]:
        """Those of `terms` that the generation holds, in their order."""
        kept = self._terms if len(self._terms) <= _KEPT_TERMS else {}
        self._terms = kept  # others may begin anew meanwhile: here it is this one to the end
        new = [term for term in terms if term not in kept]
        if new:
            found = known_terms(self._connection, new, self._published.number)
            kept.update({term: found.get(term) for term in new})
        return {term: each for term in terms if (each := kept.get(term)) is not None}


def _scores(query: Query, numbers: Sequence[int], passages: Sequence[Passage]) -> Vectors:
    """BMX of these passages, float32 (len(passages),)."""
    tf, lengths = _counted(numbers, passages)
    words, gains = _parts(query, tf, lengths)
    held = tf > 0
    fixed = query.fixed * (held * query.times).sum(axis=1) / query.asked
    scores = words.sum(axis=1) + gains.sum(axis=1) + fixed
    return np.where(held.any(axis=1), scores, 0.0).astype(np.float32)


def _parts(query: Query, tf: Floats, lengths: Floats) -> tuple[Floats, Floats]:
    """What each term adds by its frequency, and by how much of the question is held: (passages, terms)."""
    held = tf > 0
    similarity = (held * query.times).sum(axis=1) / query.asked
    saturated = tf / (tf + (query.slope * lengths + query.offset)[:, None])
    return query.weights * saturated, held * query.gains * similarity[:, None]


def _counted(numbers: Sequence[int], passages: Sequence[Passage]) -> tuple[Floats, Floats]:
    """Frequencies of the question's terms, float64 (passages, terms), and lengths, float64 (passages,)."""
    order = np.argsort(numbers)
    asked = np.array(numbers, dtype=np.int64)[order]
    owners = np.repeat(np.arange(len(passages)), [len(each.terms) for each in passages])
    terms = np.concatenate([np.zeros(0, dtype=np.int64), *(each.terms for each in passages)])
    counts = np.concatenate([np.zeros(0), *(each.frequencies for each in passages)])
    places = np.searchsorted(asked, terms).clip(max=len(asked) - 1)
    shared = asked[places] == terms
    tf = np.zeros((len(passages), len(numbers)))
    tf[owners[shared], order[places[shared]]] = counts[shared]
    return tf, np.array([each.length for each in passages], dtype=np.float64)


class MilvusDense(MilvusLeg):
    """The best inner product over a passage's vectors, by Milvus's own index."""

    def __init__(self, connection: Connection, published: Published, effort: dict[str, Any]) -> None:
        """`effort`: search parameters of the index."""
        super().__init__(connection, published)
        self._effort = effort
        self._name = vectors_name(published.dimension)

    def search(self, vector: Vectors, depth: int, among: Any = None) -> Ranking:
        """At most `depth` living passages by their best vector.

        Raises SettingError for a vector of another dimension.
        """
        if len(vector) != self._published.dimension:
            raise SettingError(
                f"the index in Milvus at {self._connection.address} holds vectors of "
                f"{self._published.dimension} dimensions, the question's has {len(vector)}: "
                "set embedder.model back, or run `python -m ingest PATH --rebuild`"
            )
        wanted = 2 * depth + 8
        while True:
            found = self._connection.search(
                self._name,
                "vector",
                vector.tolist(),
                self._seen(among),
                ["key"],
                wanted,
                self._bounded(wanted),
            )
            best: dict[int, float] = {}
            for score, row in found:
                best.setdefault(row["key"], score)
            if len(best) >= depth or len(found) < wanted or wanted >= _MOST:
                return _ranking(list(best), list(best.values()), depth, positive=False)
            wanted = min(_MOST, 4 * wanted)

    def score(self, vector: Vectors, rows: Sequence[int]) -> Vectors:
        """Best inner product of each of these passages, float32 (len(rows),), 0 without a vector."""
        best: dict[int, float] = {}
        seen = self._seen(None)
        for part in parts(rows):
            condition = f"key in {listed(part)} and {seen}"
            for row in self._connection.rows(self._name, condition, ["key", "vector"], "window"):
                score = float(np.dot(np.asarray(row["vector"], dtype=np.float32), vector))
                best[row["key"]] = max(score, best.get(row["key"], -np.inf))
        return np.array([best.get(row, 0.0) for row in rows], dtype=np.float32)

    def _bounded(self, wanted: int) -> dict[str, Any]:
        """HNSW and DiskANN look at no fewer than they are to return."""
        least: dict[str, Any] = {
            name: max(wanted, int(self._effort[name]))
            for name in ("ef", "search_list")
            if name in self._effort
        }
        return {**self._effort, **least}


def _ranking(
    keys: Sequence[int], scores: Sequence[float] | Vectors, depth: int, positive: bool = True
) -> Ranking:
    rows = np.array(keys, dtype=np.int64)
    values = np.asarray(scores, dtype=np.float32)
    order = np.lexsort((rows, -values))
    if positive:
        order = order[values[order] > 0]
    order = order[:depth]
    return Ranking(rows[order], values[order])
