"""Outward: an English question over Chinese passages gains the words that it translates."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence

import numpy as np
import pytest

from rag.expansion.dictionary import Dictionary
from rag.expansion.outward import chinese_terms, is_outward
from rag.types import Rows

ENTRIES = """燈塔 灯塔 [deng1 ta3] /lighthouse/
燈 灯 [deng1] /lamp/light/
油燈 油灯 [you2 deng1] /oil lamp/
煤油燈 煤油灯 [mei2 you2 deng1] /kerosene lamp/oil lamp/
油 油 [you2] /oil/fat/
石油 石油 [shi2 you2] /oil/petroleum/
原油 原油 [yuan2 you2] /crude oil/oil/
"""


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    file = tmp_path_factory.mktemp("dictionary") / "dictionary.gz"
    file.write_bytes(gzip.compress(ENTRIES.encode()))
    return Dictionary(file)


CHINESE = re.compile("[\u4e00-\u9fff]")


class Held:
    """In how many passages terms are: `own` by name, `chinese` for any other Chinese one."""

    def __init__(self, chinese: int, **own: int) -> None:
        self._chinese = chinese
        self._own = own

    def __call__(self, terms: Sequence[str]) -> Rows:
        found = [self._own.get(term, self._chinese * bool(CHINESE.search(term))) for term in terms]
        return np.array(found, dtype=np.int64)


@pytest.mark.parametrize(
    ("question", "held", "outward"),
    [
        ("Which oil burns in the lighthouse?", Held(80), True),
        ("Which oil burns in the lighthouse?", Held(80, need=5, often=2), True),
        ("Which oil burns in the lighthouse?", Held(80, need=10, often=10), False),
        ("Which oil burns in the lighthouse?", Held(0, need=10), False),
        ("Which oil burns in the lighthouse?", Held(0), False),
        ("灯塔烧什么油?", Held(80), False),
        ("Which oil burns in the lighthouse?", Held(80, する=40), False),
        ("vLLM 部署", Held(80), False),
        ("2024", Held(80), False),
    ],
)
def test_an_english_question_goes_outward_where_the_collection_is_chinese_alone(
    question: str, held: Held, outward: bool
) -> None:
    assert is_outward(question, held) is outward


def test_each_word_brings_the_terms_of_what_it_translates(dictionary: Dictionary) -> None:
    assert chinese_terms("lighthouses", dictionary, Held(9)) == ("灯塔", "灯", "塔")
    assert chinese_terms("Which lighthouse?", dictionary, Held(9)) == ("灯塔", "灯", "塔")


def test_a_phrase_of_the_dictionary_stands_before_its_words(dictionary: Dictionary) -> None:
    assert chinese_terms("oil lamp", dictionary, Held(9))[:3] == ("油灯", "油", "灯")
    assert "石油" not in chinese_terms("oil lamp", dictionary, Held(9))


def test_words_that_no_passage_holds_whole_are_left_out(dictionary: Dictionary) -> None:
    assert chinese_terms("lighthouse", dictionary, Held(9, 灯塔=0)) == ()
    assert chinese_terms("unheard", dictionary, Held(9)) == ()
    assert chinese_terms("", dictionary, Held(9)) == ()


def test_an_earlier_sense_comes_first_and_a_single_character_later_than_it_stands(
    dictionary: Dictionary,
) -> None:
    """油 is oil in its first sense, as 石油 is; 原油 in its second."""
    assert chinese_terms("oil", dictionary, Held(9)) == ("石油", "石", "油", "原油")


def test_of_the_same_sense_the_word_that_more_passages_hold_comes_first(dictionary: Dictionary) -> None:
    assert chinese_terms("oil", dictionary, Held(9, 石油=1, 原油=5))[0] == "石油"
    common = chinese_terms("light", dictionary, Held(9))
    assert common == ("灯",)


def test_of_each_word_four_terms_are_taken_at_most(dictionary: Dictionary) -> None:
    assert len(chinese_terms("oil", dictionary, Held(9))) == 4
    assert len(chinese_terms("oil lighthouse", dictionary, Held(9))) == 7
