"""The report holds what scripts rely on, and people can read the same figures in a table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from eval.datasets import Dataset, Entry
from eval.metrics import MEASURES
from eval.report import evaluation_json, table
from eval.runner import Indexed, Run, System
from rag.config import Retrieval, Settings

SYSTEM = System("g-1", "some-model@0a1b", "cpu, float32")
COUNTS = ("queries", "unjudged", "empty_queries")
SMALL = Dataset(
    name="small",
    digest="0123abcd",
    corpus=(Entry("a", "A", "x"), Entry("b", "", "y"), Entry("c", "", "")),
    queries={"q1": "x", "q2": "y", "q3": "z"},
    qrels={"q1": {"a": 1}, "q2": {"b": 1}},
)
SPARSE = Run({"q1": ["a", "b"], "q2": ["a", "b"]}, {"q1": 1.0, "q2": 3.0})
HYBRID = Run({"q1": ["a"], "q2": []}, {"q1": 10.0, "q2": 30.0})


def _evaluation(**changes: Any) -> dict[str, Any]:
    indexed = changes.pop("indexed", Indexed(documents=3, empty=1, seconds=2.0, reused=False))
    settings = changes.pop("settings", Settings(retriever=Retrieval(depth=50, dense_weight=0.25)))
    return evaluation_json(SMALL, settings, indexed, SYSTEM, {"sparse": SPARSE, "hybrid": HYBRID}, **changes)


def test_each_mode_has_its_measures_latencies_and_counts() -> None:
    modes = _evaluation()["modes"]
    assert list(modes) == ["sparse", "hybrid"]
    assert modes["sparse"]["recall@1"] == 0.5
    assert modes["sparse"]["mrr@10"] == 0.75
    assert modes["sparse"]["latency_p50_ms"] == 2.0
    assert modes["hybrid"]["recall@100"] == 0.5
    for mode in modes.values():
        assert set(mode) == {*MEASURES, "latency_p50_ms", "latency_p95_ms", *COUNTS}
        assert [mode[name] for name in COUNTS] == [2, 1, 0]


def test_it_says_what_the_figures_stand_on() -> None:
    evaluation = _evaluation()
    assert (evaluation["dataset"], evaluation["digest"], evaluation["generation"]) == (
        "small",
        "0123abcd",
        "g-1",
    )
    assert evaluation["settings"]["embedder"]["name"] == "sentence_transformers"
    assert not {"mode", "k"} & set(evaluation["settings"]["retriever"])
    assert evaluation["versions"]["ir-measures"]
    assert json.loads(json.dumps(evaluation)) == evaluation


def test_options_of_a_generator_such_as_a_key_stay_out_of_it() -> None:
    generator = {"name": "openai", "api_key": "secret-1"}
    settings = Settings.model_validate({"index": "unused", "generator": generator})
    assert "secret-1" not in json.dumps(_evaluation(settings=settings))


def test_every_query_is_in_it_only_on_request() -> None:
    assert "per_query" not in _evaluation()
    queries = _evaluation(with_queries=True)["per_query"]["sparse"]
    assert queries["q2"]["mrr@10"] == 0.5
    assert queries["q2"]["latency_ms"] == 3.0
    assert queries["q2"]["results"] == ["a", "b"]
    assert set(queries) == {"q1", "q2"}


def test_the_table_is_aligned_and_shows_every_mode_and_measure() -> None:
    lines = table(_evaluation()).splitlines()
    assert lines[0].split() == ["mode", *MEASURES, "p50", "ms", "p95", "ms"]
    assert lines[1].split()[:3] == ["sparse", "0.815", "0.500"]
    assert lines[2].split()[:3] == ["hybrid", "0.500", "0.500"]
    assert len({len(line) for line in lines[:3]}) == 1


@pytest.mark.parametrize(("reused", "says"), [(False, "indexed in 2.0 s"), (True, "index reused")])
def test_below_the_table_stand_counts_digest_and_settings(reused: bool, says: str) -> None:
    seconds = 0.0 if reused else 2.0
    lines = table(_evaluation(indexed=Indexed(3, 1, seconds, reused=reused))).splitlines()
    assert lines[4] == (
        f"small: 3 documents (1 empty, not indexed), 2 queries (1 more without judgements, left out), {says}"
    )
    assert lines[5:7] == ["digest 0123abcd", "generation g-1"]
    assert lines[7] == "embedder some-model@0a1b on cpu, float32"
    assert lines[8].startswith("settings: embedder sentence_transformers; sparse baguetter; dense faiss;")
    assert "retriever depth=50, dense_weight=0.25" in lines[8]


def test_an_index_that_was_reused_has_no_indexing_time() -> None:
    assert _evaluation(indexed=Indexed(3, 1, 0.0, reused=True))["index_seconds"] is None


def test_an_empty_query_counts_as_zero_and_has_no_time() -> None:
    dataset = replace(SMALL, queries={"q1": "x", "q2": ""})
    run = Run({"q1": ["a"], "q2": []}, {"q1": 5.0})
    indexed = Indexed(3, 1, 2.0, reused=False)
    evaluation = evaluation_json(dataset, Settings(), indexed, SYSTEM, {"sparse": run}, with_queries=True)
    assert evaluation["modes"]["sparse"]["recall@1"] == 0.5
    assert evaluation["modes"]["sparse"]["latency_p95_ms"] == 5.0
    assert evaluation["modes"]["sparse"]["empty_queries"] == 1
    assert evaluation["per_query"]["sparse"]["q2"]["latency_ms"] is None
    assert "2 queries (1 empty, counted as zero)" in table(evaluation)


def test_a_table_of_empty_queries_alone_has_no_times() -> None:
    dataset = replace(SMALL, queries={"q1": "", "q2": ""})
    run = Run({"q1": [], "q2": []}, {})
    evaluation = evaluation_json(
        dataset, Settings(), Indexed(3, 1, 2.0, reused=False), SYSTEM, {"sparse": run}
    )
    assert table(evaluation).splitlines()[1].split()[-2:] == ["-", "-"]
