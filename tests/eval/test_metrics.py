"""The measures are those of the textbooks, over every judged query, in the retriever's order."""

from __future__ import annotations

import random
from math import log2
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets import read_test_set
from eval.metrics import MEASURES, curves, latency, mean, per_query
from eval.types import PassageSet

SCIFACT = Path(__file__).parents[3] / "shared" / "data" / "retrieval" / "scifact"


def test_every_measure_agrees_with_a_calculation_by_hand() -> None:
    """Three relevant documents (2, 1, 1); the run has them at places 2 and 7, the third nowhere.

    DCG = 1/log2(3) + 2/log2(8) with linear gains; the ideal order is 2, 1, 1 at places 1, 2, 3.
    """
    qrels = {"q": {"a": 1, "b": 2, "c": 1, "x": 0}}
    run = {"q": ["x", "a", "n3", "n4", "n5", "n6", "b", "n8"]}
    [values] = per_query(qrels, run).values()
    dcg = 1 / log2(3) + 2 / log2(8)
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert values == pytest.approx(
        {
            "ndcg@5": 1 / log2(3) / ideal,
            "ndcg@10": dcg / ideal,  # 1.2976 / 3.1309 = 0.4144
            "recall@1": 0.0,
            "recall@5": 1 / 3,
            "recall@10": 2 / 3,
            "recall@100": 2 / 3,
            "precision@1": 0.0,
            "precision@5": 1 / 5,
            "precision@10": 2 / 10,
            "hit@1": 0.0,
            "hit@5": 1.0,
            "hit@10": 1.0,
            "mrr@10": 1 / 2,
            "map@100": (1 / 2 + 2 / 7) / 3,
        }
    )
    assert values["ndcg@10"] == pytest.approx(0.4144, abs=5e-5)


GRADES = st.integers(-1000, 3)
RANKINGS = st.lists(st.sampled_from("abcdefghijklmn"), max_size=20)


def _defined(judged: dict[str, int], ids: list[str]) -> dict[str, float]:
    """The measures written out; a document that is found again adds nothing."""
    ids = list(dict.fromkeys(ids))
    gains = [max(0, judged.get(each, 0)) for each in ids]
    hits = [gain > 0 for gain in gains]
    ideal = sorted((max(0, grade) for grade in judged.values()), reverse=True)
    relevant = sum(gain > 0 for gain in ideal)

    def dcg(found: list[int]) -> float:
        return sum(gain / log2(place) for place, gain in enumerate(found, start=2))

    precisions = [sum(hits[:place]) / place for place, hit in enumerate(hits, start=1) if hit]
    return {
        **{f"ndcg@{k}": dcg(gains[:k]) / dcg(ideal[:k]) for k in (5, 10)},
        **{f"recall@{k}": sum(hits[:k]) / relevant for k in (1, 5, 10, 100)},
        **{f"precision@{k}": sum(hits[:k]) / k for k in (1, 5, 10)},
        **{f"hit@{k}": float(any(hits[:k])) for k in (1, 5, 10)},
        "mrr@10": 1 / (hits.index(True) + 1) if any(hits[:10]) else 0.0,
        "map@100": sum(precisions) / relevant,
    }


@given(st.dictionaries(st.sampled_from("abcdefghijklmn"), GRADES), st.integers(1, 3), RANKINGS)
def test_every_measure_is_its_definition_whatever_was_judged_and_found(
    judged: dict[str, int], grade: int, ids: list[str]
) -> None:
    """Grades below 0 too, with which trec_eval's own code may crash, and ids that a ranking repeats."""
    judged["a"] = grade
    assert per_query({"q": judged}, {"q": ids})["q"] == pytest.approx(_defined(judged, ids))


def test_a_query_judged_with_nothing_but_spam_counts_as_zero() -> None:
    """trec_eval's own code ends the process at these two queries, where grades below -1 reach it."""
    qrels = {"q": {"a": 0, "b": 0}, "spam": {"c": -2, "a": -2}}
    values = per_query(qrels, {query: ["a", "b", "c"] for query in qrels})
    assert not any(value for row in values.values() for value in row.values())


def test_a_document_found_twice_counts_where_it_stands_first() -> None:
    [values] = per_query({"q": {"a": 1, "b": 1}}, {"q": ["a", "x", "a", "b"]}).values()
    assert [values["mrr@10"], values["map@100"]] == pytest.approx([1.0, (1 + 2 / 3) / 2])


def test_a_relevant_document_beyond_place_ten_counts_for_recall_at_100_alone() -> None:
    run = {"q": [f"n{place}" for place in range(1, 11)] + ["a"]}
    [values] = per_query({"q": {"a": 1}}, run).values()
    assert {name for name, value in values.items() if value} == {"recall@100", "map@100"}
    run = {"q": [f"n{place}" for place in range(1, 101)] + ["a"]}
    assert not any(per_query({"q": {"a": 1}}, run)["q"].values())


