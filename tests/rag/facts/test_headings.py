"""The headings that a place in a passage of several sections stands under."""

from __future__ import annotations

import pytest

from rag.facts.headings import headings_at
from rag.types import Chunk


def at(written: str, words: str, *heading: str, name: str = "a.md", page: int | None = None) -> list[str]:
    chunk = Chunk(name, 0, written, 0, len(written), heading, page)
    return list(headings_at(chunk, written.index(words)))


JOINED = (
    "### Oil\n\nRape oil.\n\n### Gas {#gas}\n\nCoal gas.\n\n#### Pressure\n\nTwo bar.\n\n## Tower\n\nHigh."
)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Rape", ["Guide", "Lamp", "Oil"]),
        ("Coal", ["Guide", "Lamp", "Gas"]),
        ("Two", ["Guide", "Lamp", "Gas", "Pressure"]),
        ("High", ["Guide", "Tower"]),
    ],
)
def test_a_quote_from_joined_sections_is_named_by_its_innermost_heading(words: str, found: list[str]) -> None:
    assert at(JOINED, words, "Guide", "Lamp") == found


def test_what_stands_before_the_last_heading_of_the_path_does_not_stand_under_it() -> None:
    written = "# Guide\n\nShort.\n\n## Lamp\n\nIt burns."
    assert at(written, "Short", "Guide", "Lamp") == ["Guide"]
    assert at(written, "It burns", "Guide", "Lamp") == ["Guide", "Lamp"]


def test_a_passage_without_headings_of_its_own_keeps_its_path() -> None:
    assert at("It burns.", "burns", "Guide", "Lamp") == ["Guide", "Lamp"]


def test_a_heading_with_markup_is_the_one_of_the_path() -> None:
    written = "## The `lamp` of [Varde](x.md) {#lamp}\n\nIt burns."
    assert at(written, "burns", "Guide", "The lamp of Varde") == ["Guide", "The lamp of Varde"]


def test_underlined_lines_are_headings_too() -> None:
    assert at("Lamp\n====\n\nIt burns.\n\nOil\n---\n\nRape.", "Rape") == ["Lamp", "Oil"]


def test_a_comment_in_code_or_in_plain_text_is_no_heading() -> None:
    assert at("```sh\n# install\nrun\n```\nDone.", "Done", "Guide") == ["Guide"]
    assert at("# install\nrun", "run", name="a.txt") == []


def test_a_page_keeps_the_path_of_its_outline() -> None:
    assert at("# 1\n\nText", "Text", "Part", page=3) == ["Part"]
