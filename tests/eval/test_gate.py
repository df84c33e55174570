"""The gate catches a real loss, stays quiet at the stated rate, and refuses what cannot be compared."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from eval.gate import judge
from eval.stats import holm
from eval.verdict import Verdict, verdict_text
from rag.errors import SettingError

QUERIES = 300
Values = dict[str, float]


def _like_a_system(seed: int, queries: int = QUERIES) -> Values:
    """Values such as the nDCG of a system: many ones, many zeros, the rest between."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(3, queries, p=[0.45, 0.2, 0.35])
    between = rng.beta(2, 2, queries)
    return {f"q{place}": float([1.0, 0.0, between[place]][kind]) for place, kind in enumerate(kinds)}


def _moved(values: Values, seed: int, loss: float = 0.0, touched: float = 0.3) -> Values:
    """A variant of a system: a share of its queries move by normal noise about a loss, within 0 and 1."""
    rng = np.random.default_rng([1, seed])
    moved = rng.random(len(values)) < touched
    steps = rng.normal(-loss / touched, 0.2, len(values))
    return {
        query: min(1.0, max(0.0, value + float(step))) if move else value
        for (query, value), move, step in zip(values.items(), moved, steps, strict=True)
    }


def _evaluation(systems: dict[str, Values], dataset: str = "scifact", **more: Any) -> dict[str, Any]:
    per_query = {
        name: {
            query: {"ndcg@10": value, "recall@5": round(value), "latency_ms": 3.0, "results": ["d1"]}
            for query, value in values.items()
        }
        for name, values in systems.items()
    }
    return {"dataset": dataset, "digest": "d" * 64, "per_query": per_query} | more


def _judge(now: Any, before: Any, **options: Any) -> Verdict:
    chosen: dict[str, Any] = {
        "threshold": 0.01,
        "alpha": 0.05,
        "trials": 2000,
        "seed": 0,
    } | options
    measures = chosen.pop("measures", ["ndcg@10"])
    now, before = ([each] if isinstance(each, dict) else each for each in (now, before))
    return judge([{**each, "measures": measures} for each in now], before, **chosen)


SYSTEM = _like_a_system(0)


def test_a_planted_loss_is_caught() -> None:
    """A mean loss of about .03 over 300 queries, of which most do not change and many get better."""
    verdict = _judge(_evaluation({"hybrid": _moved(SYSTEM, 0, loss=0.03)}), _evaluation({"hybrid": SYSTEM}))
    (case,) = verdict.fell
    assert (case.dataset, case.system, case.measure) == ("scifact", "hybrid", "ndcg@10")
    assert case.paired.difference == pytest.approx(-0.03, abs=0.005)
    assert case.paired.interval[1] < 0
    assert case.p_holm <= 0.05
    assert case.paired.ties > case.paired.losses > case.paired.wins > 10


def test_a_planted_loss_is_caught_in_nearly_every_draw() -> None:
    """A loss of .02 to .035 is well above what is detectable: of 40 draws at most two may go unseen."""
    caught = sum(
        bool(
            _judge(
                _evaluation({"hybrid": _moved(SYSTEM, seed, loss=0.03)}),
                _evaluation({"hybrid": SYSTEM}),
                trials=500,
            ).fell
        )
        for seed in range(40)
    )
    assert caught >= 38


def _no_change(seed: int) -> tuple[Values, Values]:
    """Two systems that differ a lot, query by query, and not at all in truth: which of the two values
    is whose is a coin's toss.
    """
    one, other = _like_a_system(seed), _moved(_like_a_system(seed), seed, loss=0.05)
    swap = np.random.default_rng([2, seed]).random(QUERIES) < 0.5
    swapped = dict(zip(one, swap, strict=True))
    now = {query: other[query] if swapped[query] else one[query] for query in one}
    before = {query: one[query] if swapped[query] else other[query] for query in one}
    return now, before


