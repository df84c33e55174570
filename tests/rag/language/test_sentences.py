"""Where sentences begin and end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.sentences import sentences

ANY_TEXT = st.text(st.characters(exclude_categories=()))


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
    assert [written[start:end] for start, end in sentences(written)] == expected


@given(ANY_TEXT)
def test_sentences_hold_every_character_but_white_space_once_and_in_order(raw: str) -> None:
    ranges = sentences(raw)
    assert all(start < end for start, end in ranges)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    held = "".join(raw[start:end] for start, end in ranges)
    assert "".join(held.split()) == "".join(raw.split())
