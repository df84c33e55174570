"""A stored answer checked again: only what stands in its document is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SettingError
from rag.recheck import read_answer, recheck
from rag.text import normalise
from rag.types import Document

TEXT = "Notes.\n\nThe lamp burned rape oil until 1923. It was lit at dusk."
QUOTE = "The lamp burned rape oil until 1923."


def answer(
    quote: str = QUOTE, start: int = 8, said: str = "The lamp burned rape oil until 1923 [1]."
) -> dict[str, Any]:
    cited = {"marker": 1, "document": "lamp.md", "start": start, "quote": quote, "heading": ""}
    return {"answer": said, "abstained": False, "citations": [cited]}


def document(text: str) -> Document:
    return Document("lamp.md", text, "")


def test_a_quote_that_stands_where_it_stood_is_fine() -> None:
    found = recheck(answer(), {"lamp.md": document(TEXT)}.get)
    assert found.fine
    assert [source.state for source in found.sources] == ["stands"]


def test_a_quote_elsewhere_in_its_document_has_moved() -> None:
    found = recheck(answer(), {"lamp.md": document("New.\n" + TEXT)}.get)
    assert [(source.state, source.start) for source in found.sources] == [("moved", 13)]
    assert not found.fine
    assert found.unsupported == ()


@pytest.mark.parametrize(("now", "state"), [(TEXT.replace("1923", "1924"), "changed"), (None, "gone")])
def test_a_quote_that_stands_no_more_bears_nothing_out(now: str | None, state: str) -> None:
    found = recheck(answer(), lambda _: None if now is None else document(now))
    assert [source.state for source in found.sources] == [state]
    assert len(found.unsupported) == 1
    assert not found.fine


def test_a_statement_changed_after_the_fact_is_found() -> None:
    found = recheck(answer(said="The lamp burned rape oil until 1950 [1]."), lambda _: document(TEXT))
    assert found.unsupported[0].lacking == ("1950",)


@given(st.text(max_size=30), st.text(max_size=12), st.integers(0, 40))
def test_a_quote_that_is_not_in_the_document_is_never_accepted(text: str, quote: str, start: int) -> None:
    held = normalise(text)
    [source] = recheck(answer(quote, start), lambda _: document(held)).sources
    if source.state in ("stands", "moved"):
        assert source.start is not None
        assert source.quote
        assert held[source.start : source.start + len(source.quote)] == source.quote == normalise(quote)
    else:
        assert not normalise(quote) or normalise(quote) not in held


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[]",
        "{}",
        '{"answer": 1}',
        '{"answer": "x"}',
        '{"answer": "x", "citations": [1]}',
        "[" * 100_000,
        json.dumps(answer() | {"citations": [{"marker": "1"}]}),
        json.dumps(answer(start=-1)),
    ],
)
def test_what_is_no_stored_answer_is_refused_by_name(tmp_path: Path, written: str) -> None:
    file = tmp_path / "answer.json"
    file.write_text(written, "utf-8")
    with pytest.raises(SettingError, match=r"answer\.json"):
        read_answer(file)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.json"):
        read_answer(tmp_path / "none.json")
