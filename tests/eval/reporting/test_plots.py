"""Plots put values where they belong on the sheet, and are left out where there is nothing to draw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.reporting import axes
from eval.reporting.drawing import BOTTOM, COLOURS, GREY, INK, LEFT, RIGHT, TOP
from eval.reporting.plots import (
    latency_quality,
    plots,
    precision_recall,
    recall_by_k,
    risk_coverage,
)
from eval.reporting.versus import differences, per_query_scatter

SHARES = st.floats(0, 1)


@given(st.lists(SHARES, min_size=1))
def test_an_axis_of_shares_holds_its_values_and_stays_between_0_and_1(values: list[float]) -> None:
    axis = axes.share("recall", values)
    assert 0 <= axis.low <= min(values)
    assert max(values) <= axis.high <= 1
    assert axis.high - axis.low >= 0.2 - 1e-9
    assert 3 <= len(axis.ticks) <= 7


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_an_axis_of_times_holds_its_values_and_has_ticks(values: list[float]) -> None:
    axis = axes.times("ms", values)
    assert axis.low <= min(values)
    assert max(values) <= axis.high
    assert all(axis.low <= value <= axis.high * 1.0000001 for value, _ in axis.ticks)
    assert len(axis.ticks) >= 2


def test_a_log_scale_gives_equal_factors_equal_room() -> None:
    axis = axes.cuts("k", [1, 2, 5, 10, 100])
    assert axis.at(10) == pytest.approx(0.5)
    assert [text for _, text in axis.ticks] == ["1", "2", "5", "10", "100"]


def test_a_curve_runs_from_the_left_to_the_right_of_the_sheet_at_its_values() -> None:
    drawn = precision_recall({"modes": {"one": {"precision_at_recall": {"1.0": 0.0, "0.0": 1.0}}}})
    assert drawn is not None
    assert drawn.lines[0].points == f"{LEFT:.1f},{TOP:.1f} {RIGHT:.1f},{BOTTOM:.1f}"


def test_beyond_the_palette_the_best_systems_are_drawn_and_the_others_counted() -> None:
    curve = {"1": 0.1, "10": 0.5}
    modes = {
        f"s{n}": {"ndcg@10": n / 10, "recall_by_k": curve, "latency_p50_ms": 5.0} for n in range(COLOURS + 2)
    }
    drawn = recall_by_k({"modes": modes})
    assert drawn is not None
    assert [series.name for series in drawn.legend] == [f"s{n}" for n in range(2, COLOURS + 2)]
    assert "2 more not drawn" in drawn.note
    timed = latency_quality({"modes": modes})
    assert timed is not None
    assert len(timed.dots) == COLOURS + 2, "every system has its point"


def _queries(*values: float) -> dict[str, dict[str, float]]:
    return {f"q{n}": {"ndcg@10": value} for n, value in enumerate(values)}


def test_the_scatter_shows_the_comparison_with_the_largest_difference() -> None:
    compared = [
        {"a": "one", "b": "two", "measure": "ndcg@10", "difference": 0.1},
        {"a": "one", "b": "three", "measure": "ndcg@10", "difference": -0.4},
    ]
    queries = {"one": _queries(0, 0.5, 1), "two": _queries(0, 0, 0), "three": _queries(1, 0.5, 0.2)}
    drawn = per_query_scatter({"per_query": queries, "comparisons": compared})
    assert drawn is not None
    assert (drawn.x.name, drawn.y.name) == ("one, nDCG@10", "three, nDCG@10")
    assert "one is better (1 questions), above it three (1); 1 equal" in drawn.note


def test_without_comparisons_the_scatter_shows_the_last_two_systems_on_the_questions_they_share() -> None:
    queries = {"one": {}, "two": _queries(0.5, 0.5), "three": {"q0": {"ndcg@10": 0.5}, "q1": {"answer": 1.0}}}
    drawn = per_query_scatter({"per_query": queries})
    assert drawn is not None
    assert drawn.y.name.startswith("two")
    assert len(drawn.dots) == 1


def test_a_curve_that_ends_early_is_said_to_be_of_the_answered_questions_only() -> None:
    curve = {"points": [[0.5, 0.0, 0.9], [0.75, 0.25, 0.5]], "area": 0.1, "complete": False}
    found: dict[str, Any] = {"risk_coverage": curve, "abstention": {"coverage": 0.5, "risk": 0.0}}
    drawn = risk_coverage({"modes": {"one": {"answers": found}}})
    assert drawn is not None
    assert "Of the answered questions only: one." in drawn.note
    assert [dot.text for dot in drawn.dots] == ["one: as it is set"]


def test_nothing_to_draw_is_no_plot() -> None:
    assert plots({}) == []
    bare = {"ndcg@10": None, "latency_p50_ms": 3.0, "recall_by_k": {}, "answers": {"risk_coverage": None}}
    assert plots({"modes": {"one": bare, "two": {}}, "per_query": {"one": {}, "two": {}}}) == []


@given(st.lists(st.floats(-1, 1), min_size=1))
def test_an_axis_of_differences_reaches_as_far_below_zero_as_above(values: list[float]) -> None:
    axis = axes.differences("difference", values)
    assert axis.low == -axis.high
    assert max(map(abs, values)) <= axis.high * 1.0000001
    assert "0" in {text for _, text in axis.ticks}
    assert 3 <= len(axis.ticks) <= 7


def test_a_difference_is_grey_where_none_is_shown() -> None:
    shared = {"measure": "ndcg@10", "a": "one", "difference": 0.1, "p": 0.01}
    compared = [
        {**shared, "b": "two", "interval": [0.05, 0.15], "p_holm": 0.02},
        {**shared, "b": "three", "interval": [-0.05, 0.25], "p_holm": 0.2},
        {**shared, "b": "four", "interval": None},
    ]
    drawn = differences({"comparisons": compared})
    assert drawn is not None
    assert [label.text for label in drawn.labels] == ["one against two", "one against three"]
    assert [dot.colour for dot in drawn.dots] == [INK, GREY]
