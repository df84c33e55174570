"""The stage after fusion: a reranker reads the best hits beside the question and puts them in its order, or
adds its word to the order they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.errors import GeneratorError, RerankerError
from rag.fusion import document_number, standardise, support
from rag.protocols.models import Reranker, Weighed
from rag.sections import OnFailure
from rag.types import Hit, Leg, Vectors


@dataclass(frozen=True, slots=True)
class Reranking:
    """`depth` hits, or all that are wanted if that is more, go through `reranker`.

    `on_failure` "skip" leaves a question's hits in their fused order where the reranker fails. `weight` is
    the reranker's share of the sum with the fused score, 1 for its order alone, 0 for what it says itself.
    In a sum its word for a document's other hits counts `document_weight`, as in `fusion.support`.
    """

    reranker: Reranker
    depth: int = 50
    on_failure: OnFailure = "refuse"
    weight: float = 0.0
    document_weight: float = 0.0

    def rerank(self, question: str, hits: Sequence[Hit]) -> tuple[list[Hit], str]:
        """The hits by their new score, equal ones in their order before; and a note if it was skipped.

        A hit's `fused` keeps rank and score that it had, rank 1 for the best and the same for equal
        scores. Raises RerankerError, and SettingError for a model that cannot be had.
        """
        try:
            scores = self.reranker.score(question, [hit.chunk.indexed_text for hit in hits])
        except GeneratorError as error:
            if self.on_failure == "refuse":
                raise RerankerError(str(error)) from error
            return list(hits), f"not reranked: {error}"
        before = [hit.score for hit in hits]
        found = [
            replace(
                hit,
                score=score,
                reranked=own,
                fused=Leg(1 + sum(other > hit.score for other in before), hit.score),
            )
            for hit, own, score in zip(hits, scores.tolist(), self._final(hits, scores).tolist(), strict=True)
        ]
        return sorted(found, key=lambda hit: -hit.score), ""

    def _final(self, hits: Sequence[Hit], scores: Vectors) -> Vectors:
        """What decides the order: the scores, or their sum with the fused ones, float32 (len(hits),).

        The sum (1 - w) * fused + w * scores of scores in standard deviations above their mean, where one of
        the fused scores is their unit and they count once: a reranker that finds all hits alike changes none.
        """
        weight = self.weight or (self.reranker.weight if isinstance(self.reranker, Weighed) else 1.0)
        if weight == 1.0 or not len(hits):
            return scores
        fused = np.array([hit.score for hit in hits], dtype=np.float32)
        word = standardise(scores, scores)
        documents = np.array([document_number(hit.chunk.document_id) for hit in hits], dtype=np.int64)
        word = word + support(word, documents, self.document_weight)
        unit = float(np.std(fused, dtype=np.float64)) or 1.0
        final: Vectors = (fused + unit * weight / (1.0 - weight) * word).astype(np.float32)
        return final
