"""Glossing: when a question is foreign to a collection, and what it becomes."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import text
from rag.expansion.dictionary import Dictionary
from rag.expansion.gloss import gloss, is_foreign, segment

ENTRIES = """燈塔 灯塔 [deng1 ta3] /lighthouse/
燈 灯 [deng1] /lamp/light/lantern/CL:盞|盏[zhan3]/
塔 塔 [ta3] /pagoda (abbr. for 塔婆[ta3 po2])/tower/minaret/stupa/
什麼 什么 [shen2 me5] /what?/
油 油 [you2] /oil/fat/grease/petroleum/
燒油 烧油 [shao1 you2] /to burn oil/
"""


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    file = tmp_path_factory.mktemp("dictionary") / "dictionary.gz"
    file.write_bytes(gzip.compress(ENTRIES.encode()))
    return Dictionary(file)


def everything(_: str) -> bool:
    return True


def nothing(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("灯塔烧油", ["灯塔", "烧油"]),
        ("灯塔的油", ["灯塔", "的", "油"]),
        ("塔灯", ["塔", "灯"]),
        ("未知", ["未", "知"]),
        ("", []),
    ],
)
def test_a_run_is_cut_into_the_fewest_words(run: str, words: list[str], dictionary: Dictionary) -> None:
    assert segment(run, dictionary) == words


@given(run=st.text("灯塔烧油的未知", max_size=30))
def test_cutting_loses_no_character(run: str, dictionary: Dictionary) -> None:
    assert "".join(segment(run, dictionary)) == run


def test_latin_text_stays_and_function_words_go(dictionary: Dictionary) -> None:
    found = gloss("FastAPI的灯塔用什么油？v0.6.3", dictionary, everything)
    assert found.text == "FastAPI lighthouse oil ？v0.6.3"
    assert found.terms == ("lighthous", "oil", "fat", "greas")


def test_a_word_without_translation_stays_as_it_is(dictionary: Dictionary) -> None:
    assert gloss("灯塔未", dictionary, everything).text == "lighthouse 未"


def test_terms_that_the_collection_does_not_hold_are_left_out(dictionary: Dictionary) -> None:
    assert gloss("油", dictionary, {"fat"}.__contains__).terms == ("fat",)
    assert gloss("油", dictionary, nothing).terms == ()


@pytest.mark.parametrize(
    ("question", "known", "foreign"),
    [
        ("灯塔烧什么油", set(), True),
        ("灯塔烧什么油", {"灯塔", "塔烧", "烧什", "什么", "么油"}, False),
        ("What oil does it burn?", set(), False),
        ("ランプの油", set(), False),
        ("灯塔 lighthouse", {"灯塔"}, False),
        ("", set(), False),
    ],
)
def test_a_question_is_foreign_where_the_collection_lacks_most_of_its_chinese(
    question: str, known: set[str], foreign: bool
) -> None:
    assert is_foreign(question, text.terms(question), known.__contains__) is foreign
