"""Nothing in an answer acts: links, images, tags and invented addresses."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.facts.inactive import REMOVED, inactive, unlinked, visible

PASSAGE = "The manual is at https://example.org/manual and [here](https://example.org/here)."


@pytest.mark.parametrize(
    "written",
    [
        "![x](https://evil.test/p.png)",
        "[click](https://evil.test)",
        "[click](<https://evil.test>)",
        "[click][1]\n\n[1]: https://evil.test",
        "<https://evil.test>",
        "<img src=x onerror=alert(1)>",
        "<a href='//evil.test'>x</a>",
        "<script>alert(1)</script>",
        "<IMG SRC=JaVaScRiPt:alert(1)>",
        "<svg/onload=alert(1)>",
        "<x onclick=alert(1)>",
        "[a](javascript:alert(1))",
        "h\u200bttps://evil.test",
        "![](data:text/html;base64,AAAA)",
        "www.evil.test/x",
        "evil.test/x?q=1",
        "[manual](https://example.org/manual)",
        "<!-- hidden -->",
        "[a]\n(https://evil.test)",
    ],
)
def test_a_markdown_renderer_finds_neither_link_image_nor_html(written: str) -> None:
    shown = inactive(written, [PASSAGE])
    rendered = MarkdownIt("commonmark", {"html": True}).render(shown)
    assert not any(tag in rendered for tag in ("<a ", "<img", "<script", "<svg", "<x ", "<!--"))
    assert "evil" not in shown or "://evil" not in shown
    assert "evil.test/" not in shown


def test_an_address_of_a_cited_passage_stays_as_plain_text() -> None:
    assert inactive("See https://example.org/manual.", [PASSAGE]) == "See https://example.org/manual."


@pytest.mark.parametrize(
    "address", ["https://example.org/manual?leak=secret", "https://example.org/man", "https://evil.test/here"]
)
def test_an_address_of_no_passage_goes_also_if_it_resembles_one(address: str) -> None:
    assert inactive(f"See {address}.", [PASSAGE]) == f"See {REMOVED}."


def test_the_mark_that_ends_a_passages_sentence_is_no_part_of_an_address() -> None:
    passage = "Have you read https://example.org/manual?"
    assert inactive(passage, [passage]) == passage
    assert inactive("https://example.org/manual?leak=1", [passage]) == REMOVED


@pytest.mark.parametrize(
    "written",
    [
        "a < b and c > d",
        "List<String> names",
        "handlers[0]",
        "It burned oil [1][2].",
        "端口 8000：见 [1]。",
        "3:4",
    ],
)
def test_what_acts_nowhere_is_left_alone(written: str) -> None:
    assert inactive(written, []) == written


@given(st.text() | st.lists(st.sampled_from([*"[]()!<>:/=.a1 \n", "http://", "img", "[1]"])).map("".join))
def test_what_is_inactive_stays_as_it_is_and_renders_no_link(written: str) -> None:
    shown = inactive(written, [])
    assert inactive(shown, []) == shown
    rendered = MarkdownIt("commonmark", {"html": False}).render(shown)
    assert "<a " not in rendered
    assert "<img" not in rendered


def test_format_characters_are_invisible_and_no_other_is() -> None:
    kinds = {chr(code): unicodedata.category(chr(code)) for code in range(sys.maxunicode + 1)}
    invisible = {each for each in kinds if not visible(each)}
    assert invisible >= {each for each, kind in kinds.items() if kind == "Cf"}
    # An older Python does not know the newest ones yet.
    assert {kinds[each] for each in invisible} <= {"Cf", "Cn"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See [the *guide*](../guide.md#top) and [b](b/c).", "See the *guide* and b."),
        ("See [`a[0]`](a.md).", "See `a[0]`."),
        ("Call `handlers[0](a.b)` now.", "Call `handlers[0](a.b)` now."),
        ("See [the site](https://a.test/b) and ![a picture](a.png).",) * 2,
        ("f[0](x) and a[1](2).",) * 2,
    ],
)
def test_links_to_other_files_become_their_words_and_nothing_else_does(written: str, shown: str) -> None:
    assert unlinked(written) == shown


@pytest.mark.parametrize("run", ["\n", "a.", "a-", "aa.", "//", "- ", "[a] ", "[a", "`a"])
def test_a_long_run_is_read_in_bearable_time(run: str) -> None:
    # Tried at each of 50,000 places to its end, it would take minutes.
    written = run * (100_000 // len(run))
    assert len(inactive(written, ["nothing"])) <= len(written) + 50_000
    assert len(unlinked(written)) <= len(written)
