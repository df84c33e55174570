"""Spelling: a slip is corrected to a word of the collection, and nothing that may be meant is touched."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import text
from rag.expansion.spelling import corrected, is_one_slip, neighbours, slips
from rag.protocols.models import Embedder
from rag.types import Rows

HELD = {"retrieval": 5, "lighthouse": 3, "keeper": 2, "keepers": 1, "varnish": 1, "response": 9, "respond": 1}


def frequencies(terms: Sequence[str]) -> Rows:
    counts: dict[str, int] = {}
    for word, count in HELD.items():
        [term] = text.terms(word)
        counts[term] = counts.get(term, 0) + count
    return np.array([counts.get(term, 0) for term in terms], dtype=np.int64)


def no_word(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("How does retreival work?", "How does retrieval work?"),
        ("the Lighthose keper", "the lighthouse keeper"),
        ("varrnish, reponse; lighthpuse", "varnish, response; lighthouse"),
    ],
)
def test_a_slip_is_spelt_as_the_collection_spells_it(asked: str, meant: str) -> None:
    assert corrected(asked, frequencies, no_word) == meant


@pytest.mark.parametrize(
    "question",
    [
        "retrievals and lighthouses",  # inflected
        "Retriefal123 retriefal_x --retriefal RETREIVAL retreival.py",  # names
        "kepr",  # too short to tell
        "wonderful elephants",  # near nothing
        "灯塔的油 部署",
        "",
    ],
)
def test_what_may_be_meant_stays(question: str) -> None:
    assert corrected(question, frequencies, no_word) == question


def test_a_word_that_is_one_stays_though_the_collection_does_not_hold_it(embedder: Embedder) -> None:
    """Of a question about something else nothing is bent towards the collection."""

    def is_word(word: str) -> bool:
        return embedder.count_tokens(word) == 1

    assert corrected("vanish varnisch", frequencies, no_word) == "varnish varnish"
    assert corrected("vanish varnisch", frequencies, is_word) == "vanish varnish"


@settings(deadline=None)
@given(word=st.text("abcdefghijklmnopqrstuvwxyz", min_size=5, max_size=9), data=st.data())
def test_neighbours_are_one_slip_away(word: str, data: st.DataObject) -> None:
    slip = data.draw(st.sampled_from(list(neighbours(word))))
    assert slip == word or (is_one_slip(slip, word) and is_one_slip(word, slip))
    assert abs(len(slip) - len(word)) <= 1


@pytest.mark.parametrize("pair", [("abcde", "abxye"), ("abcd", "badc"), ("abc", "abcde"), ("abcd", "acdb")])
def test_two_slips_are_not_one(pair: tuple[str, str]) -> None:
    assert not is_one_slip(*pair)


def test_a_string_that_is_only_cut_to_a_known_stem_is_no_word() -> None:
    """The stem of "relatment" is "relat", as is that of "related" and "relation"."""
    held = {"relat": 9, "treatment": 1}

    def counted(terms: Sequence[str]) -> Rows:
        return np.array([held.get(term, 0) for term in terms], dtype=np.int64)

    assert corrected("reatment", counted, no_word) == "treatment"
    del held["treatment"]
    assert corrected("reatment", counted, no_word) == "reatment"
    assert corrected("relatoin", counted, no_word) == "relation"


@given(question=st.text(alphabet="vanishrd ,.'-_A1é键", max_size=40))
def test_slips_are_the_words_that_were_changed(question: str) -> None:
    meant = corrected(question, frequencies, no_word)
    changed = dict(slips(question, meant))
    assert re.sub(r"\w+", lambda word: changed.get(word[0], word[0]), question) == meant


def test_a_question_of_many_unknown_words_is_left_as_it_is_and_costs_no_search_for_each() -> None:
    asked: list[int] = []

    def counting(terms: Sequence[str]) -> Rows:
        asked.append(len(terms))
        return frequencies(terms)

    few = " ".join(["lighthose", *(f"wxyz{'abcdefgh'[n]}q" for n in range(8))])
    assert corrected(few, counting, no_word).startswith("lighthouse ")
    several = sum(asked)
    asked.clear()
    many = " ".join(["lighthose", *(f"wxyz{'abcdefghijklmnopqrstuvwxyz'[n]}q" for n in range(26))])
    assert corrected(f"{many} " * 20, counting, no_word) == f"{many} " * 20
    assert sum(asked) < several
