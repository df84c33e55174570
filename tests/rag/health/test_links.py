"""Broken links: what a Markdown parser calls a link, to a file that is not beside the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.health.links import BrokenLink, broken_links


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file among others: a page, one with a space and one with Chinese letters, a picture, a folder."""
    for name in ("page.md", "two words.md", "部署.md", "sub/picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "source.md"


@pytest.mark.parametrize(
    "text",
    [
        "[a](page.md) [b](./page.md#place) [c](page.md?q=1) ![d](sub/picture.png) [e](sub/)",
        "[a](two%20words.md) [b](<two words.md>) [c](部署.md) [d](%E9%83%A8%E7%BD%B2.md)",
        "[a](page) [b](page/) [c](page.html)",
        "[a](https://example.org/no.md) [b](mailto:a@example.org) [c](#place) [d](/root.md) [e](//host/no)",
        "[a]({{ site.url }}/no.md) [b]() [c](data:image/png;base64,AA)",
        "`[a](no.md)`\n\n```\n[b](no.md)\n```\n\n    [c](no.md)\n\n\\[d](no.md) and f[0] (no.md)",
        "[a][known] and [unknown][nobody]\n\n[known]: page.md",
    ],
    ids=["beside", "names", "pages", "elsewhere", "no files", "code", "references"],
)
def test_what_is_there_or_no_link_is_not_broken(text: str, source: Path) -> None:
    assert broken_links(text, source) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# T\n\nsee\n[a](no.md#place), ![b](sub/no.png)", [(4, "no.md"), (4, "sub/no.png")]),
        ("[a][r]\n\n[r]: no.md 'title'", [(1, "no.md")]),
        ("> [a](\n> no.md)", [(1, "no.md")]),
        ("| h |\n|---|\n| [a](no.md) |", [(3, "no.md")]),
        ("[a](no%20such.md) [b](<没有.md>)", [(1, "no such.md"), (1, "没有.md")]),
        ("[a](no.md?token=abc)", [(1, "no.md")]),
        ("[a](page.pdf)", [(1, "page.pdf")]),
        ("[a](no%00.md)", [(1, "no\0.md")]),
        ("[a](" + "x" * 5000 + ")", [(1, "x" * 200)]),
    ],
)
def test_a_file_that_is_not_there_is_named_with_its_line(
    text: str, expected: list[tuple[int, str]], source: Path
) -> None:
    assert broken_links(text, source) == [BrokenLink(*each) for each in expected]
