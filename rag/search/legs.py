"""A question's wording searched for: one leg alone or both fused, supported by documents, made into hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.expansion.wording import Wording
from rag.fusion import fuse, support
from rag.hits.shape import AS_RANKED, shaped_from
from rag.protocols.stores import Index
from rag.search import augmented
from rag.search.rankings import best_rows, complete, evidence, legs_of
from rag.search.trace import Legs, Trace
from rag.search.tuning import Tuning
from rag.types import Hit, Mask, Ranking, Rows, Vectors

# Over how many of a leg's best scores they are standardised. Words match much that is indifferent, and a
# wider look at it sets the scale better; everything has a vector, and more of that changes little.
_SPARSE_SAMPLE = 300
_DENSE_SAMPLE = 100
_FEW_TIES = 32  # rows that tie for the last place: of more, only those that come first are read
_NOTHING = Ranking(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class LegSearch:
    """One search of the rows that `among` lets through; what is done is noted in `trace`.

    `reordered`: hits get another order later, and a document's share is taken then.
    """

    index: Index
    tuning: Tuning
    reordered: bool
    among: Mask | None = None
    trace: Trace | None = None

    def by_words(self, wording: Wording, k: int) -> list[Hit]:
        """The best `k` of the sparse leg alone."""
        found = self._sparse(wording, self._looked_at(k))
        return self._hits(found.rows, found.scores, k, found, _NOTHING)

    def by_meaning(self, vector: Vectors, k: int) -> list[Hit]:
        """The best `k` of the dense leg alone."""
        found = self._dense(vector, self._looked_at(k))
        if self.trace is not None:
            self.trace.vector = vector
        return self._hits(found.rows, found.scores, k, _NOTHING, found)

    def without_meaning(self, wording: Wording, k: int, depth: int) -> list[Hit]:
        """Hybrid search without a dense leg: what the sparse leg found, and what its documents add."""
        if not self.tuning.document_weight:
            return self.by_words(wording, k)
        found = self._sparse(wording, max(k, depth), _SPARSE_SAMPLE)
        best = np.arange(len(best_rows(found, max(k, depth))))
        rows, scores = found.rows[best], found.scores[best]
        floor = float(np.mean(found.scores[:_SPARSE_SAMPLE])) if len(rows) else 0.0
        scores = scores + self._support(rows, scores, floor)
        return self._hits(rows, scores, k, found, _NOTHING)

    def hybrid(self, wording: Wording, vector: Vectors, weight: float, k: int, depth: int) -> list[Hit]:
        """The best `k` of both, the dense leg counting `weight`; `depth` of each are candidates."""
        sparse = self._sparse(wording, depth, _SPARSE_SAMPLE)
        dense = self._dense(vector, depth, _DENSE_SAMPLE)
        rows = np.union1d(best_rows(sparse, depth), best_rows(dense, depth))
        by_words = evidence(rows, sparse, _SPARSE_SAMPLE, lambda more: self._scores(wording, more))
        by_meaning = evidence(rows, dense, _DENSE_SAMPLE, lambda more: self.index.dense.score(vector, more))
        scores = fuse(self.tuning.fusion, by_words, by_meaning, weight)
        if self.trace is not None:
            self.trace.vector = vector
            self.trace.legs = Legs(rows, by_words, by_meaning, self.tuning.fusion, weight, depth)
        scores = scores + self._support(rows, scores, 0.0)
        return self._hits(rows, scores, k, sparse, dense)

    def _looked_at(self, k: int) -> int:
        """How deep a leg that is alone is searched: hits that are folded or passed over need others."""
        return k if self.tuning.shape == AS_RANKED else max(k, self.tuning.depth)

    def _sparse(self, wording: Wording, depth: int, sample: int = 0) -> Ranking:
        return augmented.found(self.index.sparse, wording, depth, self.among, sample)

    def _scores(self, wording: Wording, rows: Sequence[int]) -> Vectors:
        return augmented.score(self.index.sparse, wording, rows)

    def _dense(self, vector: Vectors, depth: int, sample: int = 0) -> Ranking:
        return complete(lambda wanted: self.index.dense.search(vector, wanted, self.among), depth, sample)

    def _support(self, rows: Rows, scores: Vectors, floor: float) -> Vectors:
        """What the other candidates of its document add to each, float32 (len(rows),)."""
        weight = self.tuning.document_weight
        if not weight:
            return np.zeros_like(scores)
        added = support(scores, self.index.documents(rows), weight, floor)
        if self.trace is not None:
            self.trace.support = added
        return added

    def _hits(self, rows: Rows, scores: Vectors, k: int, sparse: Ranking, dense: Ranking) -> list[Hit]:
        """The best `k`, shaped."""
        shape = replace(self.tuning.shape, per_document=0) if self.reordered else self.tuning.shape
        found = shaped_from(lambda most: self._ranked(rows, scores, most, sparse, dense), k, shape)
        trace = self.trace
        if trace is not None:
            trace.rows, trace.scores, trace.sparse, trace.dense = rows, scores, sparse, dense
            trace.shaped = found
        return list(found.hits)

    def _ranked(self, rows: Rows, scores: Vectors, k: int, sparse: Ranking, dense: Ranking) -> list[Hit]:
        """The best `k`. Chunks of all rows that tie for the last place are read to tell which come first."""
        if len(rows) > k:
            least = np.partition(scores, -k)[-k]
            better, tied = rows[scores > least], rows[scores == least]
            if len(better) + len(tied) > k + _FEW_TIES:
                tied = self.index.first(tied, k - len(better))
            kept = np.isin(rows, np.concatenate([better, tied]))
            rows, scores = rows[kept], scores[kept]
        chunks = self.index.chunks(rows.tolist())
        legs = legs_of(rows, sparse), legs_of(rows, dense)
        hits = [Hit(*each) for each in zip(chunks, scores.tolist(), *legs, strict=True)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.document_id, hit.chunk.ordinal))[:k]
