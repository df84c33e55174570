"""Which texts count as the same, and that small differences do not matter while large ones do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.duplicates import same

ENGLISH = " ".join(f"word{number} stands here" for number in range(120))
CHINESE = "".join(chr(0x4E00 + number * 7) for number in range(400))


def _edited(text: str, share: float, seed: int = 0) -> str:
    """`text` with this share of its words, or of its characters where it has no spaces, replaced."""
    chance = random.Random(seed)  # noqa: S311
    spaced = " " in text
    words = text.split(" ") if spaced else list(text)
    for at in chance.sample(range(len(words)), round(share * len(words))):
        words[at] = f"other{at}" if spaced else chr(0x8000 + at)
    return (" " if spaced else "").join(words)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Red  foxes,\nrun!", "red foxes run"),
        ("狐狸，跑了。", "狐狸 跑了"),
        ("| a | b |", "a b"),
        ("Straße", "STRASSE"),
    ],
)
def test_white_space_case_and_punctuation_make_no_difference(one: str, other: str) -> None:
    assert same([one, other]) == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"), [("version 3.11", "version 3.12"), ("5 files", "6 files"), ("a", "b"), ("", "")]
)
def test_short_texts_are_the_same_only_if_equal_and_empty_ones_never(one: str, other: str) -> None:
    assert same([one, other]) == [0, 1]


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_a_few_edited_words_keep_a_passage_the_same_and_many_do_not(text: str) -> None:
    assert same([text, _edited(text, 0.01)]) == [0, 0]
    assert same([text, _edited(text, 0.4)]) == [0, 1]
    assert same([text, _edited(text, 0.01)], threshold=1.1) == [0, 1]


def test_texts_are_the_same_from_four_fifths_of_their_shingles_on() -> None:
    """Two texts of n words that differ at one end share what the other words hold."""
    words = [f"word{number:05}" for number in range(4000)]
    for differing, leader in ((330, 0), (530, 1)):
        other = [*words[:-differing], *(f"else{number:05}" for number in range(differing))]
        assert same([" ".join(words), " ".join(other)]) == [0, leader]


def test_a_chain_of_small_changes_does_not_make_its_ends_the_same() -> None:
    chain = [ENGLISH]
    for seed in range(40):
        chain.append(_edited(chain[-1], 0.02, seed))
    first = same(chain)
    assert first[1] == 0
    assert first[-1] != 0
    assert all(first[leader] == leader for leader in first)


@given(st.lists(st.text(max_size=200), max_size=6))
def test_an_equal_text_always_has_the_first_one_as_its_own(texts: list[str]) -> None:
    counted = [text for text in texts if any(character.isalnum() for character in text)]
    assert same([*counted, *counted])[len(counted) :] == same(counted)
