"""The evaluation holds what scripts rely on, and says what its figures stand on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.evaluation import evaluation_json, first_results, without_queries
from eval.judgements import of_passages
from eval.measuring import Measured, Plan
from eval.metrics import MEASURES
from eval.systems import System
from eval.types import Entry, Found, PassageSet, Query, Run, Span, SpanSet, TestSet
from rag.config import Settings
from rag.sections import Retrieval
from rag.types import MODES

COUNTS = ("queries", "unjudged", "unanswerable", "empty_queries")
SMALL = PassageSet(
    name="small",
    digest="0123abcd",
    corpus=(Entry("a", "A", "x"), Entry("b", "", "y"), Entry("c", "", "")),
    queries={"q1": Query("x"), "q2": Query("y"), "q3": Query("z"), "q4": Query("w", answerable=False)},
    qrels={"q1": {"a": 1}, "q2": {"b": 1}, "q4": {"a": 1}},
)
FACTS = {"generation": "g-1", "embedder": "some-model@0a1b", "device": "cpu", "documents": 3}


def _run(found: Mapping[str, Sequence[str]], times: Mapping[str, float]) -> Run:
    ranked = {
        query: tuple(Found(each, Span(each, 0, 1), -place) for place, each in enumerate(ids))
        for query, ids in found.items()
    }
    return Run(ranked, times)


SPARSE = _run({"q1": ["a", "b"], "q2": ["a", "b"]}, {"q1": 1.0, "q2": 3.0})
HYBRID = _run({"q1": ["a"], "q2": []}, {"q1": 10.0, "q2": 30.0})


def _evaluation(test_set: TestSet = SMALL, settings: Settings | None = None, **runs: Run) -> dict[str, Any]:
    settings = settings or Settings(retriever=Retrieval(depth=50, dense_weight=0.25))
    judged = of_passages(test_set if isinstance(test_set, PassageSet) else SMALL)
    runs = runs or {"sparse": SPARSE, "hybrid": HYBRID}
    measured = {name: Measured(judged, run, judged.values(run), dict(FACTS)) for name, run in runs.items()}
    systems = [System(name, "hybrid", settings, {}) for name in measured]
    plan = Plan(systems, {}, ["ndcg@10"], answers=True, seed=0, trials=1000, alpha=0.05)
    return evaluation_json(test_set, plan, measured)


def test_each_system_has_its_measures_latencies_counts_intervals_and_curves() -> None:
    modes = _evaluation()["modes"]
    assert list(modes) == ["sparse", "hybrid"]
    assert modes["sparse"]["recall@1"] == 0.5
    assert modes["sparse"]["mrr@10"] == 0.75
    assert modes["sparse"]["latency_p50_ms"] == 2.0
    assert modes["hybrid"]["recall@100"] == 0.5
    for row in modes.values():
        assert set(MEASURES) == set(row["intervals"]) <= set(row)
        assert [row[name] for name in COUNTS] == [2, 1, 1, 0]
        assert row["recall_by_k"]["100"] == row["recall@100"]
        low, high = row["intervals"]["ndcg@10"]
        assert low <= row["ndcg@10"] <= high


def test_systems_are_compared_query_by_query() -> None:
    [found] = _evaluation()["comparisons"]
    assert (found["a"], found["b"], found["measure"]) == ("hybrid", "sparse", "ndcg@10")
    assert (found["wins"], found["ties"], found["losses"]) == (0, 1, 1)
    assert found["losers"][0]["query"] == "q2"
    assert found["losers"][0]["b_results"] == ["a", "b"]


def test_systems_are_compared_on_the_queries_that_both_were_measured_on() -> None:
    judged = of_passages(SMALL)
    fewer = judged.values(HYBRID)
    del fewer["q2"]
    measured = {
        "sparse": Measured(judged, SPARSE, judged.values(SPARSE)),
        "hybrid": Measured(judged, HYBRID, fewer),
    }
    systems = [System(name, name, Settings(), {}) for name in MODES if name in measured]
    plan = Plan(systems, {}, [], answers=False, seed=0, trials=1000, alpha=0.05)
    [found] = evaluation_json(SMALL, plan, measured)["comparisons"]
    assert found["queries"] == 1


def test_it_says_what_the_figures_stand_on() -> None:
    found = _evaluation()
    assert (found["dataset"], found["digest"], found["generation"]) == ("small", "0123abcd", "g-1")
    assert found["settings"]["embedder"]["name"] == "sentence_transformers"
    assert "mode" not in found["settings"]["retriever"]
    assert found["versions"]["ir-measures"]
    assert json.loads(json.dumps(found)) == found


def test_a_key_of_the_generator_stays_out_of_it() -> None:
    generator = {"name": "openai", "api_key": "secret-1", "model": "m"}
    settings = Settings.model_validate({"index": "unused", "generator": generator})
    found = _evaluation(settings=settings)
    assert "secret-1" not in json.dumps(found)
    assert found["settings"]["generator"] == {"name": "openai", "api_key": "(not shown)", "model": "m"}


def test_all_that_shapes_an_index_of_files_and_an_answer_is_named_but_for_passwords(tmp_path: Path) -> None:
    pdf = {"passwords": ["secret-1"], "file_passwords": {"*": "secret-2"}}
    settings = Settings.model_validate({"pdf": pdf, "unsupported": "drop", "ingest": {"secrets": "flag"}})
    notes = SpanSet("notes", "0", SMALL.queries, tmp_path, {})
    found = _evaluation(notes, settings)["settings"]
    assert (found["unsupported"], found["ingest"]["secrets"]) == ("drop", "flag")
    assert (found["pdf"]["passwords"], found["pdf"]["file_passwords"]) == ("(not shown)", "(not shown)")
    assert not {"ingest", "pdf", "splitter"} & _evaluation()["settings"].keys()


def test_a_setting_of_several_values_is_said_of_each_system_alone() -> None:
    systems = [
        System(name, "hybrid", Settings(), {"unsupported": name, "retriever.depth": name})
        for name in ("mark", "drop")
    ]
    judged = of_passages(SMALL)
    measured = {each.name: Measured(judged, SPARSE, judged.values(SPARSE)) for each in systems}
    plan = Plan(systems, {}, ["ndcg@10"], answers=True, seed=0, trials=1000, alpha=0.05)
    found = evaluation_json(SMALL, plan, measured)["settings"]
    assert "unsupported" not in found
    assert "depth" not in found["retriever"]
    assert found["question_limit"] == 2000


def test_every_querys_figures_are_in_it_and_can_be_left_out() -> None:
    found = _evaluation()
    rows = found["per_query"]["sparse"]
    assert rows["q2"]["mrr@10"] == 0.5
    assert rows["q2"]["latency_ms"] == 3.0
    assert rows["q2"]["results"] == ["a", "b"]
    assert set(rows) == {"q1", "q2"}
    assert without_queries(found).keys() == found.keys() - {"per_query"}


def test_an_empty_query_counts_as_zero_and_has_no_time() -> None:
    test_set = replace(SMALL, queries={"q1": Query("x"), "q2": Query("")})
    found = _evaluation(
        replace(test_set, qrels=SMALL.qrels), sparse=_run({"q1": ["a"], "q2": []}, {"q1": 5.0})
    )
    row = found["modes"]["sparse"]
    assert (row["recall@1"], row["latency_p95_ms"], row["empty_queries"]) == (0.5, 5.0, 1)
    assert found["per_query"]["sparse"]["q2"]["latency_ms"] is None


def test_the_same_results_give_the_same_bytes() -> None:
    assert json.dumps(_evaluation()) == json.dumps(_evaluation())


def test_ranks_of_chunks_are_not_compared_where_files_are_cut_differently() -> None:
    """NDCG over chunks means something else for every splitter; the share of labelled words does not."""
    coarse = of_passages(SMALL)
    fine = replace(coarse, qrels={"q1": {"a": 1, "b": 1}, "q2": {"b": 1}})
    measured = {
        name: Measured(judged, SPARSE, {query: {**row, "span_recall@5": 0.5} for query, row in rows.items()})
        for name, judged in (("sparse", coarse), ("hybrid", fine))
        for rows in [judged.values(SPARSE)]
    }
    systems = [System(name, name, Settings(), {}) for name in MODES if name in measured]
    plan = Plan(systems, {}, ["ndcg@10", "span_recall@5"], answers=False, seed=0, trials=1000, alpha=0.05)
    found = evaluation_json(SMALL, plan, measured)["comparisons"]
    assert [each["measure"] for each in found] == ["span_recall@5"]


def test_a_report_and_a_baseline_keep_the_first_ten_results() -> None:
    many = _run({"q1": [f"d{n}" for n in range(100)], "q2": []}, {})
    kept = first_results(_evaluation(sparse=many))["per_query"]["sparse"]
    assert kept["q1"]["results"] == [f"d{n}" for n in range(10)]
    assert kept["q1"]["mrr@10"] == 0.0