def test_no_change_falls_about_as_often_as_stated() -> None:
    """Of 100 comparisons of equals at 5 %, two-sided, losses alone fall: 2.5 are expected.

    More than 8 has probability .0012 if that rate is kept; the threshold is 0, so that only the test
    keeps the gate quiet.
    """
    fell = 0
    for seed in range(100):
        now, before = _no_change(seed)
        fell += bool(
            _judge(_evaluation({"s": now}), _evaluation({"s": before}), threshold=0.0, seed=seed).fell
        )
    assert fell <= 8


def test_a_gate_of_no_power_would_be_noticed() -> None:
    """At 50 % a quarter of no-change comparisons fall: 25 of 100, give or take four standard errors."""
    fell = 0
    for seed in range(100):
        now, before = _no_change(seed)
        options = {"threshold": 0.0, "alpha": 0.5, "trials": 500, "seed": seed}
        fell += bool(_judge(_evaluation({"s": now}), _evaluation({"s": before}), **options).fell)
    assert abs(fell - 25) <= 4 * (100 * 0.25 * 0.75) ** 0.5


def test_several_cases_together_fall_no_more_often_than_one() -> None:
    """Four systems on two measures: without Holm's correction about one verdict in six would fall."""
    fell = 0
    for seed in range(60):
        drawn = [_no_change(100 * place + seed + 5000) for place in range(4)]
        now = _evaluation({f"s{place}": pair[0] for place, pair in enumerate(drawn)})
        before = _evaluation({f"s{place}": pair[1] for place, pair in enumerate(drawn)})
        options = {"measures": ["ndcg@10", "recall@5"], "threshold": 0.0, "trials": 500}
        fell += bool(_judge(now, before, **options).fell)
    assert fell <= 6  # 1.5 expected; more than 6 has probability .0008


def test_identical_runs_never_fall() -> None:
    for seed in range(20):
        same = _evaluation({"hybrid": _like_a_system(seed)})
        verdict = _judge(same, copy.deepcopy(same), threshold=0.0, alpha=0.5, trials=200, seed=seed)
        assert not verdict.fell
        assert verdict.cases[0].paired.p == 1.0
        assert not verdict.changes


def test_a_gain_never_falls_however_certain() -> None:
    verdict = _judge(_evaluation({"s": SYSTEM}), _evaluation({"s": _moved(SYSTEM, 1, loss=0.05)}))
    assert verdict.cases[0].p_holm <= 0.05
    assert not verdict.fell


def test_a_loss_up_to_the_threshold_does_not_fall_however_certain() -> None:
    before = {f"q{place}": 0.5 for place in range(100)}
    now = dict.fromkeys(before, 0.5 - 0.03)
    assert not _judge(_evaluation({"s": now}), _evaluation({"s": before}), threshold=0.03).fell
    assert _judge(_evaluation({"s": now}), _evaluation({"s": before}), threshold=0.029).fell


def test_a_large_loss_that_chance_explains_does_not_fall() -> None:
    verdict = _judge(_evaluation({"s": {"a": 0.0, "b": 0.5}}), _evaluation({"s": {"a": 1.0, "b": 0.5}}))
    assert verdict.cases[0].paired.difference == -0.5
    assert not verdict.fell


def test_holm_corrects_over_all_cases_of_a_verdict() -> None:
    now = [_evaluation({"s": _moved(SYSTEM, n, loss=0.01)}, dataset=f"set{n}") for n in range(3)]
    before = [_evaluation({"s": SYSTEM}, dataset=f"set{n}") for n in range(3)]
    cases = _judge(now, before, measures=["ndcg@10", "recall@5"]).cases
    assert len(cases) == 6
    assert [case.p_holm for case in cases] == holm([case.paired.p for case in cases])


def test_the_same_comparison_prints_the_same_text() -> None:
    now = _evaluation({"hybrid": _moved(SYSTEM, 1, loss=0.03)}, settings={"retriever": {"depth": 50}})
    before = _evaluation({"hybrid": SYSTEM}, settings={"retriever": {"depth": 100}})
    turned = copy.deepcopy(now)
    turned["per_query"]["hybrid"] = dict(reversed(list(now["per_query"]["hybrid"].items())))
    assert _judge(now, before) == _judge(turned, before)
    assert verdict_text(_judge(now, before)) == verdict_text(_judge(turned, before))


