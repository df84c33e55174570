"""Which pairs of a collection a question is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rag import text
from rag.expansion.glossary import Pair, mined
from rag.types import Rows


class Collection:
    """Passages, and which of them were read."""

    def __init__(self, passages: Sequence[str]) -> None:
        self.passages = passages
        self.terms = [set(text.query_terms(passage)) for passage in passages]
        self.read: list[str] = []

    def frequencies(self, terms: Sequence[str]) -> Rows:
        return np.array([sum(term in own for own in self.terms) for term in terms], dtype=np.int64)

    def holding(self, terms: Sequence[str]) -> list[str]:
        pairs = zip(self.passages, self.terms, strict=True)
        self.read = [passage for passage, own in pairs if own & set(terms)]
        return self.read

    def mined(self, question: str, abbreviations: bool = False) -> tuple[Pair, ...]:
        return mined(question, self.frequencies, self.holding, abbreviations=abbreviations)


ENGLISH = [f"The KV cache of layer {number} is kept on the device." for number in range(5)]
PAIR = "模型用键值缓存（KV cache）。"
CACHE = Pair("键值缓存", "kv cache")


@pytest.mark.parametrize("question", ["键值缓存", "键值缓存怎么调优？", "如何清空鍵值緩存"])
def test_a_chinese_question_gets_the_form_that_the_collection_uses(question: str) -> None:
    assert Collection([*ENGLISH, PAIR]).mined(question) == (CACHE,)


def test_an_english_question_gets_the_form_of_a_chinese_collection() -> None:
    chinese = [f"第{number}层的键值缓存放在显存里。" for number in "一二三四五"]
    assert Collection([*chinese, PAIR]).mined("evict a KV cache") == (Pair("kv cache", "键值缓存"),)


def test_a_collection_in_the_questions_language_needs_no_other_form() -> None:
    """Where it knows what else is asked, passages in the question's own words are wanted."""
    at_home = [*ENGLISH, PAIR, "调优怎么做：先量一量，再调优。"]
    assert Collection(at_home).mined("键值缓存：调优先量一量") == ()
    assert Collection([PAIR, *["键值缓存要清空。"] * 5]).mined("键值缓存") == ()


def test_a_pair_with_uncertain_bounds_must_be_seen_twice() -> None:
    once, again = "大键值缓存（KV cache）", "小键值缓存（KV cache）"
    assert Collection([*ENGLISH, once]).mined("键值缓存") == ()
    assert Collection([*ENGLISH * 2, once, again]).mined("键值缓存") == (CACHE,)


def test_nothing_is_read_where_no_pair_could_be_worth_it() -> None:
    """A collection without Chinese, and a long question all of whose terms are held."""
    english = Collection(ENGLISH)
    assert english.mined("Where is the KV cache of the device kept?") == ()
    long = "清空键值缓存之前要先把所有正在运行的请求停下来"
    chinese = Collection([long, PAIR])
    assert chinese.mined(long) == ()
    assert english.read == chinese.read == []


def test_what_is_said_often_is_not_looked_up() -> None:
    assert Collection([PAIR] * 31 + ENGLISH * 40).mined("键值缓存") == ()


def test_abbreviations_are_an_option() -> None:
    said = ["Retrieval-augmented generation reads first."] * 4
    collection = Collection([*said, "We use retrieval-augmented generation (RAG)."])
    assert collection.mined("What is RAG?") == ()
    long = Pair("rag", "retrieval-augmented generation")
    assert collection.mined("What is RAG?", abbreviations=True) == (long,)


@pytest.mark.parametrize("question", ["", "？", "the", "unheard"])
def test_a_question_of_which_nothing_is_known_gets_none(question: str) -> None:
    assert Collection([*ENGLISH, PAIR]).mined(question, abbreviations=True) == ()
