"""Systems are compared pair by pair, and the queries where one loses most are shown with both rankings."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.compare import Compared, aligned, compare, compare_text
from eval.stats import bootstrap_interval, holm, randomisation_test

SPARSE = {"q1": 1.0, "q2": 0.5, "q3": 0.0, "q4": 0.9}
DENSE = {"q1": 0.0, "q2": 0.5, "q3": 1.0, "q4": 0.2}
HYBRID = {"q1": 0.6, "q2": 0.5, "q3": 1.0, "q4": 0.9 + 1e-12}
TEXTS = {"q1": "one?", "q2": "two?", "q3": "three?", "q4": "四？"}
QRELS = {"q1": {"d0": 0, "d2": 1, "d1": 2, "d3": 1}}


def _compare(systems: dict[str, dict[str, float]], **options: Any) -> list[dict[str, Any]]:
    compared = {
        name: Compared(
            {query: {"ndcg@10": value} for query, value in values.items()},
            {query: [f"{name}-{place}" for place in range(30)] for query in values},
            QRELS,
        )
        for name, values in systems.items()
    }
    pairs = [(later, earlier, "ndcg@10") for earlier, later in combinations(systems, 2)]
    chosen: dict[str, Any] = {"seed": 0, "trials": 999, "texts": TEXTS} | options
    return compare(compared, pairs, **chosen)


def test_a_comparison_counts_wins_ties_and_losses_and_names_both_means() -> None:
    (found,) = _compare({"sparse": SPARSE, "hybrid": HYBRID})
    assert (found["a"], found["b"], found["measure"]) == ("hybrid", "sparse", "ndcg@10")
    assert (found["wins"], found["ties"], found["losses"], found["queries"]) == (1, 2, 1, 4)
    assert found["mean_a"] == pytest.approx(0.75)
    assert found["mean_b"] == pytest.approx(0.6)
    assert found["difference"] == pytest.approx(0.15)
    differences = [HYBRID[query] - SPARSE[query] for query in SPARSE]
    assert found["p"] == randomisation_test(differences, trials=999, seed=0)
    assert found["interval"] == list(bootstrap_interval(differences, trials=999, seed=0))


def test_holm_corrects_over_the_pairs_of_one_call() -> None:
    found = _compare({"sparse": SPARSE, "dense": DENSE, "hybrid": HYBRID})
    assert [each["p_holm"] for each in found] == holm([each["p"] for each in found])
    (alone,) = _compare({"sparse": SPARSE, "hybrid": HYBRID})
    assert alone["p_holm"] == alone["p"]


def test_losers_are_the_largest_losses_first_with_both_rankings_and_what_was_relevant() -> None:
    (found,) = _compare({"sparse": SPARSE, "dense": DENSE})
    assert [loser["query"] for loser in found["losers"]] == ["q1", "q4"]
    first = found["losers"][0]
    assert first == {
        "query": "q1",
        "text": "one?",
        "a": 0.0,
        "b": 1.0,
        "a_results": [f"dense-{place}" for place in range(10)],
        "b_results": [f"sparse-{place}" for place in range(10)],
        "relevant": ["d1", "d2", "d3"],
    }
    assert len(_compare({"sparse": SPARSE, "dense": DENSE}, worst=1)[0]["losers"]) == 1


def test_a_tie_up_to_rounding_is_no_loss() -> None:
    (found,) = _compare({"a": {"q": 0.5}, "b": {"q": 0.5 - 1e-12}})
    assert (found["ties"], found["losers"]) == (1, [])
    assert found["minimum_detectable"] is None


def test_a_query_without_results_is_shown_with_empty_rankings() -> None:
    systems = {name: Compared({"q": {"mrr@10": value}}, {}, {}) for name, value in (("a", 0.0), ("b", 0.5))}
    (found,) = compare(systems, [("a", "b", "mrr@10")], texts={}, seed=0, trials=999)
    assert (found["losers"][0]["a_results"], found["losers"][0]["text"]) == ([], "")


def test_what_either_system_calls_relevant_is_shown_of_a_loser() -> None:
    """Where files are cut differently, the same words stand in chunks of other names."""
    cut = {"a": {"q": {"x#0-9": 1}}, "b": {"q": {"x#0-20": 1}}}
    systems = {name: Compared({"q": {"m": float(name == "b")}}, {}, cut[name]) for name in ("a", "b")}
    (found,) = compare(systems, [("a", "b", "m")], texts={}, seed=0, trials=999)
    assert found["losers"][0]["relevant"] == ["x#0-20", "x#0-9"]


def test_only_queries_that_both_have_are_compared() -> None:
    (found,) = _compare({"sparse": SPARSE, "dense": {query: DENSE[query] for query in ("q1", "q2", "q3")}})
    assert found["queries"] == 3


def test_a_measure_that_nobody_has_is_refused() -> None:
    systems = {name: Compared({"q": {}}, {}, {}) for name in ("a", "b")}
    with pytest.raises(ValueError, match=r"no query has ndcg@10"):
        compare(systems, [("a", "b", "ndcg@10")], seed=0, texts={})


def test_what_is_detectable_grows_with_the_number_of_comparisons() -> None:
    (alone,) = _compare({"sparse": SPARSE, "hybrid": HYBRID})
    three = _compare({"sparse": SPARSE, "dense": DENSE, "hybrid": HYBRID})
    [among] = [each for each in three if each["a"] == "hybrid" and each["b"] == "sparse"]
    assert among["minimum_detectable"] / alone["minimum_detectable"] == pytest.approx(
        3.2354 / 2.8016, abs=1e-3
    )


def test_a_single_system_is_compared_with_nobody() -> None:
    assert _compare({"sparse": SPARSE}) == []
    assert compare_text([]) == []


def test_the_order_of_queries_and_the_time_of_day_do_not_move_a_digit() -> None:
    rng = np.random.default_rng(1)
    values = {name: {f"q{n}": float(rng.random()) for n in range(60)} for name in ("a", "b")}
    turned = {name: dict(reversed(list(each.items()))) for name, each in values.items()}
    assert json.dumps(_compare(values)) == json.dumps(_compare(turned))


def test_the_terminal_shows_each_comparison_in_one_aligned_line() -> None:
    lines = compare_text(_compare({"sparse": SPARSE, "dense": DENSE, "hybrid": HYBRID}))
    assert len(lines) == 3
    assert lines[1].startswith("hybrid - sparse  ndcg@10  +0.150  [")
    assert "1 better, 2 equal, 1 worse; detectable " in lines[1]
    assert len({line.index(" p ") for line in lines}) == 1


def test_what_is_not_known_to_be_detectable_is_not_printed() -> None:
    (line,) = compare_text(_compare({"a": SPARSE, "b": SPARSE}))
    assert line.endswith("p 1.0000 (Holm 1.0000)  0 better, 4 equal, 0 worse")


@given(st.lists(st.tuples(*[st.text("ab", max_size=6)] * 3), max_size=5))
def test_aligned_columns_begin_or_end_together(rows: list[tuple[str, ...]]) -> None:
    lines = aligned([(*row, "|") for row in rows], left=(0, 3))
    assert len({line.index("|") for line in lines}) <= 1
