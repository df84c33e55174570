"""Where sentences begin and end."""

from __future__ import annotations

import re
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
        ("Wait... what?! Plan A... Then A. B.", ["Wait...", "what?!", "Plan A...", "Then A. B."]),
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


STOPS = re.compile(r"""(?:[。！？；…]+[”’」』）】]*|([.!?]+)["'”’)\]*_]*(?=\s|$))""")
SHORT = re.compile(r"(?:[A-Z]|\b[A-Za-z]\.[A-Za-z]|\b(?:[DdMm]r|[Ee]g|[Ii]e|vs|cf|al|no|No|St))$")


@given(st.text(alphabet=".!?a eAZDr)\"'*]。”"))
def test_a_sentence_ends_at_stops_that_follow_no_initial_or_abbreviation(line: str) -> None:
    ends = [
        match.end()
        for match in STOPS.finditer(line)
        if not (match[1] and len(match[1]) == 1 and SHORT.search(line[: match.start()]))
    ]
    edges = dict.fromkeys([0, *ends, len(line)])
    expected = [bare for start, end in pairwise(edges) if (bare := line[start:end].strip())]
    assert [line[start:end] for start, end in sentences(line)] == expected


def test_a_run_of_stops_that_ends_no_sentence_is_read_once() -> None:
    # Read from each of its stops, it would take an hour.
    text = "a " + "." * 500_000 + "x"
    assert sentences(text) == [(0, len(text))]