def test_a_judged_query_without_results_counts_as_zero() -> None:
    values = per_query({"hit": {"a": 1}, "empty": {"a": 1}, "missing": {"a": 1}}, {"hit": ["a"], "empty": []})
    assert mean(values) == pytest.approx({name: value / 3 for name, value in values["hit"].items()})
    assert not any([*values["empty"].values(), *values["missing"].values()])


def test_a_run_without_any_result_is_all_zeros() -> None:
    assert mean(per_query({"q": {"a": 1}}, {"q": []})) == dict.fromkeys(MEASURES, 0.0)


def test_a_query_whose_judgements_are_all_zero_counts_as_zero() -> None:
    values = per_query({"hit": {"a": 1}, "none": {"a": 0}}, {"hit": ["a"], "none": ["a"]})
    assert not any(values["none"].values())
    assert mean(values)["ndcg@10"] == 1 / 2


def test_queries_without_judgements_are_ignored() -> None:
    assert list(per_query({"q": {"a": 1}}, {"q": ["a"], "other": ["a"]})) == ["q"]


def test_ids_may_be_chinese_or_hold_spaces() -> None:
    [values] = per_query({"问 1": {"文档 一": 1}}, {"问 1": ["x y", "文档 一"]}).values()
    assert values["mrr@10"] == 0.5


@given(st.permutations([f"{number:03}" for number in range(100)]), st.integers(0, 99))
def test_the_order_of_the_run_is_never_changed(order: list[str], place: int) -> None:
    [values] = per_query({"q": {order[place]: 1}}, {"q": order}).values()
    assert values["mrr@10"] == pytest.approx(1 / (place + 1) if place < 10 else 0.0)
    assert values["ndcg@10"] == pytest.approx(1 / log2(place + 2) if place < 10 else 0.0)
    assert [values[f"recall@{k}"] for k in (1, 5, 10, 100)] == [float(place < k) for k in (1, 5, 10, 100)]


def test_an_average_needs_queries() -> None:
    with pytest.raises(ValueError, match="no queries"):
        mean({})


def test_latency_is_the_median_and_the_95th_and_99th_percentile() -> None:
    assert latency([float(value) for value in range(1, 102)]) == {
        "latency_p50_ms": 51.0,
        "latency_p95_ms": 96.0,
        "latency_p99_ms": 100.0,
    }
    assert set(latency([3.0]).values()) == {3.0}
    assert set(latency([]).values()) == {None}


def test_recall_by_k_and_precision_at_recall_agree_with_a_calculation_by_hand() -> None:
    """Relevant at places 1 and 4 of one query, nowhere in another: means of (.5, .5, .5, 1) and 0."""
    qrels = {"q": {"a": 1, "b": 1}, "none": {"a": 1}}
    found = curves(qrels, {"q": ["a", "x", "y", "b"], "none": []})
    by_k = found["recall_by_k"]
    assert [by_k[k] for k in ("1", "2", "3", "5", "100")] == [0.25, 0.25, 0.25, 0.5, 0.5]
    precision = found["precision_at_recall"]
    assert [precision[level] for level in ("0.0", "0.5", "0.6", "1.0")] == [0.5, 0.5, 0.25, 0.25]


@pytest.mark.skipif(not SCIFACT.is_dir(), reason="the SciFact collection is not on this machine")
def test_the_measures_are_those_of_trec_eval_on_a_real_collection() -> None:
    """Against pytrec_eval, trec_eval's own code, on SciFact's judgements and a ranking drawn by lot."""
    import pytrec_eval

    dataset = read_test_set(SCIFACT)
    assert isinstance(dataset, PassageSet)
    lot = random.Random(0)  # noqa: S311
    documents = [entry.id for entry in dataset.corpus]
    ranked = {
        query: list(dict.fromkeys([*lot.sample(documents, 30), *judged, *lot.sample(documents, 69)]))
        for query, judged in dataset.qrels.items()
    }
    names = {
        "ndcg_cut_10": "ndcg@10",
        "ndcg_cut_5": "ndcg@5",
        "recall_100": "recall@100",
        "P_10": "precision@10",
        "success_5": "hit@5",
        "map_cut_100": "map@100",
    }
    scores = {query: {each: 1000.0 - n for n, each in enumerate(ids)} for query, ids in ranked.items()}
    theirs = pytrec_eval.RelevanceEvaluator(dataset.qrels, set(names)).evaluate(scores)
    ours = per_query(dataset.qrels, ranked)
    for query, values in theirs.items():
        for their, own in names.items():
            assert ours[query][own] == pytest.approx(values[their], abs=5e-5)
