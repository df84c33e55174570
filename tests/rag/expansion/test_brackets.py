"""What brackets say of a question's terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.expansion.brackets import Sighting, long_form, plain, sightings


def seen(question: str, passage: str, abbreviations: bool = False) -> set[tuple[str, str]]:
    return {(each.asked, each.other) for each in sightings(passage, plain(question), abbreviations)}


@pytest.mark.parametrize(
    ("question", "passage", "asked", "other"),
    [
        ("键值缓存怎么调？", "我们使用键值缓存（KV cache）来加速。", "键值缓存", "kv cache"),
        ("键值缓存怎么调？", "我们使用**键值缓存**（*KV cache*）来加速。", "键值缓存", "kv cache"),
        ("键值缓存怎么调？", "键值缓存（英文：KV cache）", "键值缓存", "kv cache"),
        ("鍵值緩存怎麼調？", "The KV cache (键值缓存) is filled first.", "键值缓存", "kv cache"),
        ("键值缓存怎么调？", "使用KV cache（鍵值緩存）", "键值缓存", "kv cache"),
        ("What is a KV cache?", "我们使用键值缓存（KV cache）来加速。", "kv cache", "键值缓存"),
        ("how large are KV caches", "The KV cache（键值缓存）is large.", "kv cache", "键值缓存"),
        ("循环神经网络", "*循环神经网络*（recurrent neural network，RNN）", "循环神经网络", "rnn"),
    ],
)
def test_a_term_and_its_form_in_another_script_are_found(
    question: str, passage: str, asked: str, other: str
) -> None:
    assert (asked, other) in seen(question, passage)


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("怎么用", "我们使用（KV cache）和存（KV cache）。"),
        ("What is a KV cache?", "see the KV cache (参见第二章)"),
        ("call print(x)", "print (x) prints, f(y) too"),
        ("什么是内存", "内存（16）和显存（80）"),
        ("catalogue", "键值缓存（cat）"),
    ],
)
def test_remarks_references_and_parts_of_words_are_no_forms(question: str, passage: str) -> None:
    assert not {other for _, other in seen(question, passage)} & {"kv cache", "参见第二章", "键值缓存", "x"}


def test_a_term_is_sharp_where_the_question_or_a_mark_says_where_it_begins() -> None:
    [sure] = sightings("它是键值缓存（KV cache）。", plain("键值缓存"), False)
    assert sure == Sighting("键值缓存", "kv cache", True)
    [unsure] = sightings("大键值缓存（KV cache）。", plain("键值缓存"), False)
    assert not unsure.sharp


def test_abbreviations_are_told_where_they_are_wanted() -> None:
    passage = "It rests on retrieval-augmented generation (RAG), which is old (OLD)."
    assert seen("what is RAG", passage, True) == {("rag", "retrieval-augmented generation")}
    assert seen("what is RAG", passage) == set()


@pytest.mark.parametrize(
    ("short", "before", "long"),
    [
        ("HMM", "we use a hidden Markov model", "hidden Markov model"),
        ("SSE", "they are server-sent events", "server-sent events"),
        ("IL-2", "the interleukin 2", "interleukin 2"),
        ("RAG", "rag", ""),
        ("XYZ", "nothing of the kind", ""),
        ("AB", "a word too many for that b", ""),
    ],
)
def test_a_long_form_has_the_letters_of_the_short_one_in_their_order(
    short: str, before: str, long: str
) -> None:
    assert long_form(short, before) == long


@given(question=st.text(max_size=30), passage=st.text(alphabet="键值缓存 的KVcache（）(),，*\n", max_size=60))
def test_whatever_is_written_an_asked_form_is_in_the_question(question: str, passage: str) -> None:
    asked = question + "键值缓存 KV cache"
    for abbreviations in (False, True):
        for each in sightings(passage, plain(asked), abbreviations):
            assert each.asked in plain(asked).casefold()
            assert each.other
