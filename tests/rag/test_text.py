"""The analyser: normalisation, index terms, what a question asks, and sentences."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import text

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_normalising_twice_changes_nothing_more(raw: str) -> None:
    once = text.normalise(raw)
    assert text.normalise(once) == once


@given(ANY_TEXT)
def test_normalised_text_can_be_stored_as_utf8_and_has_no_control_characters(raw: str) -> None:
    stored = text.normalise(raw)
    assert stored.encode("utf-8").decode("utf-8") == stored
    assert not any(ord(character) < 32 and character not in "\n\t" for character in stored)


def test_line_ends_and_byte_order_marks_are_evened_out() -> None:
    assert text.normalise("\ufeffone\r\ntwo\rthree\x00\n") == "one\ntwo\nthree\n"


def test_english_words_meet_in_their_stem_and_stop_words_say_nothing() -> None:
    assert set(text.terms("How are the models deployed?")) == set(text.terms("deploying a model"))
    assert text.terms("what is the and of it") == []


def test_a_chinese_question_shares_pairs_with_its_passage() -> None:
    shared = set(text.terms("如何部署量化模型")) & set(text.terms("部署量化后的模型"))
    assert {"部署", "量化", "模型"} <= shared


@pytest.mark.parametrize(
    ("written", "findable"),
    [
        ("torch.compile", {"torch.compile", "torch", "compil"}),
        ("CUDA_VISIBLE_DEVICES", {"cuda_visible_devices", "cuda", "visibl", "devic"}),
        ("v0.6.3", {"v0.6.3"}),
        ("--max-model-len", {"max-model-len", "max", "model", "len"}),
        ("getHttpResponse", {"gethttpresponse", "get", "http", "respons"}),
        ("用vLLM部署Qwen2", {"用", "vllm", "部署", "qwen2"}),
        ("ＡＰＩ　接口", {"api", "接口"}),  # full-width letters
        ("the model's weights", {"model", "weight"}),
    ],
)
def test_names_are_found_whole_and_in_parts(written: str, findable: set[str]) -> None:
    assert findable <= set(text.terms(written))


@given(ANY_TEXT)
def test_terms_never_hold_a_line_break_nor_are_empty(raw: str) -> None:
    assert all(term and "\n" not in term for term in text.terms(raw))


def test_terms_do_not_depend_on_case() -> None:
    assert text.terms("Deploying MODELS") == text.terms("deploying models")


def test_a_question_asks_for_its_words_and_not_for_its_question_words() -> None:
    assert text.asked("What is a generation?") == [frozenset({text.stem("generation")})]
    assert not text.asked("什么是谁的？")


def test_a_chinese_character_is_shown_by_either_pair_it_belongs_to() -> None:
    asked = text.asked("怎样连接")
    passage = set(text.terms("要连接服务器"))
    assert asked
    assert all(not each.isdisjoint(passage) for each in asked)


@given(ANY_TEXT)
def test_everything_asked_can_be_shown_by_the_question_itself(raw: str) -> None:
    own = set(text.terms(raw))
    assert all(not each.isdisjoint(own) or not own for each in text.asked(raw) if own)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("One here. Two there! Three?", ["One here.", "Two there!", "Three?"]),
        ("第一句。第二句！“第三句。”第四句", ["第一句。", "第二句！", "“第三句。”", "第四句"]),
        ("Dr. Smith uses e.g. v0.6.3. Done.", ["Dr. Smith uses e.g. v0.6.3.", "Done."]),
        ("a line that\nruns on. Next", ["a line that\nruns on.", "Next"]),
        ("# Heading\nText of it.", ["# Heading", "Text of it."]),
        ("- one\n- two\n  more", ["- one", "- two\n  more"]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("one paragraph\n\nanother", ["one paragraph", "another"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(written: str, expected: list[str]) -> None:
    assert [written[start:end] for start, end in text.sentences(written)] == expected


@given(ANY_TEXT)
def test_sentences_hold_every_character_but_white_space_once_and_in_order(raw: str) -> None:
    ranges = text.sentences(raw)
    assert all(start < end for start, end in ranges)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    held = "".join(raw[start:end] for start, end in ranges)
    assert "".join(held.split()) == "".join(raw.split())