def test_a_single_system_on_both_sides_is_compared_whatever_its_name() -> None:
    verdict = _judge(_evaluation({"hybrid": SYSTEM}), _evaluation({"sparse": SYSTEM}))
    assert (verdict.cases[0].system, verdict.cases[0].against) == ("hybrid", "sparse")
    assert verdict.cases[0].label == "hybrid against sparse"


def test_several_systems_are_compared_by_name_and_the_others_listed() -> None:
    verdict = _judge(
        _evaluation({"sparse": SYSTEM, "hybrid": SYSTEM}), _evaluation({"dense": SYSTEM, "hybrid": SYSTEM})
    )
    assert [case.label for case in verdict.cases] == ["hybrid"]
    assert verdict.not_compared == ("scifact: sparse, only now", "scifact: dense, only in the baseline")


def test_without_a_system_in_both_nothing_is_compared() -> None:
    with pytest.raises(
        SettingError, match=r"scifact: no system is in both: now sparse, in the baseline a, b;"
    ):
        _judge(_evaluation({"sparse": SYSTEM}), _evaluation({"a": SYSTEM, "b": SYSTEM}))


def test_a_changed_test_set_makes_the_two_incomparable_and_the_way_on_is_said() -> None:
    with pytest.raises(SettingError, match=r"test set scifact has changed .* --save-baseline"):
        _judge(_evaluation({"s": SYSTEM}, digest="e" * 64), _evaluation({"s": SYSTEM}))


def test_a_test_set_that_the_baseline_does_not_hold_is_refused() -> None:
    with pytest.raises(SettingError, match=r"fiqa is not in the baseline, which holds scifact;"):
        _judge(_evaluation({"s": SYSTEM}, dataset="fiqa"), _evaluation({"s": SYSTEM}))
    with pytest.raises(SettingError, match="more than once"):
        _judge(_evaluation({"s": SYSTEM}), [_evaluation({"s": SYSTEM}), _evaluation({"s": SYSTEM})])


def test_a_test_set_that_only_the_baseline_holds_is_listed() -> None:
    before = [_evaluation({"s": SYSTEM}), _evaluation({"s": SYSTEM}, dataset="fiqa")]
    assert _judge(_evaluation({"s": SYSTEM}), before).not_compared == ("fiqa: only in the baseline",)


def test_a_query_on_one_side_only_is_refused_by_name() -> None:
    fewer = {query: value for query, value in SYSTEM.items() if query != "q7"}
    with pytest.raises(SettingError, match=r"'q7' only in the baseline"):
        _judge(_evaluation({"s": fewer}), _evaluation({"s": SYSTEM}))
    with pytest.raises(SettingError, match=r"'q7' only in this run"):
        _judge(_evaluation({"s": SYSTEM}), _evaluation({"s": fewer}))


@pytest.mark.parametrize("name", ["ndcg", "latency_ms", "results"])
def test_an_unknown_measure_is_refused_with_the_valid_ones(name: str) -> None:
    same = _evaluation({"s": SYSTEM})
    with pytest.raises(SettingError, match=rf"--measure {name}: .* valid: ndcg@10, recall@5$"):
        _judge(same, same, measures=["ndcg@10", name])


