"""The retriever behind every answer and every measurement: sparse, dense, or both fused."""

from __future__ import annotations

import numpy as np

from rag import text
from rag.fusion import standardise, trusted_weight, weighted_sum
from rag.index import OpenIndex
from rag.protocols import Embedder
from rag.types import Hit, Leg, Mode, Ranking, Rows, Vectors

# Best scores of a leg over which they are standardised; more than are fused, so that the many
# indifferent matches below the few good ones set the scale.
_SAMPLE = 1000


class Retriever:
    """Finds chunks in one generation. Results are a function of question and generation alone."""

    def __init__(self, index: OpenIndex, embedder: Embedder, *, depth: int, dense_weight: float) -> None:
        self._index = index
        self._embedder = embedder
        self._depth = depth
        self._dense_weight = dense_weight

    @property
    def generation(self) -> str:
        """The generation searched."""
        return self._index.manifest.generation

    def search(
        self, question: str, *, k: int = 8, mode: Mode = "hybrid", depth: int | None = None
    ) -> list[Hit]:
        """At most `k` hits, best first; equal scores by document id and position.

        `depth` results of each leg are fused: as set, or `k` if that is more.
        """
        depth = depth or max(k, self._depth)
        if mode == "sparse":
            return self._one_leg(self._sparse(question, max(k, depth)), k, sparse=True)
        if mode == "dense":
            vector = self._embedder.encode_query(question)
            return self._one_leg(self._index.dense.search(vector, max(k, depth)), k, sparse=False)
        return self._hybrid(question, k, depth)

    def _sparse(self, question: str, depth: int) -> Ranking:
        return self._index.sparse.search(text.terms(question), depth)

    def _hybrid(self, question: str, k: int, depth: int) -> list[Hit]:
        sparse = self._sparse(question, max(depth, _SAMPLE))
        weight = trusted_weight(self._dense_weight, self._embedder.readable(question))
        if not weight:
            return self._one_leg(sparse, k, sparse=True)
        vector = self._embedder.encode_query(question)
        dense = self._index.dense.search(vector, max(depth, _SAMPLE))
        rows = np.unique(np.concatenate([sparse.rows[:depth], dense.rows[:depth]]))
        scores = weighted_sum(
            standardise(
                self._index.sparse.score(text.terms(question), rows.tolist()), sparse.scores[:_SAMPLE]
            ),
            standardise(self._index.dense.score(vector, rows.tolist()), dense.scores[:_SAMPLE]),
            weight,
        )
        order = np.lexsort((rows, -scores))[:k]
        return self._hits(rows[order], scores[order], _legs(sparse), _legs(dense))

    def _one_leg(self, ranking: Ranking, k: int, *, sparse: bool) -> list[Hit]:
        best = Ranking(ranking.rows[:k], ranking.scores[:k])
        legs = _legs(best)
        return self._hits(best.rows, best.scores, legs if sparse else {}, {} if sparse else legs)

    def _hits(self, rows: Rows, scores: Vectors, sparse: dict[int, Leg], dense: dict[int, Leg]) -> list[Hit]:
        chunks = self._index.chunks(rows.tolist())
        return [
            Hit(chunk, float(score), sparse.get(row), dense.get(row))
            for row, score, chunk in zip(rows.tolist(), scores, chunks, strict=True)
        ]


def _legs(ranking: Ranking) -> dict[int, Leg]:
    return {
        row: Leg(rank, float(score))
        for rank, (row, score) in enumerate(zip(ranking.rows.tolist(), ranking.scores, strict=True), start=1)
    }
