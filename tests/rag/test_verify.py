"""Sentences of an answer are held against what they cite, and kept, marked or dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Chunk, Draft, Hit
from rag.verify import MARK, unsupported, verified

LAMP = "The lamp burned rape oil until 1923. It was lit at dusk. 每天黄昏点亮。"
SERVER = "The server needs CUDA 12.4 and 16 GB of memory. Logs go to `logs`."


def hit(written: str) -> Hit:
    return Hit(Chunk("a.md", 0, written, 0, len(written), ("Varde",)), 1.0)


HITS = [hit(LAMP), hit(SERVER)]


@pytest.mark.parametrize(
    "written",
    [
        "The lamp burned rape oil until 1923 [1].",
        "In Varde the lamp burned rape oil until 1923. [1]",
        "According to [1], it was lit at dusk.",
        "The lamp burned oil. It was lit at dusk [1].",
        "Here is what is known:\n\n- The lamp burned rape oil [1].\n- The server needs CUDA 12.4 [2].",
        "每天黄昏点亮[1]。",
    ],
)
def test_a_sentence_that_its_quotes_bear_out_stays_as_it_is(written: str) -> None:
    result = verified(Draft(written), HITS, "drop")
    assert result.text == written
    assert result.unsupported == ()


@pytest.mark.parametrize(
    ("false", "lacking"),
    [
        ("The lamp burned rape oil until 1932 [1].", "1932"),
        ("It was not lit at dusk [1].", "not lit dusk"),
        ("The server needs CUDA 12.5 and 16 GB of memory [2].", "12.5"),
        ("The server in Paris needs CUDA 12.4 [2].", "Paris"),
    ],
)
def test_a_sentence_that_they_do_not_is_named_and_dropped_or_marked(false: str, lacking: str) -> None:
    draft = Draft(f"Logs go to `logs` [2]. {false}")
    dropped, marked, kept = (verified(draft, HITS, policy) for policy in ("drop", "mark", "keep"))
    assert dropped.text == "Logs go to `logs` [2]."
    assert marked.text == f"Logs go to `logs` [2]. {false} {MARK}"
    assert kept.text == draft.text
    for result in (dropped, marked, kept):
        [fault] = result.unsupported
        assert lacking in fault.lacking


def test_what_is_dropped_takes_its_citations_with_it() -> None:
    result = verified(Draft("Logs go to `logs` [2]. It was lit in 1999 at dusk [1]."), HITS, "drop")
    assert [citation.marker for citation in result.citations] == [2]


def test_a_sentence_that_cites_nothing_is_unsupported() -> None:
    [fault] = verified(Draft("The lamp was red."), HITS).unsupported
    assert fault.lacking == ()
    assert verified(Draft("The lamp was red."), HITS, "drop").text == ""


def test_a_finished_answer_is_checked_against_the_quotes_of_its_markers() -> None:
    quotes = {1: ["The lamp burned rape oil until 1923."]}
    assert unsupported("It burned rape oil until 1923 [1].", quotes) == []
    assert unsupported("It burned rape oil until 1924 [1].", quotes)


@given(
    st.text(max_size=80), st.lists(st.sampled_from(["The lamp ", "1923", "[1]", "[2]", "[7]", ". ", "\n\n"]))
)
def test_whatever_is_drafted_keeping_changes_no_word_and_dropping_leaves_nothing_false(
    free: str, parts: list[str]
) -> None:
    draft = Draft("".join([free, *parts]))
    assert len(verified(draft, HITS, "drop").text) <= len(verified(draft, HITS, "keep").text)