def _answered(evaluation: dict[str, Any], answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    for query, values in answers.items():
        evaluation["per_query"]["s"].setdefault(query, {})["answer"] = values
    return evaluation


def test_an_answer_measure_is_compared_where_both_sides_have_it() -> None:
    """q0 was answered before and refused now; "only asked" has no retrieval figures at all."""
    before = _answered(
        _evaluation({"s": SYSTEM}),
        {"q0": {"f1": 1.0}, "q1": {"f1": 0.5, "quotes": 2.0}, "only asked": {"f1": 1.0}},
    )
    now = _answered(_evaluation({"s": SYSTEM}), {"q0": {"right": 0.0}, "q1": {"f1": 0.25, "right": 0.0}})
    (case,) = _judge(now, before, measures=["f1"]).cases
    assert (case.paired.queries, case.left_out) == (1, 2)
    assert case.paired.difference == -0.25
    assert "left out 2 measured on one side only" in "\n".join(
        verdict_text(_judge(now, before, measures=["f1"]))
    )


def test_a_measure_that_one_side_lacks_altogether_is_refused() -> None:
    with_answers = _answered(_evaluation({"s": SYSTEM}), {"q0": {"f1": 1.0}})
    with pytest.raises(SettingError, match="f1 of s is not known in the baseline"):
        _judge(with_answers, _evaluation({"s": SYSTEM}), measures=["f1"])
    with pytest.raises(SettingError, match="f1 of s is not known in this run"):
        _judge(_evaluation({"s": SYSTEM}), with_answers, measures=["f1"])


def test_a_measure_that_one_of_the_test_sets_does_not_have_is_listed() -> None:
    both = [
        _evaluation({"s": SYSTEM}),
        _answered(_evaluation({"s": SYSTEM}, dataset="qa"), {"q0": {"f1": 1.0}}),
    ]
    verdict = _judge(both, both, measures=["ndcg@10", "f1"])
    assert [(case.dataset, case.measure) for case in verdict.cases] == [
        ("scifact", "ndcg@10"),
        ("qa", "ndcg@10"),
        ("qa", "f1"),
    ]
    assert verdict.not_compared == ("scifact: s has no f1",)


def test_each_test_set_is_judged_by_its_own_measures() -> None:
    passages = _evaluation({"s": SYSTEM}) | {"measures": ["ndcg@10"]}
    spans = _evaluation({"s": SYSTEM}, dataset="notes") | {"measures": ["recall@5"]}
    both = [passages, spans]
    verdict = judge(both, both, threshold=0.01, alpha=0.05, trials=999, seed=0)
    assert [(case.dataset, case.measure) for case in verdict.cases] == [
        ("scifact", "ndcg@10"),
        ("notes", "recall@5"),
    ]


def test_too_few_trials_for_anything_to_fall_are_refused() -> None:
    """The least p value of 100 trials is 1/101; Holm makes 6/101 of it, above .05."""
    sets = [_evaluation({"s": SYSTEM}, dataset=f"set{n}") for n in range(6)]
    with pytest.raises(SettingError, match="--trials 100: too few to tell 6 cases apart; take 120"):
        _judge(sets, sets, trials=100)
    assert _judge(sets, sets, trials=120).cases


def test_a_single_query_is_blind_to_every_loss_and_the_verdict_says_so() -> None:
    one = _evaluation({"s": {"q": 1.0}})
    assert "1 of them need a larger loss" in verdict_text(_judge(one, one, trials=999))[-1]


@pytest.mark.parametrize(("queries", "fell"), [(5, 0), (6, 1)])
def test_of_too_few_queries_none_can_fall_though_all_lose_and_the_verdict_says_so(
    queries: int, fell: int
) -> None:
    """Of 2^5 ways to swap the systems of five queries two are as extreme: p is 1/16; of six it is 1/32."""
    now, before = ({f"q{n}": value for n in range(queries)} for value in (0.5, 0.8))
    verdict = _judge(_evaluation({"s": now}), _evaluation({"s": before}))
    assert len(verdict.fell) == fell
    assert ("1 of them need a larger loss" in verdict_text(verdict)[-1]) == (not fell)
    at_the_level = _judge(_evaluation({"s": now}), _evaluation({"s": before}), alpha=2.0 ** (1 - queries))
    assert len(at_the_level.fell) == 1, "a p equal to alpha is significant"


def test_nothing_to_judge_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        _judge([], [])
    with pytest.raises(ValueError, match="nothing to judge"):
        _judge(_evaluation({"s": SYSTEM}), _evaluation({"s": SYSTEM}), measures=[])
