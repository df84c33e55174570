"""Rankings of one leg, completed past their ties, cut and read row by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.search.rankings import best_rows, complete, evidence, legs_of
from rag.types import Leg, Ranking

SCORES = st.lists(st.integers(1, 6), max_size=40)


def ranking(scores: list[int]) -> Ranking:
    """Row n has scores[n]; best first, equal ones by row, as a leg gives them."""
    values = np.array(scores, dtype=np.float32)
    rows = np.argsort(-values, kind="stable").astype(np.int64)
    return Ranking(rows, values[rows])


@given(scores=SCORES, depth=st.integers(1, 12), sample=st.integers(0, 12))
def test_a_completed_ranking_has_every_row_of_its_last_score(
    scores: list[int], depth: int, sample: int
) -> None:
    whole = ranking(scores)
    found = complete(lambda wanted: Ranking(whole.rows[:wanted], whole.scores[:wanted]), depth, sample)
    assert len(found.rows) >= min(depth, len(scores))
    if len(found.rows):
        assert set(found.rows.tolist()) == {
            row for row, score in enumerate(scores) if score >= float(found.scores[-1])
        }


@given(scores=SCORES, depth=st.integers(1, 12))
def test_the_best_rows_are_those_that_score_as_much_as_the_one_at_the_depth(
    scores: list[int], depth: int
) -> None:
    kept = set(best_rows(ranking(scores), depth).tolist())
    least = sorted(scores, reverse=True)[:depth][-1] if scores else 0
    assert kept == {row for row, score in enumerate(scores) if score >= least}


def test_rows_of_equal_scores_share_a_rank_and_missing_ones_have_none() -> None:
    found = ranking([2, 5, 2, 1])
    legs = legs_of(np.array([0, 1, 2, 3, 9]), found)
    assert legs == [Leg(2, 2.0), Leg(1, 5.0), Leg(2, 2.0), Leg(4, 1.0), None]


def test_what_a_leg_did_not_find_it_is_asked_to_score() -> None:
    asked: list[list[int]] = []

    def score(rows: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        asked.append(rows)
        return np.full(len(rows), 0.5, dtype=np.float32)

    said = evidence(np.array([1, 7, 9]), ranking([2, 5]), 1, score)
    assert asked == [[7, 9]]
    assert said.scores.tolist() == pytest.approx([5.0, 0.5, 0.5])
    assert said.ranks.tolist() == [1, 0, 0]
    assert said.sample.tolist() == [5.0]
