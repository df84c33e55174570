"""Terms of text without spaces between words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.characters import STOP_CHARACTERS, run_asked, run_characters, run_terms, simplify


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("部署模型", ["部署", "署模", "模型"]),
        ("图", ["图"]),
        ("的", []),
        ("我的吗", ["我的"]),  # of two function characters nothing is left
        ("データ", ["デー", "ータ"]),
        ("한국어", ["한국", "국어"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("𠀀𠀁", ["𠀀𠀁"]),
    ],
)
def test_a_run_is_found_by_its_pairs(run: str, expected: list[str]) -> None:
    assert run_terms([run]) == expected


def test_no_pair_straddles_two_runs() -> None:
    assert run_terms(["部署", "模型"]) == ["部署", "模型"]


def test_only_chinese_characters_with_content_count_by_themselves() -> None:
    assert run_characters(["设置の値", "的模型", "图", "한국"]) == ["设", "置", "値", "模", "型"]


def test_traditional_characters_are_found_by_simplified_ones() -> None:
    assert simplify("說明資料庫與軟體") == "说明资料库与软体"


def test_what_is_already_simplified_stays() -> None:
    common = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工"
    assert simplify(common) == common
    assert simplify("".join(STOP_CHARACTERS)) == "".join(STOP_CHARACTERS)


@given(st.text(st.characters(min_codepoint=0x3400, max_codepoint=0xFFFF)))
def test_folding_twice_changes_nothing_more_and_keeps_the_length(raw: str) -> None:
    once = simplify(raw)
    assert simplify(once) == once
    assert len(once) == len(raw)


def test_a_question_asks_for_each_character_that_names_something() -> None:
    assert [*run_asked("怎样連接")] == [frozenset({"样连", "连接"}), frozenset({"连接"})]
