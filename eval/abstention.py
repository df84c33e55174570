"""Knowing when not to answer: what was refused, rightly or not, and what the confidence is worth.

An answer to a question that the corpus cannot answer is wrong, whatever it says. Coverage is the share
of questions answered, (selective) risk the share of wrong ones among those; a threshold on the
confidence trades one for the other along the risk-coverage curve (El-Yaniv & Wiener 2010; Geifman &
El-Yaniv 2017, "Selective Classification for Deep Neural Networks", section 2).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

_DRAWS = 1000  # of a bootstrap, at most
_POINTS = 100  # at most so many of a curve are written down


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a question is answered with when it is answered, and whether that is right.

    For a refused question it is the answer it would have got with the refusal switched off.
    """

    confidence: float
    right: bool


def counts(values: Iterable[Mapping[str, float]]) -> dict[str, float | None]:
    """How often was answered and refused, rightly and wrongly; coverage and risk.

    Counts the questions whose values have "right" (see `eval.answers.answer_values`). Coverage is None
    without any, risk where none was answered.
    """
    kinds = Counter((each["answered"] == 1, each["right"] == 1) for each in values if "right" in each)
    right, wrong = kinds[True, True], kinds[True, False]
    return {
        "answered_right": right,
        "answered_wrong": wrong,
        "rightly_refused": kinds[False, True],
        "wrongly_refused": kinds[False, False],
        "coverage": (right + wrong) / kinds.total() if kinds else None,
        "risk": wrong / (right + wrong) if right + wrong else None,
    }


def risk_coverage(attempts: Sequence[Attempt], questions: int) -> dict[str, Any] | None:
    """The curve over all thresholds: {"points": [[coverage, risk, confidence], ...], "area", "complete"}.

    A point says: answering where the confidence is at least this covers so much at this risk. The area
    is the mean of the risks at coverages 1/n, 2/n, ... 1 of the attempts (AURC as in Geifman, Uziel &
    El-Yaniv 2019, equation 3), in [0, 1], lower is better. No threshold parts equal confidences: they
    are one point, and inside them the risk is the one expected over their random orders. `questions` is
    how many were asked; with fewer attempts than that the curve ends early and is not `complete`.
    None without attempts. Raises ValueError for a confidence that is no number.
    """
    if not attempts:
        return None
    if not all(math.isfinite(each.confidence) for each in attempts):
        raise ValueError("a confidence is not a finite number")
    if questions < len(attempts):
        raise ValueError(f"{len(attempts)} attempts at {questions} questions")
    points: list[list[float]] = []
    covered, wrong, risks = 0, 0, 0.0
    ranked = sorted(attempts, key=lambda each: -each.confidence)
    for confidence, tied in groupby(ranked, key=lambda each: each.confidence):
        outcomes = [each.right for each in tied]
        share = outcomes.count(False) / len(outcomes)
        risks += sum((wrong + share * n) / (covered + n) for n in range(1, len(outcomes) + 1))
        covered += len(outcomes)
        wrong += outcomes.count(False)
        points.append([covered / questions, wrong / covered, confidence])
    return {
        "points": _few(points),
        "area": risks / len(attempts),
        "complete": len(attempts) == questions,
    }


def area_interval(attempts: Sequence[Attempt], *, seed: int, trials: int) -> tuple[float, float]:
    """The 95 % bootstrap interval of the area under the curve, over the questions (Efron & Tibshirani 1993,
    chapter 13): at most 1,000 draws, in each of which ties stand in an order of their own.

    Raises ValueError without attempts.
    """
    if not attempts:
        raise ValueError("there is no area without attempts")
    chance = np.random.default_rng(seed)
    confidences = np.array([each.confidence for each in attempts])
    wrong = np.array([not each.right for each in attempts], dtype=np.float64)
    covered = np.arange(1, len(attempts) + 1)
    areas = np.empty(min(trials, _DRAWS))
    for at in range(len(areas)):
        drawn = chance.integers(0, len(attempts), len(attempts))
        ranked = drawn[np.argsort(-confidences[drawn], kind="stable")]
        areas[at] = np.mean(np.cumsum(wrong[ranked]) / covered)
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


def calibration_text(calibration: Mapping[str, Any] | None) -> list[str]:
    """What was promised on questions made from the corpus, to hold against what was measured."""
    if calibration is None:
        return []
    lines = [_promised(each) for each in calibration["groups"] if each["confidence"] is not None]
    lines += [f"not calibrated ({name}): {why}" for name, why in calibration["too_few"].items()]
    seconds = calibration["seconds"]
    return [*lines, "calibrated before" if seconds is None else f"calibrating took {seconds:.1f} s"]


def _promised(group: Mapping[str, Any]) -> str:
    questions = group["language"] if group["dense"] else f"{group['language']}, by words alone"
    return (
        f"calibrated ({questions}): answers from confidence {group['confidence']:.2f}; on "
        f"{group['questions']} made questions coverage {group['coverage']:.3f}, risk {group['risk']:.3f} "
        f"(at most {group['upper']:.3f}), near misses answered {group['near_misses_answered']:.3f}"
    )


def _few(points: list[list[float]]) -> list[list[float]]:
    """At most `_POINTS` of the points, evenly by coverage, the first and the last among them."""
    if len(points) <= _POINTS:
        return points
    first, last = points[0][0], points[-1][0]
    kept = []
    at = 0
    for step in range(_POINTS):
        wanted = first + (last - first) * step / (_POINTS - 1)
        while at < len(points) - 1 and abs(points[at + 1][0] - wanted) <= abs(points[at][0] - wanted):
            at += 1
        kept.append(at)
    return [points[each] for each in sorted({*kept, 0, len(points) - 1})]
