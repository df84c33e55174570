"""Fusion: bounds, monotony, and what a leg without spread means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.fusion import (
    UNREADABLE,
    Evidence,
    document_number,
    fuse,
    reciprocal,
    rescale,
    standardise,
    support,
    trust,
    weighted_sum,
)
from rag.sections import FusionName
from rag.types import Vectors

SHARE = st.floats(0.0, 1.0)
SCORE = st.floats(-50.0, 50.0, width=32)
SCORES = st.lists(SCORE, min_size=1, max_size=40).map(lambda values: np.array(values, dtype=np.float32))


@given(readable=SHARE, more=SHARE)
def test_trust_stays_within_its_bounds_and_grows_with_what_is_readable(readable: float, more: float) -> None:
    low, high = sorted([readable, more])
    assert 0.0 <= trust(low) <= trust(high) <= 1.0


@given(readable=st.floats(0.0, UNREADABLE))
def test_an_unreadable_question_is_not_trusted_and_a_readable_one_wholly(readable: float) -> None:
    assert trust(readable) == 0.0
    assert trust(1.0) == 1.0


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
    ordered = result[order]
    assert (ordered[1:] >= ordered[:-1]).all()


def test_a_score_far_beyond_a_sample_of_no_spread_is_the_largest_number_and_not_infinite() -> None:
    hardly = np.array([1e-45, 0.0], dtype=np.float32)
    result = standardise(np.array([1.0, -1.0], dtype=np.float32), hardly)
    assert np.isfinite(result).all()
    assert result[0] > result[1]


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


FUSIONS: list[FusionName] = ["standardised", "minmax", "rrf"]


@st.composite
def evidence(draw: st.DrawFn, size: int) -> Evidence:
    """A leg over `size` candidates, all of which it found."""
    values = draw(st.lists(SCORE, min_size=size, max_size=size))
    scores = np.array(values, dtype=np.float32)
    ranks = 1 + (scores[None, :] > scores[:, None]).sum(axis=1)
    return Evidence(scores, ranks.astype(np.int64), np.sort(scores)[::-1])


@pytest.mark.parametrize("name", FUSIONS)
@settings(deadline=None)
@given(data=st.data(), size=st.integers(1, 20), weight=SHARE)
def test_what_is_better_in_both_legs_is_never_below(
    name: FusionName, data: st.DataObject, size: int, weight: float
) -> None:
    sparse, dense = data.draw(evidence(size)), data.draw(evidence(size))
    fused = fuse(name, sparse, dense, weight)
    assert fused.dtype == np.float32
    assert np.isfinite(fused).all()
    better = (sparse.scores[:, None] >= sparse.scores) & (dense.scores[:, None] >= dense.scores)
    assert (fused[:, None] >= fused)[better].all()


@pytest.mark.parametrize("name", FUSIONS)
@given(data=st.data(), size=st.integers(1, 20), weight=SHARE)
def test_the_order_of_the_candidates_changes_no_bit(
    name: FusionName, data: st.DataObject, size: int, weight: float
) -> None:
    sparse, dense = data.draw(evidence(size)), data.draw(evidence(size))
    order = np.array(data.draw(st.permutations(range(size))))
    moved = [Evidence(leg.scores[order], leg.ranks[order], leg.sample) for leg in (sparse, dense)]
    assert np.array_equal(fuse(name, moved[0], moved[1], weight), fuse(name, sparse, dense, weight)[order])


@settings(deadline=None)
@given(sample=SCORES, scores=SCORES)
def test_rescaled_scores_lie_between_0_and_1_and_the_best_has_1(sample: Vectors, scores: Vectors) -> None:
    assert rescale(sample, sample).max() == 1.0
    assert ((rescale(scores, sample) >= 0.0) & (rescale(scores, sample) <= 1.0)).all()


def test_rescaling_over_nothing_found_says_nothing() -> None:
    assert rescale(np.ones(2, np.float32), np.zeros(0, np.float32)).tolist() == [0.0, 0.0]


def test_reciprocal_ranks_are_those_of_the_published_formula() -> None:
    assert reciprocal(np.array([1, 2, 0])).tolist() == pytest.approx([1 / 61, 1 / 62, 0.0])


def test_reciprocal_rank_fusion_alone_is_deaf_to_scores() -> None:
    ranks = np.array([1, 2, 3])
    sure, unsure = (
        Evidence(np.array(scores, np.float32), ranks, np.array(scores, np.float32))
        for scores in ([9.0, 1.0, 0.9], [1.1, 1.0, 0.9])
    )
    assert np.array_equal(fuse("rrf", sure, sure, 0.5), fuse("rrf", unsure, sure, 0.5))
    for name in ("standardised", "minmax"):
        assert fuse(name, sure, sure, 0.5)[1] < fuse(name, unsure, sure, 0.5)[1]


CANDIDATES = st.lists(st.tuples(SCORE, st.integers(0, 4)), min_size=1, max_size=30)


def supported(candidates: list[tuple[float, int]], weight: float) -> Vectors:
    scores = np.array([score for score, _ in candidates], dtype=np.float32)
    return support(scores, np.array([document for _, document in candidates]), weight)


def test_a_document_adds_half_of_its_best_a_quarter_of_its_next_and_not_a_passages_own_half() -> None:
    scores = np.array([2.0, 8.0, 4.0, 6.0], dtype=np.float32)
    found = support(scores, np.array([3, 3, 3, 9]), 0.5)
    assert found.tolist() == [0.5 * (4 + 1 + 0.25 - 1), 0.5 * (1 + 0.25), 0.5 * (4 + 1 + 0.25 - 2), 0.0]
    assert support(scores, np.array([3, 3, 3, 9]), 0.5, floor=8.0).tolist() == [0.0] * 4
    assert len(support(scores[:0], np.zeros(0, dtype=np.int64), 0.5)) == 0


@settings(deadline=None)
@given(scores=SCORES, weight=SHARE)
def test_passages_that_are_alone_in_their_documents_are_added_nothing(scores: Vectors, weight: float) -> None:
    assert not support(scores, np.arange(len(scores)), weight).any()


@settings(deadline=None)
@given(candidates=CANDIDATES, weight=SHARE, seed=st.integers(0, 99))
def test_support_is_never_negative_and_knows_no_order(
    candidates: list[tuple[float, int]], weight: float, seed: int
) -> None:
    found = supported(candidates, weight)
    order = np.random.default_rng(seed).permutation(len(candidates))
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert supported([candidates[at] for at in order], weight).tolist() == found[order].tolist()


@settings(deadline=None)
@given(candidates=CANDIDATES, weight=SHARE)
def test_passages_of_one_document_keep_their_order(
    candidates: list[tuple[float, int]], weight: float
) -> None:
    found = supported(candidates, weight)
    for (score, document), more in zip(candidates, found.tolist(), strict=True):
        for (other, same), added in zip(candidates, found.tolist(), strict=True):
            if same == document and other > score:
                assert other + added >= score + more - 1e-4


def test_what_follows_a_hash_sign_is_a_place_in_a_document() -> None:
    numbers = [document_number(name) for name in ("guide.md", "guide.md#install", "guide.md#use", "other.md")]
    assert numbers[0] == numbers[1] == numbers[2] != numbers[3]
    assert all(0 <= number < 2**63 for number in numbers)
