"""What is sent of an answer before it is finished is the beginning of the finished one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ahead import Ahead
from rag.types import Chunk, Draft, Hit
from rag.verify import Policy, verified

LAMP = (
    "The lamp burned rape oil until 1923. It was lit at dusk. 每天黄昏点亮。 See https://varde.example/lamp"
)
SERVER = "The server needs CUDA 12.4 and 16 GB of memory. Logs go to `logs`.\n\n```\nrun --all\n```"
HITS = [
    Hit(Chunk("a.md", at, written, 0, len(written), ("Varde",)), 1.0)
    for at, written in enumerate((LAMP, SERVER))
]
STATEMENTS = [
    "The lamp burned rape oil until 1923", "It was lit at dusk", "每天黄昏点亮", "Logs go to `logs`",
    "The server needs CUDA 12.5", "It needs 16 GB", "The lamp is red", "See https://varde.example/lamp",
    "Here is what is known:", "# Lamps", "```\nrun --all\n```", "if a <b and c", "so c = d", "1. First",
    "e.g. oil", "![x](http://evil.example/a)", "- item", "Dr. Who lit it",
]  # fmt: skip
MARKS = ["", "", " [1]", "[1]", " [2]", " [1, 2]", "【1】", " [7]", "[1][2]", " [1-2]"]
ENDS = [". ", ".", "。", "\n", "\n\n", " ", "? ", ".\n\n", "! "]


def sent(pieces: Sequence[str], policy: Policy = "mark") -> list[str]:
    ahead = Ahead(HITS, policy)
    return [ahead.add(piece) for piece in pieces]


def test_a_marked_sentence_goes_out_once_the_next_one_has_begun() -> None:
    pieces = ["The lamp burned ", "rape oil until 1923 [1", "].", " It", " was"]
    assert sent(pieces) == ["", "", "", "", "The lamp burned rape oil until 1923 [1]."]


def test_a_marker_behind_the_full_stop_goes_with_its_sentence() -> None:
    pieces = ["It was lit at dusk.", " [", "1]", " Logs", " go"]
    assert "".join(sent(pieces)) == "It was lit at dusk. [1]"


def test_a_sentence_without_a_marker_waits_for_the_next_that_has_one() -> None:
    pieces = ["It was lit at dusk. ", "The lamp burned rape oil ", "[1]. ", "Logs", " go"]
    assert [len(each) for each in sent(pieces)] == [0, 0, 0, 0, 49]


def test_markers_come_in_the_form_of_the_check() -> None:
    assert "".join(sent(["每天黄昏点亮【1】。", "然后", "呢"])) == "每天黄昏点亮[1]。"


@pytest.mark.parametrize("doubtful", ["The lamp burned gas until 1999 [1].", "It was lit at dusk [7]."])
def test_from_the_first_doubt_on_nothing_goes_out(doubtful: str) -> None:
    pieces = ["It was lit at dusk [1].", f" {doubtful}", " Logs go to `logs` [2].", " More", " comes"]
    assert "".join(sent(pieces)) == "It was lit at dusk [1]."


def test_where_unsupported_sentences_are_kept_they_go_out_as_well() -> None:
    pieces = ["The lamp burned gas until 1999 [1].", " Logs", " go"]
    assert "".join(sent(pieces, "keep")) == pieces[0]


def test_a_sentence_between_two_marked_ones_waits_for_the_second() -> None:
    """That is the one it is held against, and here it does not bear it out."""
    pieces = [
        "The lamp burned rape oil until 1923 [1].",
        " It ended in 1923.",
        " Logs",
        " go to `logs` [2].",
        " So",
        " x",
    ]
    assert "".join(sent(pieces)) == pieces[0]


def test_nothing_goes_out_from_within_a_fenced_block() -> None:
    """The block is dropped whole where its end is not borne out."""
    pieces = ["```\nIt was lit at dusk [1]. ", "Then\n", "x = 1999\n```\n", "So", " on"]
    assert "".join(sent(pieces, "drop")) == ""
    assert verified(Draft("".join(pieces[:3])), HITS, "drop").text == ""


def test_what_may_yet_become_a_tag_waits() -> None:
    pieces = ["It was lit <x at dusk [1].", " Then", " a = b [1].", " More", " comes"]
    assert "".join(sent(pieces)) == ""
    assert "＜x" in verified(Draft("".join(pieces)), HITS).text


@given(
    st.lists(st.tuples(*map(st.sampled_from, (STATEMENTS, MARKS, ENDS))), min_size=1, max_size=7),
    st.sampled_from(["keep", "mark", "drop"]),
    st.integers(1, 9),
)
def test_what_was_sent_begins_the_checked_answer(
    parts: list[tuple[str, str, str]], policy: Policy, step: int
) -> None:
    draft = "".join(map("".join, parts)).strip()
    pieces = [draft[at : at + step] for at in range(0, len(draft), step)]
    before = "".join(sent(pieces, policy))
    assert verified(Draft(draft), HITS, policy).text.startswith(before)
