"""A verdict says better or worse only where the corrected p value allows it."""

from __future__ import annotations

from typing import Any

import pytest

from eval.reporting.comparisons import below_best, comparisons, verdict


@pytest.mark.parametrize(
    ("difference", "p", "p_holm", "said"),
    [
        (0.1, 0.01, 0.03, "better"),
        (-0.1, 0.01, 0.03, "worse"),
        (0.1, 0.01, 0.05, "better"),
        (0.1, 0.01, 0.0501, "no difference shown"),
        (-0.1, 0.01, None, "worse"),
        (0.0, 0.01, 0.01, "no difference shown"),
        (0.1, None, None, "no difference shown"),
        (float("nan"), 0.01, 0.01, "no difference shown"),
        (None, 0.01, 0.01, "no difference shown"),
    ],
)
def test_a_verdict_follows_the_corrected_p(difference: float, p: Any, p_holm: Any, said: str) -> None:
    assert verdict({"difference": difference, "p": p, "p_holm": p_holm}, 0.05) == said


def test_a_relevant_document_that_neither_listed_is_named() -> None:
    lost = {"query": "q", "a": 0, "b": 1, "a_results": ["x"], "b_results": ["y"], "relevant": ["y", "z"]}
    (found,) = comparisons({"comparisons": [{"a": "one", "b": "two", "measure": "mrr@10", "losers": [lost]}]})
    (loser,) = found.losers
    assert [ranking.results for ranking in loser.rankings] == [(("x", False),), (("y", True),)]
    assert loser.missed == ("z",)


def test_only_systems_compared_with_the_best_are_said_to_be_below_it() -> None:
    shown = {"measure": "ndcg@10", "p": 0.01, "p_holm": 0.01}
    modes = {
        "low": {"ndcg@10": 0.2},
        "middle": {"ndcg@10": 0.5},
        "high": {"ndcg@10": 0.9},
        "odd": {"ndcg@10": None},
    }
    pairs = [
        {**shown, "a": "high", "b": "low", "difference": 0.7},
        {**shown, "a": "low", "b": "middle", "difference": -0.3},
    ]
    assert below_best({"modes": modes, "comparisons": pairs}) == {"low"}
    assert below_best({"modes": modes, "comparisons": [{**pairs[0], "measure": "mrr@10"}]}) == frozenset()
    assert below_best({}) == frozenset()
