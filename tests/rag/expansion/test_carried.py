"""Carried: a question is put in the words of passages that are in the other language."""

from __future__ import annotations

import gzip

import pytest

from rag.expansion.carried import carried, crosses
from rag.expansion.dictionary import Dictionary

ENTRIES = """燈塔 灯塔 [deng1 ta3] /beacon/lighthouse/
油 油 [you2] /oil/fat/
燃燒 燃烧 [ran2 shao1] /to burn/to combust/
燒 烧 [shao1] /to burn/to cook/
"""
ENGLISH = ["The lighthouse burns whale oil from dusk to dawn.", "Its keeper (灯) sleeps by day."]
CHINESE = ["灯塔从黄昏到黎明烧鲸油。", "守塔人用 FastAPI 写日志。"]


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    file = tmp_path_factory.mktemp("dictionary") / "dictionary.gz"
    file.write_bytes(gzip.compress(ENTRIES.encode()))
    return Dictionary(file)


@pytest.mark.parametrize(
    ("question", "passages", "crossing"),
    [
        ("灯塔燃烧什么油？", ENGLISH, True),
        ("What burns in the lighthouse?", CHINESE, True),
        ("What does FastAPI do?", CHINESE, True),
        ("What burns in the lighthouse?", ENGLISH, False),
        ("灯塔燃烧什么油？", CHINESE, False),
        ("灯塔燃烧什么油？", [*ENGLISH, *CHINESE], False),
        ("What burns in the lighthouse?", [*ENGLISH, *CHINESE], False),
        ("灯塔 FastAPI", CHINESE, False),
        ("灯塔燃烧什么油？", ["1914", "=> 3"], False),
        ("What burns?", ["1914", "=> 3"], False),
        ("灯塔", [], False),
        ("What burns in the lighthouse?", ["この灯台は鯨油を使う。", "首都は東京である。"], False),
        ("", ENGLISH, False),
    ],
)
def test_a_question_crosses_where_all_that_was_found_is_in_the_other_language(
    question: str, passages: list[str], crossing: bool, dictionary: Dictionary
) -> None:
    assert crosses(question, passages) is crossing
    assert (carried(question, passages, dictionary) is not None) is crossing


def test_of_a_words_translations_those_count_that_the_passages_hold(dictionary: Dictionary) -> None:
    """灯塔 is a beacon first, here a lighthouse; where none of them stands it is what it is first."""
    assert carried("灯塔用什么油？", ENGLISH, dictionary) == "？ lighthouse oil"
    assert carried("灯塔燃烧", ["Ships were lost."], dictionary) == "beacon burn"


def test_an_english_question_becomes_the_chinese_words_that_stand_there(dictionary: Dictionary) -> None:
    assert carried("Which lighthouse burns oil?", CHINESE, dictionary) == "灯塔 烧 油"
    assert carried("unheard of lighthouses", CHINESE, dictionary) == "unheard 灯塔"


def test_a_word_that_the_passages_hold_themselves_stays_beside_its_translation(
    dictionary: Dictionary,
) -> None:
    passages = [*CHINESE, "oil 是英文。"]
    assert carried("Which oil burns?", passages, dictionary) == "oil 油 烧"


def test_names_and_numbers_stay(dictionary: Dictionary) -> None:
    assert carried("FastAPI 0.6 的灯塔", ENGLISH, dictionary) == "FastAPI 0.6 lighthouse"
    assert carried("FastAPI oil", CHINESE, dictionary) == "FastAPI 油"
