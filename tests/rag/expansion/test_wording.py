"""Wording: a gloss stands in only where the collection is foreign and the embedder reads it better."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import numpy as np
import pytest

from rag import text
from rag.expansion.dictionary import Dictionary
from rag.expansion.glossary import Pair
from rag.expansion.wording import word
from rag.protocols.models import Embedder
from rag.types import Rows


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    file = tmp_path_factory.mktemp("dictionary") / "dictionary.gz"
    file.write_bytes(gzip.compress("燈塔 灯塔 [deng1 ta3] /lighthouse/\n油 油 [you2] /oil/\n".encode()))
    return Dictionary(file)


def english(terms: Sequence[str]) -> Rows:
    """In how many of a hundred English passages terms are."""
    return np.array([100 * term.isascii() for term in terms], dtype=np.int64)


def everything(terms: Sequence[str]) -> Rows:
    """In how many passages terms are of a collection that knows everything."""
    return np.full(len(terms), 100, dtype=np.int64)


def test_without_a_dictionary_a_question_is_its_own_wording(embedder: Embedder) -> None:
    wording = word("灯塔的油", None, english)
    assert list(wording.terms) == text.query_terms("灯塔的油")
    assert wording.for_embedder(embedder) == ("灯塔的油", 0.0)


def test_a_question_in_the_collections_language_is_left_alone(
    dictionary: Dictionary, embedder: Embedder
) -> None:
    for question in ("the oil of the lighthouse", "灯塔的油"):
        wording = word(question, dictionary, everything)
        assert wording.gloss is None
        assert list(wording.terms) == text.query_terms(question)
        assert wording.for_embedder(embedder)[0] == question


def test_a_foreign_question_keeps_its_terms_and_gains_those_of_its_gloss(
    dictionary: Dictionary, embedder: Embedder
) -> None:
    wording = word("灯塔的油 v0.6.3", dictionary, english)
    assert list(wording.terms) == [*text.query_terms("灯塔的油 v0.6.3"), "lighthous", "oil"]
    assert wording.for_embedder(embedder) == ("lighthouse oil v0.6.3", 0.75)


def test_what_the_embedder_reads_itself_is_embedded_as_it_stands(
    dictionary: Dictionary, embedder: Embedder
) -> None:
    question = "Which oil does the lamp of the lighthouse of Varde burn, says the book called 塔?"
    wording = word(question, dictionary, english)
    assert wording.gloss is not None
    asked, trusted = wording.for_embedder(embedder)
    assert asked == question
    assert trusted > 0.75


def chinese(terms: Sequence[str]) -> Rows:
    """In how many of a hundred Chinese passages terms are."""
    return np.array([100 * ("\u4e00" <= term[0] <= "\u9fff") for term in terms], dtype=np.int64)


def test_an_english_question_over_chinese_passages_gains_words_and_is_embedded_as_it_stands(
    dictionary: Dictionary, embedder: Embedder
) -> None:
    question = "the oil of the lighthouse"
    wording = word(question, dictionary, chinese)
    assert wording.gloss is not None
    assert list(wording.terms) == [*text.query_terms(question), "油", "灯塔", "灯", "塔"]
    assert wording.for_embedder(embedder) == (question, 1.0)
    assert word(question, None, chinese).gloss is None


CACHE = Pair("键值缓存", "kv cache")


def test_another_form_is_added_and_counts_for_half_of_the_one_that_is_asked() -> None:
    wording = word("键值缓存怎么调", None, english, [CACHE])
    assert list(wording.terms) == text.query_terms("键值缓存怎么调")
    [added] = wording.added
    assert (added.terms, added.origin) == (("kv", "cach"), "glossary")
    assert added.weight * len(added.terms) == 0.5 * len(text.query_terms("键值缓存"))


def test_a_gloss_has_the_collections_form_in_place_of_the_dictionarys(dictionary: Dictionary) -> None:
    plain = word("燈塔的油", dictionary, english)
    paired = word("燈塔的油", dictionary, english, [Pair("灯塔", "Varde light")])
    assert plain.gloss is not None
    assert paired.gloss is not None
    assert paired.gloss.text == "Varde light oil"
    assert (paired.terms, paired.gloss.terms) == (plain.terms, plain.gloss.terms)
