"""BMX's formula and its variants, free of files and of loops over postings.

Li et al., "BMX: Entropy-weighted Similarity and Semantic-enhanced Lexical Search", 2024. The score of
a document D for a question Q of n terms is

    sum over the terms i that D holds of
        idf_i * tf * (alpha + 1) / (tf + alpha * |D| / avgdl + alpha * mean(e)) + beta * e_i * S

with alpha = avgdl / 100 within [0.5, 1.5], beta = 1 / ln(1 + N), e_i the term's entropy over the
largest of the question's, and S = terms that D holds / n.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

# Entropies are added up as integers, so that the order in which documents came changes no bit of a
# score: 2^-40 in the first number and what that leaves, in 2^-76, in the second. Neither overflows
# below 36 million postings of one term.
_COARSE, _FINE = 40, 36
_TABLE = 64  # beyond tf = 37 sigmoid(tf) is 1 in double precision and the entropy 0


@dataclass(frozen=True, slots=True)
class Variant:
    """Where the published formula leaves room.

    `distinct`: a repeated question term counts once. `unknown`: question terms that the collection
    does not hold count in n. `whole`: a matching document gets beta * e_i * S of every term of the
    question, not only of those it holds (the formula as printed in the paper).
    """

    distinct: bool = False
    unknown: bool = False
    whole: bool = False


VARIANTS: Mapping[str, Variant] = {
    "baguetter": Variant(),
    "distinct": Variant(distinct=True),
    "unknown": Variant(unknown=True),
    "distinct-unknown": Variant(distinct=True, unknown=True),
    "paper": Variant(distinct=True, unknown=True, whole=True),
}


@dataclass(frozen=True, slots=True)
class Collection:
    """What the formula asks of the living documents: how many, and how many terms in all."""

    documents: int
    length: int


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """Of one term over the living documents: in how many it is, and its entropy as two integers."""

    df: int
    coarse: int
    fine: int

    @property
    def entropy(self) -> float:
        """- sum p ln p with p = sigmoid(tf), over the living documents that hold the term."""
        return math.ldexp(float(self.coarse), -_COARSE) + math.ldexp(float(self.fine), -_COARSE - _FINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A question ready to be scored: per distinct known term, in `terms`' order, float64 (terms,).

    A document of length |D| with frequencies tf scores
    sum(weights * tf / (tf + slope * |D| + offset)) + (fixed + sum(gains)) * sum(times) / asked,
    each sum over the terms that it holds.
    """

    terms: tuple[str, ...]
    weights: Floats
    gains: Floats
    times: Floats
    slope: float
    offset: float
    fixed: float
    asked: float


def counted(terms: Sequence[str], variant: Variant) -> dict[str, int]:
    """How often each term counts, sorted by term: the order of a question's words changes no bit."""
    return {term: 1 if variant.distinct else times for term, times in sorted(Counter(terms).items())}


def prepare(
    times: Mapping[str, int], known: Mapping[str, TermStatistics], collection: Collection, variant: Variant
) -> Query:
    """The query of `times`, of which `known`, in the same order and at least one, are in the collection."""
    counts = np.array([times[term] for term in known], dtype=np.float64)
    df = np.array([statistics.df for statistics in known.values()], dtype=np.float64)
    entropies = _relative(np.array([statistics.entropy for statistics in known.values()], dtype=np.float64))
    average = collection.length / collection.documents
    alpha = min(1.5, max(0.5, average / 100))
    idf = np.log1p((collection.documents - df + 0.5) / (df + 0.5))
    gains = counts * entropies / math.log(1 + collection.documents)
    return Query(
        terms=tuple(known),
        weights=counts * idf * (alpha + 1),
        gains=np.zeros_like(gains) if variant.whole else gains,
        times=counts,
        slope=alpha / average,
        offset=alpha * float((entropies * counts).sum() / counts.sum()),
        fixed=float(gains.sum()) if variant.whole else 0.0,
        asked=float(sum(times.values()) if variant.unknown else counts.sum()),
    )


def entropy_units(frequencies: Integers) -> tuple[Integers, Integers]:
    """Each posting's entropy in the integers that are added up, two int64 like `frequencies`."""
    coarse, fine = _units()
    return coarse.take(frequencies, mode="clip"), fine.take(frequencies, mode="clip")


@cache
def _units() -> tuple[Integers, Integers]:
    frequencies = np.arange(_TABLE, dtype=np.int64)
    p = 1 / (1 + np.exp(-frequencies))
    entropies = np.ldexp(-p * np.log(p), _COARSE)
    coarse = np.floor(entropies)
    fine = np.rint(np.ldexp(entropies - coarse, _FINE))
    return coarse.astype(np.int64), fine.astype(np.int64)


def _relative(entropies: Floats) -> Floats:
    """Over the largest; a question of terms that all have none is one of equals."""
    largest = entropies.max()
    return entropies / largest if largest > 0 else np.ones_like(entropies)
