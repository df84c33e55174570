"""Refusals counted, and the risk-coverage curve against brute force."""

from __future__ import annotations

import random
from itertools import groupby, pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.abstention import Attempt, area_interval, calibration_text, counts, risk_coverage

ATTEMPTS = st.lists(
    st.builds(Attempt, st.sampled_from([0.0, 0.2, 0.5, 0.9]) | st.floats(0, 1), st.booleans()), min_size=1
)


def values(answered: float, right: float) -> dict[str, float]:
    return {"answered": answered, "right": right}


def test_answers_and_refusals_are_counted_right_and_wrong() -> None:
    asked = [values(1, 1), values(1, 1), values(1, 0), values(0, 1), values(0, 0), {"answered": 1.0}]
    assert counts(asked) == {
        "answered_right": 2,
        "answered_wrong": 1,
        "rightly_refused": 1,
        "wrongly_refused": 1,
        "coverage": 3 / 5,
        "risk": 1 / 3,
    }


def test_without_answers_there_is_no_risk_and_without_questions_no_coverage() -> None:
    assert counts([values(0, 1)])["risk"] is None
    assert counts([values(0, 1)])["coverage"] == 0
    assert counts([])["coverage"] is None


def test_the_area_is_the_mean_risk_over_all_coverages() -> None:
    attempts = [Attempt(0.6, False), Attempt(0.9, True), Attempt(0.7, True), Attempt(0.8, False)]
    curve = risk_coverage(attempts, 4)
    assert curve is not None
    assert curve["points"] == [[0.25, 0, 0.9], [0.5, 1 / 2, 0.8], [0.75, 1 / 3, 0.7], [1.0, 1 / 2, 0.6]]
    assert curve["area"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert curve["complete"]


def test_equal_confidences_are_one_point() -> None:
    curve = risk_coverage([Attempt(0.5, True), Attempt(0.5, False), Attempt(0.1, True)], 3)
    assert curve is not None
    assert curve["points"] == [[2 / 3, 1 / 2, 0.5], [1.0, 1 / 3, 0.1]]


def test_with_refusals_whose_answer_is_unknown_the_curve_ends_early() -> None:
    curve = risk_coverage([Attempt(0.9, True), Attempt(0.5, False)], 4)
    assert curve == {"points": [[0.25, 0.0, 0.9], [0.5, 0.5, 0.5]], "area": 0.25, "complete": False}


def test_without_attempts_there_is_no_curve() -> None:
    assert risk_coverage([], 3) is None


@pytest.mark.parametrize(
    ("attempts", "questions"), [([Attempt(float("nan"), True)], 1), ([Attempt(0.5, True)], 0)]
)
def test_senseless_attempts_are_refused(attempts: list[Attempt], questions: int) -> None:
    with pytest.raises(ValueError, match=r"confidence|attempts"):
        risk_coverage(attempts, questions)


@given(st.lists(st.builds(Attempt, st.sampled_from([0.1, 0.5]), st.booleans()), min_size=1, max_size=6))
def test_the_area_is_the_mean_over_all_orders_of_equal_confidences(attempts: list[Attempt]) -> None:
    ranked = sorted(attempts, key=lambda each: -each.confidence)
    groups = [list(tied) for _, tied in groupby(ranked, key=lambda each: each.confidence)]
    areas = []
    for orders in product(*(permutations(group) for group in groups)):
        wrong = [not each.right for order in orders for each in order]
        areas.append(sum(sum(wrong[:n]) / n for n in range(1, len(wrong) + 1)) / len(wrong))
    curve = risk_coverage(attempts, len(attempts))
    assert curve is not None
    assert curve["area"] == pytest.approx(sum(areas) / len(areas))


@given(ATTEMPTS, st.randoms())
def test_the_curve_does_not_depend_on_the_order_and_ends_at_the_overall_error(
    attempts: list[Attempt], random: object
) -> None:
    curve = risk_coverage(attempts, len(attempts))
    random.shuffle(shuffled := list(attempts))  # type: ignore[attr-defined]
    assert curve == risk_coverage(shuffled, len(attempts))
    assert curve is not None
    assert 0 <= curve["area"] <= 1
    wrong = sum(not each.right for each in attempts)
    assert curve["points"][-1] == [
        1.0,
        pytest.approx(wrong / len(attempts)),
        min(each.confidence for each in attempts),
    ]
    coverages = [coverage for coverage, _, _ in curve["points"]]
    assert coverages == sorted(set(coverages))


@pytest.mark.parametrize("count", [100, 101, 1190, 5000])
def test_a_long_curve_is_written_in_a_hundred_points_with_both_ends(count: int) -> None:
    attempts = [Attempt(1 - n / count, n % 3 == 0) for n in range(count)]
    curve = risk_coverage(attempts, count)
    assert curve is not None
    coverages = [coverage for coverage, _, _ in curve["points"]]
    assert len(coverages) == 100
    assert (coverages[0], coverages[-1]) == (1 / count, 1.0)
    steps = [after - before for before, after in pairwise(coverages)]
    assert max(steps) <= 2 / 99


def test_the_interval_of_the_area_holds_it_and_is_narrower_for_more_questions() -> None:
    widths = []
    for count in (40, 4000):
        attempts = [Attempt(1 - n / count, n % 4 != 0) for n in range(count)]
        curve = risk_coverage(attempts, count)
        assert curve is not None
        low, high = area_interval(attempts, seed=0, trials=400)
        assert low < curve["area"] < high
        assert (low, high) == area_interval(attempts, seed=0, trials=400)
        widths.append(high - low)
    assert widths[1] < widths[0] / 4


def test_the_interval_of_the_area_is_that_of_drawing_questions_again() -> None:
    """Confidence that tells right from wrong, half of it tied, against draws of another generator."""
    lot = random.Random(1)  # noqa: S311
    attempts = [Attempt(round(n / 60, 1), lot.random() < n / 60) for n in range(60)]
    curves = [risk_coverage(lot.choices(attempts, k=60), 60) for _ in range(1000)]
    areas = sorted(curve["area"] for curve in curves if curve)
    assert area_interval(attempts, seed=0, trials=1000) == pytest.approx((areas[25], areas[974]), abs=0.03)
    assert areas[974] - areas[25] > 0.15


def test_where_every_answer_is_right_or_wrong_the_area_is_certain() -> None:
    for right, area in ((True, 0.0), (False, 1.0)):
        attempts = [Attempt(n / 9, right) for n in range(9)]
        assert area_interval(attempts, seed=0, trials=100) == (area, area)
    with pytest.raises(ValueError, match="without attempts"):
        area_interval([], seed=0, trials=100)


def test_what_was_promised_is_told_beside_what_was_measured() -> None:
    group = {
        "language": "en", "dense": True, "questions": 200, "confidence": 0.31, "coverage": 0.8, "risk": 0.2,
        "upper": 0.25, "near_misses_answered": 0.6,
    }  # fmt: skip
    quiet = {**group, "language": "zh", "confidence": None}
    words = {**group, "language": "zh", "dense": False}
    made = {"groups": [group, quiet, words], "too_few": {"zh": "3 known items"}, "seconds": 9.87}
    assert calibration_text(made) == [
        (
            "calibrated (en): answers from confidence 0.31; on 200 made questions coverage 0.800, risk 0.200 "
            "(at most 0.250), near misses answered 0.600"
        ),
        (
            "calibrated (zh, by words alone): answers from confidence 0.31; on 200 made questions coverage "
            "0.800, risk 0.200 (at most 0.250), near misses answered 0.600"
        ),
        "not calibrated (zh): 3 known items",
        "calibrating took 9.9 s",
    ]
    assert calibration_text({**made, "seconds": None})[-1] == "calibrated before"
    assert calibration_text(None) == []
