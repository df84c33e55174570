"""Pieces of a text that a model reads whole, for any tokenizer and any text in front of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.tokens import Tokens


def byte_pairs() -> Any:
    """A byte-level tokenizer, in which a space belongs to the word behind it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(["the lamp burned oil, the oil of rape; passage: query: " * 9], trainer)
    return tokenizer


TOKENS = Tokens(byte_pairs())


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet="the lampoi 部署\n", max_size=200),
    prompt=st.sampled_from(["", "passage: ", "oil", "查询："]),
    room=st.integers(16, 40),
)
def test_pieces_join_to_the_text_and_fit_behind_the_prompt(text: str, prompt: str, room: int) -> None:
    found = TOKENS.windows(text, room, prompt)
    assert "".join(found) == text
    assert all(TOKENS.count(prompt + piece) <= room for piece in found)
    assert found


def test_a_text_that_fits_stays_whole() -> None:
    text = "the lamp burned oil"
    size = TOKENS.count(f"passage: {text}")
    assert TOKENS.windows(text, size, "passage: ") == [text]
    assert len(TOKENS.windows(text, size - 1, "passage: ")) == 2


class Counting:
    """An object whose attributes are counted as they are asked for."""

    def __init__(self, inner: Any, asked: Counter[str]) -> None:
        self._inner = inner
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        self._asked[name] += 1
        return getattr(self._inner, name)


def test_the_lists_of_a_long_text_are_built_once_for_all_its_windows() -> None:
    asked: Counter[str] = Counter()
    tokenizer = byte_pairs()

    class Encoder:
        def encode(self, text: str, *, add_special_tokens: bool) -> Counting:
            return Counting(tokenizer.encode(text, add_special_tokens=add_special_tokens), asked)

    tokens = Tokens(Encoder())
    # Counting has lists of its own to build: only those of the cutting are looked at here.
    tokens.__dict__["_count"] = TOKENS.count
    assert len(tokens.windows("the lamp burned oil, " * 200, 40)) > 20
    assert asked["word_ids"] == asked["offsets"] == 1


@pytest.mark.parametrize(("text", "share"), [("lamp", 1.0), ("", 0.0)])
def test_readable_is_the_share_of_characters_that_are_not_unknown(text: str, share: float) -> None:
    assert TOKENS.readable(text, None) == share
