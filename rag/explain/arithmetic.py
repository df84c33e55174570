"""A hit's score taken apart: what each term and each leg put into it, in parts that add up to it.

Nothing is computed a second way: the figures are those that the search noted (`rag.search.trace`), and the
formulas of `rag.fusion` are only written out with their mean and unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag.fusion import Evidence, fuse
from rag.protocols.legs import Explains, SparseReader, TermPart
from rag.search import augmented
from rag.search.trace import Legs, Trace
from rag.sections import FusionName
from rag.types import Hit, Vectors


@dataclass(frozen=True, slots=True)
class LegPart:
    """One leg's part of a fused score: `weight` * `comparable`, which for a mean and a unit is
    (`score` - `mean`) / `unit`; `rank` is None where the hit is not among the leg's best.

    The unit is a standard deviation ("standardised") or the way from the worst to the best ("minmax",
    within 0 and 1, `mean` being the worst); both are None where ranks alone count, and for a leg alone.
    """

    leg: str
    rank: int | None
    score: float
    mean: float | None
    unit: float | None
    comparable: float
    weight: float
    part: float


@dataclass(frozen=True, slots=True)
class Scored:
    """A hit taken apart. `fused` is the sum of the legs' parts, `support` what other candidates of its
    document add; together they are `found`. `final` differs where a reranker or other wordings of the
    question had the last word. `terms` add up to the sparse leg's score.
    """

    hit: Hit
    legs: tuple[LegPart, ...]
    terms: tuple[TermPart, ...] | None
    fused: float
    support: float
    found: float
    final: float


def scored(hit: Hit, row: int | None, trace: Trace, sparse: SparseReader) -> Scored:
    """What `hit`, which is `row` of the index, scores and why. None for a row that only other wordings of
    the question found: of those there are no parts.

    `terms` is None where the sparse backend cannot take its scores apart, or was not asked.
    """
    if row is None:
        return Scored(hit, (), None, 0.0, 0.0, 0.0, hit.score)
    at = int(np.flatnonzero(trace.rows == row)[0])
    found = float(trace.scores[at])
    support = float(trace.support[at]) if len(trace.support) else 0.0
    legs = _fused(at, trace.legs) if trace.legs is not None else (_alone(row, trace, found - support),)
    asked = trace.wording is not None and any(each.leg == "sparse" for each in legs)
    return Scored(
        hit,
        legs,
        terms(row, trace, sparse) if asked else None,
        sum(each.part for each in legs),
        support,
        found,
        hit.score,
    )


def terms(row: int, trace: Trace, sparse: SparseReader) -> tuple[TermPart, ...] | None:
    """What the question's terms add to the row's sparse score; None if the backend cannot say."""
    if trace.wording is None or not isinstance(sparse, Explains):
        return None
    return augmented.explain(sparse, trace.wording, row)


def _alone(row: int, trace: Trace, score: float) -> LegPart:
    """The part of the only leg that was searched."""
    by_words = trace.sparse is not None and row in trace.sparse.rows
    ranking = trace.sparse if by_words else trace.dense
    rank = None
    if ranking is not None and row in ranking.rows:
        own = ranking.scores[np.flatnonzero(ranking.rows == row)[0]]
        rank = 1 + int((ranking.scores > own).sum())
    return LegPart("sparse" if by_words else "dense", rank, score, None, None, score, 1.0, score)


def _fused(at: int, legs: Legs) -> tuple[LegPart, ...]:
    weighted = (("sparse", legs.sparse, 1.0 - legs.weight), ("dense", legs.dense, legs.weight))
    return tuple(_part(name, at, own, legs.fusion, weight) for name, own, weight in weighted)


def _part(name: str, at: int, leg: Evidence, fusion: FusionName, weight: float) -> LegPart:
    alone = Evidence(leg.scores[at : at + 1], leg.ranks[at : at + 1], leg.sample)
    nothing = Evidence(np.zeros(1, np.float32), np.zeros(1, np.int64), leg.sample[:0])
    # With all the weight on one leg the sum is what it says: the very code that fuses makes it comparable.
    comparable = float(fuse(fusion, alone, nothing, 0.0)[0])
    mean, unit = _scale(leg.sample, fusion)
    rank = int(leg.ranks[at]) or None
    return LegPart(name, rank, float(leg.scores[at]), mean, unit, comparable, weight, weight * comparable)


def _scale(sample: Vectors, fusion: FusionName) -> tuple[float | None, float | None]:
    """The mean and the unit of a leg's scores, as `rag.fusion` takes them."""
    if fusion == "rrf" or not len(sample):
        return None, None
    if fusion == "minmax":
        return float(sample.min()), float(sample.max()) - float(sample.min())
    mean = float(np.mean(sample, dtype=np.float64))
    return mean, float(np.std(sample, dtype=np.float64)) or abs(mean) or 1.0
