"""The plain splitter cuts anywhere it must and loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.splitters.recursive import build
from rag.errors import SettingError
from rag.types import Document, Page

WORDS = st.text("ab cd。！. \n，中文é", max_size=400)


def _count(text: str) -> int:
    return len(text.split()) + sum("\u4e00" <= each <= "\u9fff" for each in text)


@given(WORDS)
def test_the_chunks_hold_every_character_that_is_not_blank_in_its_place(text: str) -> None:
    chunks = build(_count, 16).split(Document("a", text, ""))
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())


def test_a_chinese_text_is_cut_behind_its_full_stops() -> None:
    text = "每位员工每年有二十五天假期。假期需要提前两周申请。遇到节假日时顺延。"
    chunks = build(_count, 20).split(Document("a", text, ""))
    assert all(chunk.text.endswith("。") for chunk in chunks)
    assert len(chunks) > 1


def test_no_chunk_lies_on_two_pages() -> None:
    text = "one two three\n\nfour five six"
    pages = (Page(1, 0, 13), Page(2, 15, 28))
    chunks = build(_count, 16).split(Document("a", text, "", {}, pages))
    assert [(chunk.text, chunk.page) for chunk in chunks] == [("one two three", 1), ("four five six", 2)]


def test_a_chunk_size_that_holds_nothing_is_refused() -> None:
    with pytest.raises(SettingError, match="at least 16"):
        build(_count, 3)
