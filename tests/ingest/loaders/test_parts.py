"""A long Markdown text read in parts has the blocks of the text read whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.loaders._markdown import Block, blocks
from ingest.loaders._parts import parts

SNIPPETS = [
    "# Title",
    "Some words\nof a paragraph.",
    "```python\n# no heading\n- no item\n\n| a |\n```",
    "~~~\n``` \n# none\n~~~",
    "- one\n- two\n\n  more of two\n- three\n  - deeper",
    "1. first\n2. second",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |",
    "a | b\n--- | ---\n1 | 2",
    "> quoted\n> # heading inside",
    "::: note\n# Inside\n\n- item\n:::",
    "/// tip\nwords\n\n# Not a section\n///",
    "<!-- a comment\n# none\n-->",
    "$$\na + b\n$$",
    "[ref]: https://example.org",
    "    indented code",
]
WHOLE = 10**9
LISTS = ("bullet_list", "ordered_list")


def _leaves(found: Sequence[Block]) -> Iterator[tuple[str, int, int]]:
    """Blocks without children; items of a list count, not how many lists they make."""
    for block in found:
        if block.children:
            yield from _leaves(block.children)
        else:
            yield block.kind, block.start, block.end


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=12), st.integers(1, 60))
def test_blocks_do_not_depend_on_the_size_of_the_parts(chosen: list[str], size: int) -> None:
    text = "\n\n".join(chosen)
    whole: dict[str, Any] = {}
    cut: dict[str, Any] = {}
    expected = blocks(text, 0, whole, part_size=WHOLE)
    found = blocks(text, 0, cut, part_size=size)
    assert list(_leaves(found)) == list(_leaves(expected))
    assert [each for each in found if each.kind not in LISTS] == [
        each for each in expected if each.kind not in LISTS
    ]
    assert whole.keys() == cut.keys()


@given(st.lists(st.sampled_from(SNIPPETS), max_size=12), st.integers(1, 60))
def test_parts_are_whole_lines_and_together_the_text(chosen: list[str], size: int) -> None:
    text = "\n\n".join(chosen)
    found = list(parts(text, 0, size))
    assert "".join(text[part.start : part.end] for part in found) == text
    assert all(text[part.end - 1] == "\n" for part in found[:-1])


def test_a_long_table_stays_one_with_all_its_rows() -> None:
    rows = "".join(f"| {number} | x |\n" for number in range(50))
    text = f"| a | b |\n|---|---|\n{rows}\nAfter.\n"
    (table, after) = blocks(text, part_size=80)
    assert (table.kind, after.kind) == ("table", "paragraph")
    head, body = table.children
    assert (head.kind, len(body.children)) == ("thead", 50)
    assert text[body.children[30].start : body.children[30].end] == "| 30 | x |\n"


def test_the_rows_of_a_table_stay_rows_whatever_the_length_of_its_head() -> None:
    head = "|" + "|".join(f" a column of many words {number} " for number in range(60)) + "|\n"
    table = head + "|" + "---|" * 60 + "\n" + "".join(f"|{' x |' * 60}\n" for _ in range(40))
    (found,) = blocks(table, part_size=2000)
    assert (found.kind, found.end) == ("table", len(table))


def test_a_fence_that_is_cut_for_its_length_stays_one_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.loaders._parts._MUCH", 1000)
    fence = "```python\n" + "# no heading\nx = 1\n" * 500 + "```\n\n"
    text = f"# Before\n\n{fence}# After\n\nwords\n"
    found = blocks(text, part_size=500)
    assert [block.kind for block in found] == ["heading", "fence", "heading", "paragraph"]
    assert text[found[1].start : found[1].end] == fence


def test_code_within_words_that_begins_a_line_opens_no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.loaders._parts._MUCH", 1000)
    text = "```code``` in words.\n\n" + "# Title\n\nWords.\n\n" * 200
    assert [part.head for part in parts(text, 0, 500)] == [""] * len(list(parts(text, 0, 500)))
    assert all(text.startswith("# Title", part.start) for part in list(parts(text, 0, 500))[1:])
