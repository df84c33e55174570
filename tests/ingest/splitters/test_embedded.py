"""What the indexes see of a chunk where that is not what is quoted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.splitters._shown import _ATTRIBUTES
from ingest.splitters._units import Leads
from ingest.splitters.markdown import build
from rag.embedders.sentence_transformers import build as build_embedder
from rag.text import normalise
from rag.types import Chunk, Document

Count = Callable[[str], int]


def _split(text: str, count_tokens: Count, tokens: int = 250) -> list[Chunk]:
    document = Document("a.md", text, "", {"type": "markdown"})
    chunks = build(count_tokens, tokens).split(document)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(count_tokens(chunk.indexed_text) <= tokens for chunk in chunks)
    return chunks


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("See [the guide](https://example.org/a?b=c 'title').", "See the guide."),
        ("![A red bird](bird.png) sings.", "A red bird sings."),
        ("Read [this][a] and [that].\n\n[a]: https://example.org\n[that]: x.md", "Read this and that."),
        ("Not a [link] nor \\[one\\](x).", None),
        ("Use `[a](b)` and **bold**.", None),
        ("Before <!-- hidden --> after<br>it <b>all</b>.", "Before  after\nit all."),
        ("One.\n\n<!-- nobody\nsees this -->\n\nTwo.", "One.\n\nTwo."),
        ("<details>\n<summary>More</summary>\n</details>", "More"),
        ("## Install { #install .wide }\n\nText.", "## Install\n\nText."),
        ("A [word](a)  {.x} \t{.y}{.z}, and   more {.", "A word, and   more {."),
        ("# 线性回归\n:label:`sec_linear`\n\n回归很常用。", "# 线性回归\n\n回归很常用。"),
        ("$$y = x$$\n:eqlabel:`eq_x`\n\nText.", "$$y = x$$\n\nText."),
        ("- [one](a)\n- <https://example.org>", "- one\n- https://example.org"),
        ("Set {item_id} and f{x}.", None),
        ("|a|\n|-|\n|[b](c)|", "|a|\n|-|\n|b|"),
    ],
)
def test_links_keep_their_words_and_lose_their_noise(
    count_tokens: Count, text: str, seen: str | None
) -> None:
    (chunk,) = _split(text, count_tokens)
    assert chunk.text == text
    found = chunk.embedded
    assert (found and "\n\n".join(part for part in found.split("\n\n") if part.strip()).strip()) == seen


def test_what_is_nothing_but_noise_is_still_a_chunk(count_tokens: Count) -> None:
    (chunk,) = _split("<!-- a comment -->", count_tokens)
    assert chunk.indexed_text == "<!-- a comment -->"


def test_a_long_run_of_spaces_is_read_once_where_attributes_are_looked_for() -> None:
    # Read from each of its spaces, it would take an hour.
    text = "<b>x</b> a" + " " * 2_000_000 + "b {.wide}"
    assert _ATTRIBUTES.sub("", text) == text.removesuffix(" {.wide}")


def test_code_is_seen_as_it_is(count_tokens: Count) -> None:
    (chunk,) = _split("```md\n[a](b) <!-- c --> { #d }\n```", count_tokens)
    assert chunk.embedded is None


def test_every_piece_of_a_table_is_seen_under_its_header(count_tokens: Count) -> None:
    head = "| name | [size](s.md) |\n|---|---|\n"
    rows = [f"| row {n} | {n * n} |" for n in range(60)]
    first, *others = _split(head + "\n".join(rows), count_tokens, 64)
    assert first.text.startswith(head)
    assert len(others) > 5
    for chunk in others:
        assert set(chunk.text.split("\n")) <= set(rows)
        assert chunk.embedded == f"| name | size |\n|---|---|\n{chunk.text}"


CODE = "".join(
    f"class Part{n}:\n"
    f"    def build(self, size: int) -> int:\n"
    + "".join(f"        total_{i} = size * {i}\n" for i in range(12))
    + "        return 0\n\n\n"
    for n in range(4)
)


def test_every_piece_of_a_code_block_is_seen_under_its_fence_and_signature(count_tokens: Count) -> None:
    chunks = _split(f"```python title='parts.py'\n{CODE}```", count_tokens, 100)
    inside = [chunk for chunk in chunks if chunk.text.startswith(("total", "return"))]
    assert len(inside) > 2
    for chunk in inside:
        assert (chunk.embedded or "").startswith("```python title='parts.py'\nclass Part")
        assert "    def build(self, size: int) -> int:\n" in (chunk.embedded or "")


def test_of_many_enclosing_lines_the_innermost_are_repeated() -> None:
    leads = Leads("```\n")
    above = [leads.above(" " * depth + f"part_{depth} = {{") for depth in range(100)]
    assert above[3] == "```\npart_0 = {\n part_1 = {\n  part_2 = {\n"
    for depth in range(20, 100):
        fence, *lines = above[depth].splitlines()
        assert fence == "```"
        assert [line.strip() for line in lines] == [f"part_{n} = {{" for n in range(depth - 20, depth)]


def test_code_is_cut_before_a_definition_at_the_outermost_level(count_tokens: Count) -> None:
    chunks = _split(f"```python\n{CODE}```", count_tokens, 200)
    assert len(chunks) > 2
    assert all(chunk.text.removeprefix("```python\n").startswith("class Part") for chunk in chunks)
    assert chunks[-1].text.endswith("return 0\n\n\n```")


@pytest.mark.parametrize("opening", ["/// tip | Notes", "!!! note", "> [!NOTE]", "::: warning"])
def test_every_piece_of_an_admonition_is_seen_under_its_opening_line(
    count_tokens: Count, opening: str
) -> None:
    marks = {"!": "    ", ">": "> "}
    before = marks.get(opening[0], "")
    inside = "\n".join(f"{before}Sentence {n} says something of its own." for n in range(40))
    closing = "" if before else f"\n{opening[:3]}"
    chunks = _split(f"{opening}\n{inside}{closing}", count_tokens, 64)
    assert len(chunks) > 3
    assert all((chunk.embedded or chunk.text).startswith(f"{opening}\n") for chunk in chunks)
    assert not any(
        chunk.text.endswith(opening) or chunk.text.startswith(("///", ":::")) for chunk in chunks[1:]
    )


MARKS = st.sampled_from(
    "# A|## [B](c) {#d}|word word. And more!|- [item](url)|1. one|> [!NOTE]|> quote|```py|```|    code|<div>"
    "|<!-- x|-->|</div>|---|===||中文。句子；|[x]: y|[x]|///|/// note|!!! note|    inside|::: a|:::"
    "|:label:`x`|\ttab|$$|$$x = 1$$|\\[|\\]|🙂||a|b||||-|-|".split("|")
)
TEXTS = st.lists(st.one_of(MARKS, st.just("|a|b|"), st.just("|-|-|"), st.text(max_size=200)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(lines=TEXTS, tokens=st.sampled_from([16, 64, 400]))
def test_every_token_of_every_chunk_is_inside_a_window_of_the_embedder(lines: list[str], tokens: int) -> None:
    embedder = build_embedder()
    text = normalise("\n".join(lines) * (5 if tokens == 400 else 1))
    for chunk in build(embedder.count_tokens, tokens).split(Document("a.md", text, "", {"type": "markdown"})):
        windows = embedder.windows(chunk.indexed_text)
        assert "".join(windows) == chunk.indexed_text
        assert all(embedder.count_tokens(window) <= 253 for window in windows)
