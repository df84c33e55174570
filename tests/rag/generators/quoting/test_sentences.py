"""Pieces of a passage: nothing is torn apart that is one statement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.generators._quoting.units import units
from rag.types import Chunk, Hit


def texts(passage: str) -> list[str]:
    """What of the passage may be quoted."""
    return [unit.text for unit in units(1, Hit(Chunk("notes.md", 0, passage, 0, len(passage)), 1.0))]


def test_a_formula_stands_with_the_words_that_lead_to_it() -> None:
    passage = (
        "损失由下式给出：\n\n$$\nl = - y. \nx = 2\n$$\n\n其中y是标签。\n\nThe rate is\n$$x = 1.$$\nIt falls."
    )
    assert texts(passage) == [
        "损失由下式给出：\n\n$$\nl = - y. \nx = 2\n$$",
        "其中y是标签。",
        "The rate is\n$$x = 1.$$",
        "It falls.",
    ]


def test_a_formula_behind_a_full_stop_is_no_part_of_the_sentence() -> None:
    assert texts("The rate falls.\n\n$$x = 1$$") == ["The rate falls."]


def test_dollars_in_code_are_no_formula() -> None:
    assert texts("```sh\n$$ run\n```\nIt runs. $$") == ["```sh\n$$ run\n```", "It runs."]


def test_code_stands_with_the_line_that_introduces_it_and_not_without() -> None:
    passage = "To start the server, run:\n\n```sh\nserver start\n```"
    assert texts(f"{passage}\n\nIt runs.") == [passage, "It runs."]


@pytest.mark.parametrize(
    ("passage", "whole"),
    [
        (
            "本节介绍如何\n :numref:`sec_a`中的(**线性回归**)。",
            "本节介绍如何\n :numref:`sec_a`中的(**线性回归**)。",
        ),
        (":numref:`fig_a`\nshows the heads.", ":numref:`fig_a`\nshows the heads."),
        ("It is told later in\n:numref:`sec_a`.", "It is told later in\n:numref:`sec_a`."),
    ],
)
def test_a_sentence_goes_on_behind_a_reference_at_the_beginning_of_a_line(passage: str, whole: str) -> None:
    assert texts(passage) == [whole]


@pytest.mark.parametrize(
    "lines",
    [
        ["名称：东区机房", "电话:021-5555-1234", "备用电源（柴油）：两台，可以支撑八小时"],
        ["Model: AX3000", "Admin page: http://192.168.0.1", "**Firmware**: 1.2.5\nof March"],
        ["王工: `admin`", "  路径：C:\\tools"],
    ],
)
def test_labelled_lines_are_a_piece_each(lines: list[str]) -> None:
    assert texts("\n".join(lines)) == [line.strip() for line in lines]


@pytest.mark.parametrize(
    "passage",
    [
        "Note: the pump\nstops at noon",
        "As told\nin :numref:`fig_a` and\nin :numref:`fig_b` it is",
        "假设随时间变化：甲，\n但概率不变：乙",
        "open http://a.example\nand C:\\b or\nstd::vector and\n10:30 or so",
    ],
)
def test_lines_of_prose_with_colons_are_one_piece(passage: str) -> None:
    assert texts(passage) == [passage]


def test_labelled_lines_are_shown_on_lines_of_their_own() -> None:
    passage = "电话：021-5555-1234\n负责人：李工\n\nNote: it stops at noon."
    found = units(1, Hit(Chunk("notes.md", 0, passage, 0, len(passage)), 1.0))
    assert [unit.apart for unit in found] == [True, True, False]


def test_a_reference_after_a_full_stop_begins_a_sentence() -> None:
    assert texts("One part ends.\n:numref:`sec_a` begins another.") == [
        "One part ends.",
        ":numref:`sec_a` begins another.",
    ]


@pytest.mark.parametrize("closing", ["**] ", ")\n", "”"])
def test_a_sentence_does_not_begin_with_what_closes_the_one_before(closing: str) -> None:
    assert texts(f"{closing}The lamp burned oil.") == ["The lamp burned oil."]


@pytest.mark.parametrize("opening", ["**Note**: ", "* ", "(", "[docs](a.md) "])
def test_emphasis_brackets_and_items_keep_their_beginnings(opening: str) -> None:
    assert texts(f"{opening}The lamp burned oil.") == [f"{opening}The lamp burned oil."]


@given(
    st.lists(st.sampled_from(["$$", "\n", " ", ":numref:`a`", "```", "a.", "。", "为", ":", ")", "* ", "| "]))
)
def test_whatever_the_passage_units_stand_in_it_and_begin_and_end_with_words(written: list[str]) -> None:
    passage = "".join(written)
    for unit in units(1, Hit(Chunk("notes.md", 0, passage, 0, len(passage)), 1.0)):
        assert passage[unit.start : unit.end] == unit.text == unit.text.strip()


def test_emphasis_that_the_sentence_before_opened_is_no_part_of_the_next() -> None:
    assert texts("**问：发票寄给谁？**\n答：账户的所有者。\n\n* 一项。") == [
        "**问：发票寄给谁？",
        "答：账户的所有者。",
        "* 一项。",
    ]


@pytest.mark.parametrize("space", ["\n", " ", ""])
def test_a_text_without_the_end_of_a_sentence_is_quoted_in_parts_that_hold_all_of_it(space: str) -> None:
    passage = space.join(f"entry{number:03}" for number in range(200))
    found = texts(passage)
    assert space.join(found) == passage
    assert all(len(part) <= 600 for part in found)
    assert len(found) > 3
