"""Queries are put to the retriever one by one, and its order is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eval.journal import Journal
from eval.runner import DEPTH, WARM_UP, run_mode
from rag.types import Chunk, Hit, Mode, Place


class Echo:
    """A retriever whose first hit is named by the question; it records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Mode]] = []
        self.depth: int | None = None

    def search(self, question: str, *, k: int, mode: Mode, depth: int | None) -> list[Hit]:
        self.asked.append((question, k, mode))
        self.depth = depth
        return [Hit(Chunk(name, 0, "x", 4, 5), 1.0) for name in (question, "b", "a")]


def test_every_query_is_asked_in_order_and_its_ranking_kept() -> None:
    queries = {f"q{number}": f"question {number}" for number in range(20)}
    retriever = Echo()
    run = run_mode(retriever, queries, "dense")
    assert run.ids == {query: [text, "b", "a"] for query, text in queries.items()}
    assert set(run.milliseconds) == set(queries)
    assert retriever.asked[WARM_UP:] == [(text, DEPTH, "dense") for text in queries.values()]


def test_the_other_places_of_a_hit_are_found_where_it_is() -> None:
    class Folded(Echo):
        def search(self, question: str, *, k: int, mode: Mode, depth: int | None) -> list[Hit]:
            first, *others = super().search(question, k=k, mode=mode, depth=depth)
            return [replace(first, also=(Place("copy", 7, 8),)), *others]

    assert run_mode(Folded(), {"q1": "x"}, "hybrid").ids["q1"] == ["x", "copy", "b", "a"]
    spans = run_mode(Folded(), {"q1": "x"}, "hybrid", whole_documents=False).ids["q1"]
    assert spans[:2] == ["x#4-5", "copy#7-8"]


def test_a_ranking_is_no_longer_than_asked_for_however_many_places_its_hits_have() -> None:
    class Folded(Echo):
        def search(self, question: str, *, k: int, mode: Mode, depth: int | None) -> list[Hit]:
            hits = super().search(question, k=k, mode=mode, depth=depth)
            return [
                replace(hits[0], also=tuple(Place(f"copy {n}", 7, 8) for n in range(2 * DEPTH))),
                *hits[1:],
            ]

    ids = run_mode(Folded(), {"q1": "x"}, "hybrid").ids["q1"]
    assert ids == ["x", *(f"copy {n}" for n in range(DEPTH - 1))]


def test_an_empty_query_is_not_asked() -> None:
    retriever = Echo()
    run = run_mode(retriever, {"q1": "", "q2": "x"}, "sparse")
    assert run.ids == {"q1": [], "q2": ["x", "b", "a"]}
    assert list(run.milliseconds) == ["q2"]
    assert "" not in [question for question, *_ in retriever.asked]


def test_where_spans_are_judged_a_result_is_named_by_its_place() -> None:
    run = run_mode(Echo(), {"q1": "notes/a b.md"}, "sparse", whole_documents=False)
    assert run.ids["q1"][0] == "notes/a b.md#4-5"


def test_what_a_journal_holds_is_not_asked_again(tmp_path: Path) -> None:
    queries = {f"q{number}": f"question {number}" for number in range(6)}
    with Journal(tmp_path / "run.jsonl") as journal:
        whole = run_mode(Echo(), queries, "dense", journal=journal)
    kept = (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "run.jsonl").write_text("".join(kept[:4]) + kept[4][:9], encoding="utf-8")
    retriever = Echo()
    with Journal(tmp_path / "run.jsonl") as journal:
        again = run_mode(retriever, queries, "dense", journal=journal)
    assert {question for question, *_ in retriever.asked} == {"question 4", "question 5"}
    assert again.found == whole.found
    assert set(again.milliseconds) == {"q4", "q5"}


def test_what_is_fused_is_what_people_are_answered_from() -> None:
    retriever = Echo()
    run_mode(retriever, {"q1": "x"}, "hybrid", depth=50)
    assert retriever.depth == 50
