"""The retriever behind every answer and every measurement: sparse, dense, or both fused.

Rows are numbered by the order in which segments were published, so they never decide anything: equal
scores share a rank, and are put in order, also where the list is cut, by document id and position.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rag.config import DictionaryName, FusionName
from rag.expansion.dictionary import find_dictionary
from rag.expansion.wording import Wording, word
from rag.fusion import Evidence, fuse
from rag.indexes.reader import OpenIndex
from rag.protocols import Embedder
from rag.types import EVERYTHING, Filter, Hit, Leg, Mask, Mode, Ranking, Rows, Vectors

# Over how many of a leg's best scores they are standardised. Words match much that is indifferent, and a
# wider look at it sets the scale better; everything has a vector, and more of that changes little.
_SPARSE_SAMPLE = 300
_DENSE_SAMPLE = 100
_FEW_TIES = 32  # rows that tie for the last place: of more, only those that come first are read
_NOTHING = Ranking(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


class Retriever:
    """Finds chunks in one generation.

    Results are a function of question and living chunks, save what the dense leg misses in large segments.
    """

    def __init__(
        self,
        index: OpenIndex,
        embedder: Embedder,
        *,
        depth: int,
        dense_weight: float,
        fusion: FusionName = "standardised",
        dictionary: DictionaryName = "auto",
    ) -> None:
        """Raises SettingError for a dictionary that is not installed."""
        self._index = index
        self._embedder = embedder
        self._depth = depth
        self._dense_weight = dense_weight
        self._fusion: FusionName = fusion
        self._dictionary = find_dictionary(dictionary)

    @property
    def generation(self) -> str:
        """The generation searched."""
        return self._index.manifest.generation

    def search(
        self,
        question: str,
        *,
        k: int = 8,
        mode: Mode = "hybrid",
        depth: int | None = None,
        chosen: Filter = EVERYTHING,
    ) -> list[Hit]:
        """At most `k` hits that `chosen` lets through, best first; equal scores by document and position.

        `depth` results of each leg are fused: as set, or `k` if that is more. Within `chosen` both legs
        search; their scores are those of the whole collection.
        """
        wording = word(question, self._dictionary, self._knows)
        among = self._index.among(chosen)
        if mode == "sparse":
            return self._sparse_alone(wording, k, among)
        embedded, trusted = wording.for_embedder(self._embedder)
        if mode == "dense":
            found = self._dense(self._embedder.encode_query(embedded), k, among)
            return self._hits(found.rows, found.scores, k, _NOTHING, found)
        weight = self._dense_weight * trusted
        if not weight:
            return self._sparse_alone(wording, k, among)
        return self._hybrid(
            wording, self._embedder.encode_query(embedded), weight, k, depth or max(k, self._depth), among
        )

    def warm(self) -> None:
        """Load what later questions would otherwise wait for."""
        self._index.sparse.warm()

    def _knows(self, term: str) -> bool:
        return len(self._index.sparse.search([term], 1).rows) > 0

    def _sparse(self, wording: Wording, depth: int, among: Mask | None, sample: int = 0) -> Ranking:
        return _complete(
            lambda wanted: self._index.sparse.search(wording.terms, wanted, among), depth, sample
        )

    def _dense(self, vector: Vectors, depth: int, among: Mask | None, sample: int = 0) -> Ranking:
        return _complete(lambda wanted: self._index.dense.search(vector, wanted, among), depth, sample)

    def _sparse_alone(self, wording: Wording, k: int, among: Mask | None) -> list[Hit]:
        found = self._sparse(wording, k, among)
        return self._hits(found.rows, found.scores, k, found, _NOTHING)

    def _hybrid(
        self, wording: Wording, vector: Vectors, weight: float, k: int, depth: int, among: Mask | None
    ) -> list[Hit]:
        sparse = self._sparse(wording, depth, among, _SPARSE_SAMPLE)
        dense = self._dense(vector, depth, among, _DENSE_SAMPLE)
        rows = np.union1d(_best(sparse, depth), _best(dense, depth))
        scores = fuse(
            self._fusion,
            _evidence(
                rows, sparse, _SPARSE_SAMPLE, lambda more: self._index.sparse.score(wording.terms, more)
            ),
            _evidence(rows, dense, _DENSE_SAMPLE, lambda more: self._index.dense.score(vector, more)),
            weight,
        )
        return self._hits(rows, scores, k, sparse, dense)

    def _hits(self, rows: Rows, scores: Vectors, k: int, sparse: Ranking, dense: Ranking) -> list[Hit]:
        """The best `k`. Chunks of all rows that tie for the last place are read to tell which come first."""
        if len(rows) > k:
            least = np.partition(scores, -k)[-k]
            better, tied = rows[scores > least], rows[scores == least]
            if len(better) + len(tied) > k + _FEW_TIES:
                tied = self._index.first(tied, k - len(better))
            kept = np.isin(rows, np.concatenate([better, tied]))
            rows, scores = rows[kept], scores[kept]
        chunks = self._index.chunks(rows.tolist())
        legs = _legs(rows, sparse), _legs(rows, dense)
        hits = [Hit(*each) for each in zip(chunks, scores.tolist(), *legs, strict=True)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.document_id, hit.chunk.ordinal))[:k]


def _complete(search: Callable[[int], Ranking], depth: int, sample: int) -> Ranking:
    """At least the best `depth` rows if there are so many, and every row that ties with one of them.

    A leg cuts at a number of rows, and between equal scores by row; so the last score's rows are left
    out, and more are asked for where too few remain.
    """
    wanted = max(depth, sample) + 1
    while True:
        found = search(wanted)
        if len(found.rows) < wanted:
            return found
        whole = int(np.searchsorted(-found.scores, -found.scores[-1]))
        if whole >= depth:
            return Ranking(found.rows[:whole], found.scores[:whole])
        wanted *= 4


def _best(ranking: Ranking, depth: int) -> Rows:
    """Every row that scores at least as much as the one at `depth`."""
    if len(ranking.rows) <= depth:
        return ranking.rows
    rows: Rows = ranking.rows[ranking.scores >= ranking.scores[depth - 1]]
    return rows


def _evidence(rows: Rows, ranking: Ranking, sample: int, score: Callable[[list[int]], Vectors]) -> Evidence:
    """What a leg says of these rows; those that it did not find it is asked to `score`."""
    places = _places(rows, ranking)
    found = places >= 0
    scores = np.zeros(len(rows), dtype=np.float32)
    scores[found] = ranking.scores[places[found]]
    if not found.all():
        scores[~found] = score(rows[~found].tolist())
    return Evidence(scores, _ranks(places, ranking), ranking.scores[:sample])


def _legs(rows: Rows, ranking: Ranking) -> list[Leg | None]:
    """Where the leg ranked each of these rows, and with what score."""
    places = _places(rows, ranking)
    ranks = _ranks(places, ranking)
    return [
        Leg(rank, float(ranking.scores[place])) if rank else None
        for rank, place in zip(ranks.tolist(), places.tolist(), strict=True)
    ]


def _ranks(places: Rows, ranking: Ranking) -> Rows:
    """One more than the number of rows with a higher score, int64; 0 for place -1."""
    ranks = np.zeros(len(places), dtype=np.int64)
    found = places >= 0
    ranks[found] = np.searchsorted(-ranking.scores, -ranking.scores[places[found]]) + 1
    return ranks


def _places(rows: Rows, ranking: Ranking) -> Rows:
    """Where in the ranking each of these rows is, int64; -1 for those that are not in it."""
    if not len(ranking.rows):
        return np.full(len(rows), -1, dtype=np.int64)
    order = np.argsort(ranking.rows)
    places = order[np.searchsorted(ranking.rows, rows, sorter=order).clip(max=len(order) - 1)]
    return np.where(ranking.rows[places] == rows, places, -1)
