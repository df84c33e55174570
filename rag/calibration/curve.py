"""From a score to a probability, and from an accepted risk to the score above which to answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

_ROUNDS = 100
_HALVINGS = 50
_STEP = 5  # percent of coverage
_FIRST, _LATEST = 10, 20  # the first coverage tried: of 40 answers, within these percent
_FIRST_ANSWERS = 40
_LARGEST = 35.0  # logits beyond are certainty in double precision


@dataclass(frozen=True, slots=True)
class Promise:
    """What answering from `confidence` on achieved: `risk` is the share of wrong answers among those
    given, `upper` its bound, `coverage` the share answered. `accepted` is the risk it was chosen to keep
    to, None where it was chosen to keep the right answers.
    """

    confidence: float
    coverage: float
    risk: float
    upper: float
    accepted: float | None = None


def logistic(scores: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """(slope, intercept) of P(right) = 1 / (1 + exp(-(slope * score + intercept))), slope >= 0.

    Platt's maximum-likelihood fit with his smoothed targets ("Probabilistic Outputs for Support Vector
    Machines", 1999), by Newton's method. Needs one right and one wrong at least; raises ValueError.
    """
    good, bad = sum(right), len(right) - sum(right)
    if not good or not bad:
        raise ValueError("one right and one wrong answer at least are needed")
    x = np.asarray(scores, dtype=np.float64)
    target = np.where(np.asarray(right), (good + 1) / (good + 2), 1 / (bad + 2))
    slope, intercept = 0.0, math.log((good + 1) / (bad + 1))
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(slope * x + intercept, -_LARGEST, _LARGEST)))
        weight, residual = p * (1 - p) + 1e-9, target - p
        hessian = np.array([[weight @ (x * x) + 1e-9, weight @ x], [weight @ x, weight.sum()]])
        step = np.linalg.solve(hessian, np.array([residual @ x, residual.sum()]))
        step /= max(1.0, float(np.abs(step).max()))  # far from the optimum a full step may overshoot
        slope, intercept = slope + float(step[0]), intercept + float(step[1])
        if float(np.abs(step).max()) < 1e-9:
            break
    return max(0.0, slope), intercept


def probability(score: float, slope: float, intercept: float) -> float:
    """P(right) of a score, strictly between 0 and 1."""
    return 1 / (1 + math.exp(-max(-_LARGEST, min(_LARGEST, slope * score + intercept))))


def upper_bound(wrong: int, answered: int, delta: float) -> float:
    """The Clopper-Pearson bound: the risk at which `wrong` or fewer of `answered` have probability `delta`.

    Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934); by bisection.
    """
    if wrong >= answered:
        return 1.0
    logarithms = [0.0, *np.cumsum(np.log(np.arange(1, answered + 1))).tolist()]  # of the factorials
    seen = np.arange(wrong + 1)
    ways = logarithms[answered] - np.array([logarithms[k] + logarithms[answered - k] for k in seen])
    low, high = wrong / answered, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        terms = ways + seen * math.log(middle) + (answered - seen) * math.log1p(-middle)
        low, high = (middle, high) if float(np.exp(terms).sum()) > delta else (low, middle)
    return high


def promise(
    confidences: Sequence[float], right: Sequence[bool], risk: float, delta: float = 0.05
) -> Promise | None:
    """The lowest confidence from which the risk is at most `risk`, with probability 1 - `delta`.

    Fixed-sequence testing (Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test", 2021, section
    3): coverages from 10 % upwards (from 20 % where fewer than 400 were asked) are tried in turn until the
    bound of one exceeds the risk, so that no correction is needed for having tried several. None where
    already the first one does.
    """
    order = sorted(zip(confidences, right, strict=True), key=lambda each: -each[0])
    best: Promise | None = None
    wanted = math.ceil(100 * _FIRST_ANSWERS / max(1, len(order)) / _STEP) * _STEP
    for percent in range(max(_FIRST, min(_LATEST, wanted)), 101, _STEP):
        answered = max(1, round(percent * len(order) / 100))
        if not order or (made := _from(order, order[answered - 1][0], delta)).upper > risk:
            break
        best = replace(made, accepted=risk)
    return best


def keeping(
    confidences: Sequence[float],
    right: Sequence[bool],
    lost: float,
    least: float = 0.0,
    delta: float = 0.05,
) -> Promise | None:
    """The highest confidence below which at most the share `lost` of further right answers would fall, but
    `least` where some answer has as much.

    The conformal quantile: of n right answers the floor(lost * (n + 1))-th from below (Angelopoulos and
    Bates, "A Gentle Introduction to Conformal Prediction", 2021, section 1). None if n is too small for it.
    """
    kept = sorted(confidence for confidence, own in zip(confidences, right, strict=True) if own)
    place = math.floor(lost * (len(kept) + 1))
    if not place:
        return None
    order = sorted(zip(confidences, right, strict=True), key=lambda each: -each[0])
    return _from(order, max(kept[place - 1], min(least, order[0][0])), delta)


def _from(order: Sequence[tuple[float, bool]], threshold: float, delta: float) -> Promise:
    given = [own for confidence, own in order if confidence >= threshold]
    wrong = len(given) - sum(given)
    upper = upper_bound(wrong, len(given), delta)
    return Promise(threshold, len(given) / len(order), wrong / len(given), upper)
