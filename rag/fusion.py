"""Two rankings made one: a weighted sum over both legs of what each says of a candidate.

`standardised`, the default, adds scores in standard deviations above the mean of the best a leg found
(Montague and Aslam, "Relevance score normalization for metasearch", CIKM 2001: ZMUV). `minmax` adds
scores as shares of the distance from the worst to the best of those (Lee, "Analyses of multiple evidence
combination", SIGIR 1997). `rrf` adds reciprocal ranks and forgets how sure a leg is (Cormack, Clarke and
Büttcher, "Reciprocal rank fusion", SIGIR 2009).

Then documents speak for their passages (Arvola, Kekäläinen and Junkkari, "Contextualization models for XML
retrieval", Information Processing and Management 47, 2011): what a passage does not say again, because its
document has said it elsewhere, still counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from rag.sections import FusionName
from rag.types import Rows, Vectors

# Below this share the embedder knows too little of a question for its vector to mean anything.
UNREADABLE = 0.5
# Cormack, Clarke and Büttcher's constant: how little the first ranks differ.
_RRF = 60.0
# The largest score there is.
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one leg says of n candidates.

    `scores`, float32 (n,), are its scores; `ranks`, int64 (n,), are 1 for its best and 0 for what is not
    among its results; `sample`, float32, best first, are the best scores it gave to anything.
    """

    scores: Vectors
    ranks: Rows
    sample: Vectors


def trust(readable: float) -> float:
    """How far a question's vector counts, in [0, 1], whose share `readable` the embedder can read.

    Wholly at 1, nothing from one half down: there what the vector holds is noise, and any weight at
    all adds it to the sparse leg's ranking. Between them by the square: what is read of a question in
    two languages is often its least telling part.
    """
    return max(0.0, (readable - UNREADABLE) / (1.0 - UNREADABLE)) ** 2


def fuse(name: FusionName, sparse: Evidence, dense: Evidence, weight: float) -> Vectors:
    """The candidates' fused scores, float32 (n,): the dense leg counts `weight`, the sparse leg the rest."""
    comparable = _COMPARABLE[name]
    return weighted_sum(comparable(sparse), comparable(dense), weight)


def standardise(scores: Vectors, sample: Vectors) -> Vectors:
    """`scores` in standard deviations above the mean of `sample`, float32 of the same shape.

    `sample` holds the leg's best scores. Where it has no spread, the mean serves as the unit, so
    that a single match still stands above what did not match at all.
    """
    if not len(sample):
        return np.zeros_like(scores)
    mean = float(np.mean(sample, dtype=np.float64))
    unit = float(np.std(sample, dtype=np.float64)) or abs(mean) or 1.0
    # A sample that hardly spreads makes some scores larger than float32 can say.
    return np.clip((scores.astype(np.float64) - mean) / unit, -_LARGEST, _LARGEST).astype(np.float32)


def rescale(scores: Vectors, sample: Vectors) -> Vectors:
    """`scores` where the best of `sample` is 1 and its worst 0, float32; what is worse still has 0.

    Where all of `sample` score the same, they have 1.
    """
    if not len(sample):
        return np.zeros_like(scores)
    best, worst = float(sample.max()), float(sample.min())
    if best == worst:
        return (scores >= best).astype(np.float32)
    return np.clip((scores.astype(np.float64) - worst) / (best - worst), 0.0, 1.0).astype(np.float32)


def reciprocal(ranks: Rows) -> Vectors:
    """1 / (60 + rank), float32; 0 for rank 0, which stands for none."""
    return np.where(ranks > 0, 1.0 / (_RRF + ranks), 0.0).astype(np.float32)


def weighted_sum(sparse: Vectors, dense: Vectors, weight: float) -> Vectors:
    """`(1 - weight) * sparse + weight * dense` of scores made comparable."""
    return ((1.0 - weight) * sparse + weight * dense).astype(np.float32)


def support(scores: Vectors, documents: Rows, weight: float, floor: float = 0.0) -> Vectors:
    """What the other candidates of its document add to each candidate's score, float32 (n,), from 0 up.

    Of what each candidate of the document scores above `floor`, half of the best, a quarter of the next,
    and so on, less half of what this one scores itself, times `weight`: nothing for one that is alone.
    `documents`, int64 (n,) from 0 up, are equal for candidates of one document.
    """
    above = np.maximum(scores.astype(np.float64) - floor, 0.0)
    order = np.lexsort((-above, documents))
    first = np.flatnonzero(np.diff(documents[order], prepend=documents[order[:1]] - 1))
    sizes = np.diff(first, append=len(order))
    places = np.arange(len(order)) - np.repeat(first, sizes)
    shares = above[order] * np.exp2(-1.0 - places)
    sums = np.repeat(np.add.reduceat(shares, first), sizes) if len(first) else shares
    added = np.zeros(len(order), dtype=np.float32)
    added[order] = np.clip(weight * (sums - above[order] / 2.0), 0.0, _LARGEST)
    return added


def document_number(document_id: str) -> int:
    """A number below 2^63 by which candidates of one document are known.

    What follows a # names a place in a document, as in an address: passages that were cut before they
    came here, and have ids like "guide.md#install", are of one document.
    """
    digest = blake2b(document_id.partition("#")[0].encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


_COMPARABLE: Mapping[FusionName, Callable[[Evidence], Vectors]] = {
    "standardised": lambda leg: standardise(leg.scores, leg.sample),
    "minmax": lambda leg: rescale(leg.scores, leg.sample),
    "rrf": lambda leg: reciprocal(leg.ranks),
}
