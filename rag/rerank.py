"""The stage after fusion: a reranker reads the best hits beside the question and puts them in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.config import OnFailure
from rag.errors import GeneratorError
from rag.protocols import Reranker
from rag.types import Hit, Leg


@dataclass(frozen=True, slots=True)
class Reranking:
    """`depth` hits, or all that are wanted if that is more, go through `reranker`.

    `on_failure` "skip" leaves a question's hits in their fused order where the reranker fails.
    """

    reranker: Reranker
    depth: int = 50
    on_failure: OnFailure = "refuse"

    def rerank(self, question: str, hits: Sequence[Hit]) -> tuple[list[Hit], str]:
        """The hits by the reranker's score, equal ones in their order before; and a note if it was skipped.

        A hit's `fused` keeps rank and score that it had, rank 1 for the best and the same for equal
        scores. Raises GeneratorError, and SettingError for a model that cannot be had.
        """
        try:
            scores = self.reranker.score(question, [hit.chunk.indexed_text for hit in hits])
        except GeneratorError as error:
            if self.on_failure == "refuse":
                raise
            return list(hits), f"not reranked: {error}"
        before = [hit.score for hit in hits]
        found = [
            replace(
                hit,
                score=score,
                reranked=score,
                fused=Leg(1 + sum(other > hit.score for other in before), hit.score),
            )
            for hit, score in zip(hits, scores.tolist(), strict=True)
        ]
        return sorted(found, key=lambda hit: -hit.score), ""
