"""Queries are put to the retriever one by one, and its order is kept."""

from __future__ import annotations

import pytest

from eval.runner import DEPTH, WARM_UP, progress, run_mode
from rag.types import Chunk, Hit, Mode


class Echo:
    """A retriever whose first hit is named by the question; it records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Mode]] = []

    def search(self, question: str, *, k: int, mode: Mode) -> list[Hit]:
        self.asked.append((question, k, mode))
        return [Hit(Chunk(name, 0, "x", 0, 1), 1.0) for name in (question, "b", "a")]


def test_every_query_is_asked_in_order_and_its_ranking_kept() -> None:
    queries = {f"q{number}": f"question {number}" for number in range(20)}
    retriever = Echo()
    run = run_mode(retriever, queries, "dense")
    assert run.results == {query: [text, "b", "a"] for query, text in queries.items()}
    assert set(run.milliseconds) == set(queries)
    assert retriever.asked[WARM_UP:] == [(text, DEPTH, "dense") for text in queries.values()]


def test_an_empty_query_is_not_asked() -> None:
    retriever = Echo()
    run = run_mode(retriever, {"q1": "", "q2": "x"}, "sparse")
    assert run.results == {"q1": [], "q2": ["x", "b", "a"]}
    assert list(run.milliseconds) == ["q2"]
    assert "" not in [question for question, *_ in retriever.asked]


def test_away_from_a_terminal_progress_is_one_quiet_line_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(progress([1, 2, 3], 3, "documents")) == [1, 2, 3]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "documents: 3\n")
