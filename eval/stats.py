"""Whether a difference between two systems is more than chance, and how large it may be.

Everything rests on paired differences: both systems answered the same queries. Nothing assumes that
they are normally distributed, but `minimum_detectable_effect`, which only says what to expect.

- Paired randomisation test: M. Smucker, J. Allan, B. Carterette, "A Comparison of Statistical
  Significance Tests for Information Retrieval Evaluation", CIKM 2007, section 3.2.
- p = (extreme + 1) / (trials + 1) where not all ways to swap are tried: B. Phipson, G. Smyth,
  "Permutation P-values Should Never Be Zero", Statistical Applications in Genetics and Molecular
  Biology 9(1), 2010.
- Percentile bootstrap: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
- Several comparisons: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure",
  Scandinavian Journal of Statistics 6, 1979.
- Power: J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd edition, 1988.

The same seed gives the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

TRIALS = 10_000
ALPHA = 0.05
POWER = 0.8  # the probability with which a detectable difference is found
TIE = 1e-9  # values no further apart than this are a tie between two systems
_SAME = 1e-12  # means no further apart than this are equally extreme: sums differ by their order
_CELLS = 1 << 20  # random numbers held at once

_Array: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = Sequence[float] | _Array


@dataclass(frozen=True, slots=True)
class Paired:
    """System a against system b over the same queries; `difference` is a - b, `interval` its 95 %
    bootstrap interval, `wins` the queries where a is better.

    `minimum_detectable` is None where no two queries' differences tell how far they spread.
    """

    mean_a: float
    mean_b: float
    difference: float
    interval: tuple[float, float]
    p: float
    wins: int
    ties: int
    losses: int
    queries: int
    minimum_detectable: float | None


def paired(a: Values, b: Values, *, seed: int, trials: int = TRIALS, alpha: float = ALPHA) -> Paired:
    """Compare two systems; `a[i]` and `b[i]` are their values for one query.

    Raises ValueError for no queries, different lengths or values that are not finite.
    """
    ours, theirs = _checked(a), _checked(b)
    if ours.shape != theirs.shape:
        raise ValueError(f"{len(ours)} values cannot be paired with {len(theirs)}")
    differences = ours - theirs
    wins, losses = int((differences > TIE).sum()), int((differences < -TIE).sum())
    return Paired(
        mean_a=float(ours.mean()),
        mean_b=float(theirs.mean()),
        difference=float(differences.mean()),
        interval=bootstrap_interval(differences, trials=trials, seed=seed),
        p=randomisation_test(differences, trials=trials, seed=seed),
        wins=wins,
        ties=len(differences) - wins - losses,
        losses=losses,
        queries=len(differences),
        minimum_detectable=_detectable(differences, alpha),
    )


def randomisation_test(differences: Values, *, trials: int = TRIALS, seed: int) -> float:
    """The two-sided p of the mean paired difference, in (0, 1]: how often it is at least as far from
    zero when each query's two systems change places by the toss of a coin.

    Where the coins can fall in no more ways than `trials`, each way is taken once and p is exact. Means
    equal to the observed one up to 1e-12 count as extreme. Raises ValueError for no or infinite differences
    and for less than one trial.
    """
    values = _checked(differences)
    _check_trials(trials)
    observed = abs(float(values.mean())) - _SAME * max(1.0, float(np.abs(values).max()))
    tossed = values[values != 0]  # a zero stays zero under either sign
    if 2 ** len(tossed) <= trials:
        return float((np.abs(_every_signed_sum(tossed)) / len(values) >= observed).mean())
    tables = _signed_sums(tossed)
    starts = np.arange(len(tables), dtype=np.int64) * 256
    block = max(1, _CELLS // len(tables))
    rng = np.random.default_rng(seed)
    extreme = 0
    for first in range(0, trials, block):
        shape = (min(block, trials - first), len(tables))
        tosses = rng.integers(0, 256, size=shape, dtype=np.uint8)
        sums = np.take(tables.ravel(), tosses + starts).sum(axis=1)
        extreme += int((np.abs(sums) / len(values) >= observed).sum())
    return (extreme + 1) / (trials + 1)


def bootstrap_interval(
    values: Values, *, level: float = 0.95, trials: int = TRIALS, seed: int
) -> tuple[float, float]:
    """The percentile interval of the mean over `trials` resamples with replacement.

    Equal values give an interval without width. Raises ValueError for no or infinite values, a level
    outside (0, 1) and for less than one trial.
    """
    sample = _checked(values)
    _check_trials(trials)
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not at {level}")
    if sample.min() == sample.max():
        return float(sample[0]), float(sample[0])
    rng = np.random.default_rng(seed)
    means = np.empty(trials)
    block = max(1, _CELLS // len(sample))
    for first in range(0, trials, block):
        shape = (min(block, trials - first), len(sample))
        drawn = rng.integers(0, len(sample), size=shape, dtype=np.uint32)
        means[first : first + shape[0]] = np.take(sample, drawn).mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted for how many there are, in the order given: the error rate of the whole family
    stays at alpha however they depend on each other (Holm 1979).

    The i-th smallest of m is multiplied by m - i + 1, never falls below a smaller one's and never
    exceeds 1. Raises ValueError for none or for one outside [0, 1].
    """
    p = _checked(p_values)
    if p.min() < 0 or p.max() > 1:
        raise ValueError("a p-value lies between 0 and 1")
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(value) for value in adjusted]


