"""Markdown files and the structure read from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders._markdown import Block, blocks, front_matter_end, heading_title, title
from ingest.loaders.markdown import build


def test_the_first_heading_is_the_title(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("intro\n\n# Guide to *FAISS* { #guide }\n", encoding="utf-8")
    loaded = build().load(path)
    assert loaded.metadata == {"type": "markdown", "title": "Guide to FAISS"}
    assert loaded.text.startswith("intro")


def test_the_title_of_the_front_matter_wins() -> None:
    assert title('---\ntags: [a]\ntitle: "My page"\n---\n# Other\n') == "My page"


def test_front_matter_ends_after_its_closing_line() -> None:
    text = "---\ntitle: x\nlist:\n  - a\n# note\n\n---\nbody\n"
    assert text[front_matter_end(text) :] == "body\n"
    assert front_matter_end("---\na: b\n---") == len("---\na: b\n---")


@pytest.mark.parametrize(
    "text", ["---\n\nA text.\n\n---\n", "---\na: b\n", "", "--- \n---\n", "# a\n---\nb: c\n---\n"]
)
def test_a_thematic_break_is_no_front_matter(text: str) -> None:
    assert front_matter_end(text) == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Use `lru_cache` **now**", "Use lru_cache now"),
        ("Install { #install }", "Install"),
        ("Appendix {:.unnumbered}", "Appendix"),
        ("See [the docs](https://example.org) ![logo](x.png)", "See the docs logo"),
        ("Path {item_id}", "Path {item_id}"),
        ("<a id='x'></a>深度学习 &amp; 推理", "深度学习 & 推理"),
        (r"Escaped \*star\*", "Escaped *star*"),
    ],
)
def test_a_heading_is_reduced_to_its_words(source: str, words: str) -> None:
    assert heading_title(source) == words


def _kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end].strip()) for block in blocks(text)]


def test_setext_headings_are_headings_and_fenced_hashes_are_not() -> None:
    text = "Title\n=====\n\n```\n# no heading\n```\n"
    assert _kinds(text) == [("heading", "Title\n====="), ("fence", "```\n# no heading\n```")]


def test_a_fence_may_hold_backticks_and_may_stay_open() -> None:
    text = "````md\n```\nx\n```\n````\n\n```py\nopen\n\n# end\n"
    assert [kind for kind, _ in _kinds(text)] == ["fence", "fence"]


def test_a_table_divides_into_rows() -> None:
    text = "|a|b|\n|-|-|\n|`x\\|y`|1|\n|z|2|\n"
    (table,) = blocks(text)
    rows = [row for group in table.children for row in group.children]
    assert [text[row.start : row.end] for row in rows] == ["|a|b|\n|-|-|\n", "|`x\\|y`|1|\n", "|z|2|\n"]


def test_definitions_of_link_targets_are_not_lost() -> None:
    text = "word\n\n[x]: https://example.org\n\n# End\n"
    assert _kinds(text)[1] == ("paragraph", "[x]: https://example.org")


LINES = (
    "# A|## B|text.|- item|  - nested|1. one|> quote|```|    code|<div>|</div>|---|===|||中文。|[x]: y|"
    "///|/// note|\ttab|\u3000"
).split("|")
MARKS = st.lists(st.sampled_from([*LINES, "|a|b|", "|-|-|"]), max_size=30).map("\n".join)


@given(text=st.one_of(MARKS, st.text(max_size=100).filter(lambda t: "\r" not in t)))
def test_blocks_divide_the_text_whole(text: str) -> None:
    _check(blocks(text), 0, len(text), text)


def _check(found: list[Block], start: int, end: int, text: str) -> None:
    position = start
    for block in found:
        assert not text[position : block.start].strip()
        assert position <= block.start < block.end
        position = block.end
        if block.children:
            _check(block.children, block.start, block.end, text)
    assert position <= end
    assert not text[position:end].strip()
