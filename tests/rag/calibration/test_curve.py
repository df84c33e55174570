"""Probabilities, bounds and thresholds from the outcomes of questions whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.calibration.curve import keeping, logistic, probability, promise, upper_bound


def test_the_logistic_map_finds_the_curve_that_made_the_outcomes() -> None:
    chance = np.random.default_rng(0)
    scores = chance.normal(size=4000)
    right = chance.random(4000) < 1 / (1 + np.exp(-(2 * scores - 0.5)))
    slope, intercept = logistic(scores.tolist(), right.tolist())
    assert slope == pytest.approx(2, abs=0.2)
    assert intercept == pytest.approx(-0.5, abs=0.15)


def test_separable_outcomes_give_a_finite_map() -> None:
    slope, intercept = logistic([0.0, 1.0, 2.0, 3.0], [False, False, True, True])
    assert math.isfinite(slope)
    assert 0 < probability(0.0, slope, intercept) < 0.5 < probability(3.0, slope, intercept) < 1


def test_a_score_that_speaks_against_itself_counts_for_nothing() -> None:
    slope, _ = logistic([0.0, 1.0, 2.0, 3.0], [True, True, False, False])
    assert slope == 0


def test_one_kind_of_outcome_alone_fits_nothing() -> None:
    with pytest.raises(ValueError, match="one right and one wrong"):
        logistic([1.0, 2.0], [True, True])


@pytest.mark.parametrize(("wrong", "answered", "bound"), [(0, 50, 0.05816), (3, 50, 0.14784), (10, 10, 1.0)])
def test_the_bound_is_the_published_one(wrong: int, answered: int, bound: float) -> None:
    """0 of n gives 1 - delta^(1/n); the others are quantiles of the beta distribution."""
    assert upper_bound(wrong, answered, 0.05) == pytest.approx(bound, abs=1e-4)


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0, 1), st.floats(0.01, 0.5))
def test_the_bound_lies_above_what_was_seen(answered: int, share: float, delta: float) -> None:
    wrong = round(share * answered)
    assert wrong / answered <= upper_bound(wrong, answered, delta) <= 1


def test_a_promise_covers_as_much_as_its_bound_allows() -> None:
    confidences = [at / 400 for at in range(400)]
    right = [at >= 200 for at in range(400)]
    made = promise(confidences, right, 0.1)
    assert made is not None
    assert made.upper <= 0.1
    assert made.accepted == 0.1
    assert 0.45 <= made.coverage <= 0.55


def test_what_the_bound_does_not_allow_is_not_promised() -> None:
    assert promise([0.9] * 10, [True] * 10, 0.1) is None  # too few, though all were right
    assert promise([0.9] * 400, [True, False] * 200, 0.1) is None
    assert promise([], [], 0.1) is None


def test_a_promise_is_kept_on_further_questions() -> None:
    """Of 60 calibrations on 200 outcomes each, the true risk exceeds what was accepted in few."""
    chance = np.random.default_rng(1)
    broken = 0
    for _ in range(60):
        confidences = chance.random(200)
        made = promise(confidences.tolist(), (chance.random(200) < confidences).tolist(), 0.25)
        if made is not None:
            broken += (1 - made.confidence) / 2 > 0.25  # the mean of 1 - c from there on
    assert broken <= 8


def test_answers_that_are_nearly_always_wrong_are_not_given_for_the_sake_of_one_right() -> None:
    confidences = [0.01, *(0.02 + at / 1000 for at in range(20)), *(0.3 + at / 100 for at in range(40))]
    right = [True, *[False] * 20, *[True] * 40]
    assert keeping(confidences, right, 0.03) == keeping(confidences, right, 0.03, 0.005)
    begins = keeping(confidences, right, 0.03, 0.05)
    assert begins is not None
    assert (begins.confidence, begins.risk, begins.coverage) == (0.05, 0.0, 40 / 61)
    surest = keeping([each / 100 for each in confidences], right, 0.03, 0.05)
    assert surest is not None
    assert surest.confidence == max(confidences) / 100


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80))
def test_at_most_the_share_of_right_answers_is_lost(outcomes: list[tuple[float, bool]]) -> None:
    confidences, right = [each[0] for each in outcomes], [each[1] for each in outcomes]
    begins = keeping(confidences, right, 0.05)
    kept = [confidence for confidence, own in outcomes if own]
    if begins is None:
        assert len(kept) < 19
    else:
        assert sum(confidence < begins.confidence for confidence in kept) <= 0.05 * len(kept)
