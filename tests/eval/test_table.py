"""People read the same figures in a table that scripts read in the JSON."""

from __future__ import annotations

from typing import Any

import pytest

from eval.table import COSTS, QUALITY, SPANS, TIMES, table

ROW = {
    **dict.fromkeys(QUALITY, 0.5),
    "intervals": {"ndcg@10": [0.4, 0.6]},
    **dict.fromkeys(TIMES, 2.0),
    "queries": 2,
    "unjudged": 1,
    "unanswerable": 4,
    "empty_queries": 0,
}
EVALUATION: dict[str, Any] = {
    "dataset": "small",
    "synthetic": False,
    "digest": "0123abcd",
    "settings": {"sparse": {"name": "baguetter"}, "retriever": {"depth": 50, "dense_weight": 0.25}},
    "modes": {"sparse": {**ROW, "ndcg@10": 0.815}, "hybrid": ROW},
    "systems": {
        "sparse": {
            "failed": [],
            "chunks_per_second": 100.4,
            "index_peak_mb": 700.2,
            "bytes_per_chunk": 5514.4,
        }
    },
    "comparisons": [],
    "generation": "g-1",
    "embedder": "some-model@0a1b",
    "device": "cpu, float32",
    "documents": 3,
    "empty_documents": 1,
    "index_seconds": 2.0,
}


def test_the_table_is_aligned_and_shows_quality_beside_cost() -> None:
    lines = table(EVALUATION).splitlines()
    assert lines[0].split() == ["mode", QUALITY[0], *"its 95 %".split(), *QUALITY[1:], *_words()]
    assert lines[1].split()[:4] == ["sparse", "0.815", "0.400-0.600", "0.500"]
    assert lines[1].split()[-4:] == ["2.0", "100", "700", "5514"]
    assert lines[2].split()[-3:] == ["-", "-", "-"]
    assert len({len(line) for line in lines[:3]}) == 1


def _words() -> list[str]:
    return " ".join([*TIMES.values(), *COSTS.values()]).split()


@pytest.mark.parametrize(("seconds", "says"), [(2.0, "indexed in 2.0 s"), (None, "index reused")])
def test_below_the_table_stand_counts_digest_and_settings(seconds: float | None, says: str) -> None:
    lines = table({**EVALUATION, "index_seconds": seconds}).splitlines()
    assert lines[4] == (
        "small: 3 documents (1 empty, not indexed), 2 queries (1 more without judgements, left out) "
        f"(4 more without an answer, left out of retrieval), {says}"
    )
    assert lines[5:7] == ["digest 0123abcd", "generation g-1"]
    assert lines[7] == "embedder some-model@0a1b on cpu, float32"
    assert lines[8] == "settings: sparse baguetter; retriever depth=50, dense_weight=0.25"


def test_span_measures_have_a_table_of_their_own() -> None:
    modes = {"sparse": {**ROW, **dict.fromkeys(SPANS, 0.25)}}
    lines = table({**EVALUATION, "modes": modes}).splitlines()
    assert lines[3].split() == ["mode", *SPANS]
    assert lines[4].split() == ["sparse", *["0.250"] * len(SPANS)]


def test_a_stale_label_is_named_with_its_place() -> None:
    stale = {"query": "q1", "document": "ops/keys.md", "quote": "gone", "place": "set/queries.jsonl:1"}
    lines = table(
        {**EVALUATION, "labels": {"labels": 3, "stale": [stale], "ambiguous": 0, "unread": ["scan.pdf"]}}
    ).splitlines()
    assert "3 labels, 1 stale, 0 ambiguous" in lines
    assert "not read, its labels count as missed: scan.pdf" in lines
    assert "stale: set/queries.jsonl:1: 'gone' does not stand in ops/keys.md" in lines


def test_questions_written_by_a_program_are_said_to_be_so() -> None:
    assert "written by a program" in table({**EVALUATION, "synthetic": True})


def test_a_run_that_was_only_read_has_no_times_and_no_index() -> None:
    row = {**ROW, **dict.fromkeys(TIMES)}
    none = dict.fromkeys(("generation", "embedder", "device", "documents", "empty_documents"))
    found = table({**EVALUATION, **none, "settings": {}, "systems": {}, "modes": {"theirs": row}})
    assert found.splitlines()[1].split()[-6:] == ["-"] * 6
    assert found.splitlines()[-1] == "digest 0123abcd"
