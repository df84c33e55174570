"""Fusion: bounds, monotony, and what a leg without spread means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.fusion import UNREADABLE, standardise, trusted_weight, weighted_sum
from rag.types import Vectors

SHARE = st.floats(0.0, 1.0)
SCORE = st.floats(-50.0, 50.0, width=32)
SCORES = st.lists(SCORE, min_size=1, max_size=40).map(lambda values: np.array(values, dtype=np.float32))


@settings(deadline=None)
@given(weight=SHARE, readable=SHARE)
def test_trust_stays_between_nothing_and_the_full_weight(weight: float, readable: float) -> None:
    assert 0.0 <= trusted_weight(weight, readable) <= weight


@settings(deadline=None)
@given(weight=SHARE, readable=SHARE, more=SHARE)
def test_what_is_more_readable_is_trusted_more(weight: float, readable: float, more: float) -> None:
    low, high = sorted([readable, more])
    assert trusted_weight(weight, low) <= trusted_weight(weight, high)


@settings(deadline=None)
@given(weight=SHARE, readable=st.floats(0.0, UNREADABLE))
def test_an_unreadable_question_has_no_weight_and_a_readable_one_all(weight: float, readable: float) -> None:
    assert trusted_weight(weight, readable) == 0.0
    assert trusted_weight(weight, 1.0) == weight


@settings(deadline=None)
@given(scores=SCORES)
def test_a_standardised_sample_has_mean_0_and_deviation_1(scores: Vectors) -> None:
    spread = float(np.std(scores, dtype=np.float64))
    result = standardise(scores, scores).astype(np.float64)
    assert result.shape == scores.shape
    if spread > 1e-3:
        assert float(result.mean()) == pytest.approx(0.0, abs=1e-4)
        assert float(result.std()) == pytest.approx(1.0, abs=1e-4)


@settings(deadline=None)
@given(sample=SCORES, scores=SCORES)
def test_standardising_keeps_the_order_and_is_always_a_number(sample: Vectors, scores: Vectors) -> None:
    result = standardise(scores, sample)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    order = np.argsort(scores, kind="stable")
    assert (np.diff(result[order]) >= 0).all()


@settings(deadline=None)
@given(value=SCORE.filter(lambda value: abs(value) > 1e-3), count=st.integers(1, 30))
def test_a_match_stands_above_no_match_where_all_matches_score_the_same(value: float, count: int) -> None:
    sample = np.full(count, value, dtype=np.float32)
    match, nothing = standardise(np.array([value, 0.0], dtype=np.float32), sample).tolist()
    assert match == pytest.approx(0.0, abs=1e-4)
    assert nothing == pytest.approx(-1.0 if value > 0 else 1.0, abs=1e-4)


def test_nothing_found_says_nothing() -> None:
    empty = np.zeros(0, dtype=np.float32)
    assert standardise(np.array([3.0, 0.0], dtype=np.float32), empty).tolist() == [0.0, 0.0]
    assert standardise(empty, empty).shape == (0,)
    assert standardise(np.zeros(2, np.float32), np.zeros(3, np.float32)).tolist() == [0.0, 0.0]


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=30), weight=SHARE)
def test_a_weighted_sum_lies_between_its_parts(pairs: list[tuple[float, float]], weight: float) -> None:
    sparse, dense = np.array(pairs, dtype=np.float32).T
    result = weighted_sum(sparse, dense, weight)
    assert (result >= np.minimum(sparse, dense) - 1e-4).all()
    assert (result <= np.maximum(sparse, dense) + 1e-4).all()


@settings(deadline=None)
@given(scores=SCORES)
def test_at_either_end_one_leg_speaks_alone(scores: Vectors) -> None:
    other = scores[::-1].copy()
    assert np.array_equal(weighted_sum(scores, other, 0.0), scores)
    assert np.array_equal(weighted_sum(scores, other, 1.0), other)


@settings(deadline=None)
@given(sparse=SCORE, dense=SCORE, more=st.floats(0.0, 10.0, width=32), weight=SHARE)
def test_a_better_score_in_either_leg_never_lowers_the_sum(
    sparse: float, dense: float, more: float, weight: float
) -> None:
    before, by_sparse, by_dense = weighted_sum(
        np.array([sparse, sparse + more, sparse], dtype=np.float32),
        np.array([dense, dense, dense + more], dtype=np.float32),
        weight,
    ).tolist()
    assert by_sparse >= before
    assert by_dense >= before
