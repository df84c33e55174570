"""The table of Traditional and Simplified characters."""

from __future__ import annotations

import pytest

from rag.language.han import SIMPLIFIED, TRADITIONAL


def test_the_table_pairs_single_characters_and_names_none_twice() -> None:
    assert len(TRADITIONAL) == len(SIMPLIFIED) == len(set(TRADITIONAL))
    assert not set(TRADITIONAL) & set(SIMPLIFIED)


def test_the_table_is_what_opencc_makes_of_each_character() -> None:
    """Twice, for what becomes Traditional again. 么 is kept: OpenCC makes it 幺, but 什么 is written so."""
    opencc = pytest.importorskip("opencc", reason="opencc is not installed: pip install opencc")
    made = "\n".join(character for character in TRADITIONAL if character not in "麼麽")
    for name in ("hk2t", "tw2t", "t2s") * 2:
        made = opencc.OpenCC(name).convert(made)
    expected = [to for of, to in zip(TRADITIONAL, SIMPLIFIED, strict=True) if of not in "麼麽"]
    assert made.split("\n") == expected
