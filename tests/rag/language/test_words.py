"""Terms of words, numbers and names of code."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.words import STOP_WORDS, WORD, stem, word_terms

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def terms(written: str) -> list[str]:
    return [term for token in re.findall(WORD, written) for term in word_terms(token)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("state-of-the-art", ["state", "art"]),  # a compound is its words
        ("black/white", ["black", "white"]),
        ("src/main/app", ["src/main/app", "src", "main", "app"]),  # a path is a name
        ("gpt-4o", ["gpt-4o", "gpt", "4o"]),
        ("--dry-run", ["dry-run", "dri", "run"]),
        ("non-linear", ["nonlinear", "linear"]),
        ("3.14", ["3.14"]),
        ("2.10.0", ["2.10.0", "2.10"]),
        ("10ms", ["10", "ms"]),
        ("1,234,567.", ["1234567"]),
        ("10,13,21", ["10", "13", "21"]),
        ("F#, a#b", ["f#", "b"]),
        ("the user's", ["user"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),  # vowel signs belong to the word
        ("Привет, мир", ["привет", "мир"]),
        ("mixing -- dashes", ["mix", "dash"]),
    ],
)
def test_a_token_gives_the_terms_it_can_be_found_by(written: str, expected: list[str]) -> None:
    assert terms(written) == expected


def test_only_plain_english_words_are_stemmed() -> None:
    assert stem("deployed") == stem("deploying")
    assert stem("qwen2s") == "qwen2s"
    assert stem("naïves") == "naïves"


@given(ANY_TEXT)
def test_no_term_is_empty_or_holds_white_space(raw: str) -> None:
    assert all(term and not set(term) & set(" \n\t") for term in terms(raw))


def test_stop_words_are_no_terms_wherever_they_stand() -> None:
    assert not terms(" ".join(sorted(STOP_WORDS - {"can't", "don't"})))
    assert terms("out-of-the-box") == ["box"]
