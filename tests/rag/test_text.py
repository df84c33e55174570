"""The analyser: normalisation, index terms, and what a question asks."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import text
from rag.types import Chunk

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
        ("v0.6.3", {"v0.6.3", "0.6.3", "0.6"}),
        ("error E0601 or 0x80070005", {"e0601", "0x80070005"}),
        ("/etc/nginx/nginx.conf", {"etc/nginx/nginx.conf", "nginx", "conf"}),
        ("C++ and C#", {"c++", "c#"}),
        ("--max-model-len", {"max-model-len", "max", "model", "len"}),
        ("getHttpResponse", {"gethttpresponse", "get", "http", "respons"}),
        ("用vLLM部署Qwen2", {"用", "vllm", "部署", "qwen2"}),
        ("ＡＰＩ　接口", {"api", "接口"}),  # full-width letters
        ("the model's weights", {"model", "weight"}),
    ],
)
def test_names_are_found_whole_and_in_parts(written: str, findable: set[str]) -> None:
    assert findable <= set(text.terms(written))


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("pre-training", "pretraining"),
        ("1,000 files", "1000 files"),
        ("５１２ＭＢ", "512 MB"),
        ("說明資料庫", "说明资料库"),
        ("a café in Zürich", "cafe zurich"),
        ("state-of-the-art", "state of the art"),
        ("the Python 3.11.4 release", "python 3.11"),
        ("不同设置：API", "api"),
    ],
)
def test_two_ways_to_write_a_thing_find_each_other(written: str, asked: str) -> None:
    assert set(text.terms(asked)) <= set(text.terms(written))


def test_mixed_text_is_cut_where_the_script_changes() -> None:
    assert text.terms("用vLLM部署Qwen2") == ["vllm", "v", "llm", "qwen2", "用", "部署"]


def test_full_width_marks_part_words() -> None:
    assert text.terms("host：port") == ["host", "port"]


@given(ANY_TEXT)
def test_text_is_compared_in_its_compatibility_form(raw: str) -> None:
    for mark in text._MARKS:
        raw = raw.replace(mark, " ")
    assert text._folded(raw) == unicodedata.normalize("NFKC", raw)


def test_the_index_holds_characters_beside_the_pairs() -> None:
    assert text.query_terms("部署 models") == ["model", "部署", "部", "署"]


@given(ANY_TEXT)
def test_the_index_is_asked_for_all_that_a_text_says(raw: str) -> None:
    said = text.terms(raw)
    assert text.query_terms(raw)[: len(said)] == said


def test_a_heading_counts_beyond_the_text_even_where_the_text_repeats_it() -> None:
    once = Chunk("a.md", 0, "# Setup\nRun it.", 0, 15, ("Guide", "Setup"))
    plain = Chunk("a.md", 0, "# Setup\nRun it.", 0, 15)
    more = sorted([*text.query_terms(plain.text), "guid", *text.HEADING_COPIES * ["guid", "setup"]])
    assert sorted(text.document_terms(once)) == more
    assert text.document_terms(plain) == text.query_terms(plain.text)


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