def corrected(found: Sequence[Paired], alpha: float) -> list[tuple[Paired, float]]:
    """Each comparison with its p-value after Holm's correction over all of them, and with the smallest
    difference detectable at the level that the correction leaves to the first of them, alpha / m.
    """
    if not found:
        return []
    stricter = _factor(alpha / len(found), POWER) / _factor(alpha, POWER)
    return [
        (replace(each, minimum_detectable=_times(each.minimum_detectable, stricter)), adjusted)
        for each, adjusted in zip(found, holm([each.p for each in found]), strict=True)
    ]


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _factor(alpha: float, power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)


def minimum_detectable_effect(
    deviation: float, n: int, *, alpha: float = ALPHA, power: float = POWER
) -> float:
    """The mean difference that a two-sided test at `alpha` finds with probability `power`, given the
    standard deviation of the paired differences of n queries.

    (z(1 - alpha/2) + z(power)) * deviation / sqrt(n), the normal approximation of Cohen 1988, section
    2.4, in the measure's own units. Raises ValueError for n < 1, a deviation that is negative or not
    finite, and an alpha or power outside (0, 1).
    """
    if n < 1 or not (math.isfinite(deviation) and deviation >= 0):
        raise ValueError(f"no effect can be detected with deviation {deviation} over {n} queries")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"alpha {alpha} and power {power} lie between 0 and 1")
    return _factor(alpha, power) * deviation / math.sqrt(n)


def _detectable(differences: _Array, alpha: float) -> float | None:
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    return minimum_detectable_effect(deviation, len(differences), alpha=alpha) if deviation > TIE else None


def _every_signed_sum(values: _Array) -> _Array:
    """(2 ** n,): the sum under each of the ways to sign n values."""
    sums: _Array = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _signed_sums(values: _Array) -> _Array:
    """(groups, 256): for each eight values, their sum under each of the 256 ways to sign them.

    One random byte then stands for eight coins and one look-up for eight additions. It takes 256 bytes
    a value.
    """
    groups = np.pad(values, (0, -len(values) % 8)).reshape(-1, 8)
    signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) * 2.0 - 1.0
    found: _Array = groups @ signs.T
    return found


def _checked(values: Values) -> _Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError("statistics need a plain list of at least one value")
    if not np.isfinite(array).all():
        raise ValueError("statistics need finite values")
    return array


def _check_trials(trials: int) -> None:
    if trials < 1:
        raise ValueError(f"{trials} trials are none: give at least 1")
