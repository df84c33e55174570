"""Two rankings made one: a weighted sum of standardised scores.

Reciprocal rank fusion forgets how sure a leg is; a leg's score, standardised over the best it found,
does not (Montague and Aslam, "Relevance score normalization for metasearch", CIKM 2001: ZMUV).
"""

from __future__ import annotations

import numpy as np

from rag.types import Vectors

# Below this share the embedder knows too little of a question for its vector to mean anything.
UNREADABLE = 0.5


def trusted_weight(weight: float, readable: float) -> float:
    """The dense leg's weight for a question of which the embedder can read the share `readable`.

    The full weight at 1, nothing from one half down: there what the vector holds is noise, and any
    weight at all adds it to the sparse leg's ranking.
    """
    return weight * max(0.0, (readable - UNREADABLE) / (1.0 - UNREADABLE))


def standardise(scores: Vectors, sample: Vectors) -> Vectors:
    """`scores` in standard deviations above the mean of `sample`, float32 of the same shape.

    `sample` holds the leg's best scores. Where it has no spread, the mean serves as the unit, so
    that a single match still stands above what did not match at all.
    """
    if not len(sample):
        return np.zeros_like(scores)
    mean = float(np.mean(sample, dtype=np.float64))
    unit = float(np.std(sample, dtype=np.float64)) or abs(mean) or 1.0
    return ((scores.astype(np.float64) - mean) / unit).astype(np.float32)


def weighted_sum(sparse: Vectors, dense: Vectors, weight: float) -> Vectors:
    """`(1 - weight) * sparse + weight * dense` of standardised scores."""
    return ((1.0 - weight) * sparse + weight * dense).astype(np.float32)
