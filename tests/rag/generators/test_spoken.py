"""Pieces of a reply, however it was cut, join to the draft's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import prompt
from rag.generators._spoken import Spoken

REPLY = st.text(
    st.one_of(
        st.sampled_from(" \n\r\t\x00\ufeff\u0301\u0308\u3099aeかカ部é<>/1.="),
        st.characters(codec="utf-8"),
    ),
    max_size=40,
)


def spoken(pieces: list[str], *, thinking: bool = False) -> list[str]:
    said: list[str] = []
    speaker = Spoken(said.append, thinking=thinking)
    for piece in pieces:
        speaker.add(piece)
    speaker.end()
    return said


@given(st.lists(REPLY, max_size=8))
def test_however_a_reply_is_cut_its_pieces_join_to_the_text_of_the_draft(pieces: list[str]) -> None:
    said = spoken(pieces)
    assert "".join(said) == prompt.read_reply("".join(pieces), {}).text
    assert all(said)


@given(REPLY, REPLY, st.integers(1, 5))
def test_thoughts_are_left_out_wherever_they_are_cut(thought: str, answer: str, size: int) -> None:
    reply = f"<think>{thought}</think>{answer}"
    pieces = [reply[at : at + size] for at in range(0, len(reply), size)]
    assert "".join(spoken(pieces)) == prompt.read_reply(reply, {}).text


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["The", " server"], ["Th", "e serve", "r"]),
        (["服", "务器"], ["服", "务器"]),
        (["<think>so"], []),
        (["a ", " "], ["a"]),
    ],
)
def test_a_piece_is_handed_on_at_once_but_for_what_may_still_change(
    pieces: list[str], said: list[str]
) -> None:
    assert spoken(pieces) == said


def test_a_reply_that_begins_within_thoughts_shows_what_follows_them() -> None:
    assert spoken(["hm", "</think>yes"], thinking=True) == ["ye", "s"]
