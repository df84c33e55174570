"""Evidence for an answer: what of the question its quotes show, and what they lack."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.calibration.evidence import Evidence, evidence, score
from rag.types import Chunk, Hit, Leg

NORMANS = (
    "The Normans gave their name to Normandy in 1204. Their duke Rollo agreed not to raid the river. "
    "They sold cider to London."
)
FIRST = "The Normans gave their name to Normandy in 1204."
SECOND = "Their duke Rollo agreed not to raid the river."


def hit(written: str, *, rank: int = 1, cosine: float | None = None) -> Hit:
    """A hit on a chunk of this text."""
    dense = None if cosine is None else Leg(rank, cosine)
    return Hit(Chunk("a.md", 0, written, 0, len(written)), 1.0, Leg(rank, 3.0), dense)


def found(question: str, quote: str = FIRST, near: float = 0.0) -> Evidence:
    """The evidence for one quote of the passage."""
    return evidence(question, [hit(NORMANS, cosine=0.6)], [(1, quote)], near)


def test_a_question_in_the_quotes_words_is_wholly_shown() -> None:
    assert found("Who gave their name to Normandy?").quoted == pytest.approx(1)
    assert found("Who gave their name to Normandy?", SECOND).quoted < 0.5


def test_the_sentence_before_counts_as_context() -> None:
    shown = found("Which duke of the Normans agreed to the river?", SECOND)
    assert shown.quoted < shown.around


@pytest.mark.parametrize(
    ("question", "names", "numbers"),
    [
        ("When did the Normans reach Normandy?", 0, 0),
        ("When did the Saxons reach Normandy?", 1, 0),
        ("Compare the Normans!", 0, 0),
        ("What happened in Normandy in 1204?", 0, 0),
        ("What happened in Normandy in 1066?", 0, 1),
        ("诺曼底在1066年发生了什么？", 0, 1),
    ],
)
def test_names_and_numbers_that_do_not_stand_there_are_counted(
    question: str, names: int, numbers: int
) -> None:
    shown = found(question)
    assert (shown.names, shown.numbers) == (names, numbers)


@pytest.mark.parametrize(
    ("question", "quote", "denied"),
    [
        ("Who did not give their name to Normandy?", FIRST, 1),
        ("Who didn't raid the river?", SECOND, 0),
        ("Who raids the river?", SECOND, 0),
        ("谁没有给诺曼底取名？", FIRST, 1),
    ],
)
def test_a_denial_that_only_the_question_has_is_noticed(question: str, quote: str, denied: int) -> None:
    assert found(question, quote).denied == denied


def test_the_kind_of_words_asked_for_is_looked_for_in_the_quote() -> None:
    assert found("When did the Normans name Normandy?").kind == 1
    assert found("When did the duke agree?", SECOND).kind == -1
    assert found("Which river?", SECOND).kind == 0


def test_without_the_dense_leg_nothing_is_said_of_it() -> None:
    assert found("the Normans").agreed == found("the Normans").near == 0
    assert found("the Normans", near=0.7).agreed == 1
    assert found("the Normans", near=0.7).near == 0.7


def test_every_piece_of_evidence_moves_the_score_its_way() -> None:
    plain = found("Who gave their name to Normandy?", near=0.5)
    for name, better in (
        ("quoted", 2), ("around", 2), ("kind", 2), ("ranked", 2), ("strength", 9), ("agreed", 2), ("near", 1),
        ("names", -1), ("numbers", -1), ("denied", -1),
    ):  # fmt: skip
        assert score(replace(plain, **{name: better})) > score(plain), name


@settings(deadline=None)
@given(st.text(max_size=40), st.text(min_size=1, max_size=60), st.floats(-1, 1))
def test_any_text_has_evidence_within_its_bounds(question: str, passage: str, near: float) -> None:
    made = evidence(question, [hit(passage)], [(1, passage)], near)
    assert 0 <= made.quoted <= 1
    assert 0 <= made.around <= 1
    assert 0 <= made.names <= 3
    assert 0 <= made.numbers <= 3
