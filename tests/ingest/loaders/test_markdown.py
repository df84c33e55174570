"""Markdown files and the structure read from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders._front_matter import front_matter
from ingest.loaders._markdown import Block, blocks, heading_title, title
from ingest.loaders.markdown import build


def test_the_first_heading_is_the_title(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("intro\n\n# Guide to *FAISS* { #guide }\n", encoding="utf-8")
    loaded = build().load(path)
    assert loaded.metadata == {"type": "markdown", "title": "Guide to FAISS"}
    assert loaded.text.startswith("intro")


_MARKS = "# One;## Two *b*;Three;===;#;text;```;# code;::: note;:::;> # quoted;- item;<!--;-->;<pre>;</pre>"
_MORE = "[a]: b;| a |;|---|;!!! note;    # inside;---;$$;"
_LINES = [line + "\n" for line in f"{_MARKS};{_MORE}".split(";")]
_LONG = "A sentence that goes on. " * 90 + "\n"


@given(st.lists(st.sampled_from([*_LINES, _LONG, _LONG + "\n"]), max_size=14))
def test_the_title_is_the_first_heading_wherever_it_stands(lines: list[str]) -> None:
    text = "".join(lines)
    start = front_matter(text).end
    headings = [block.title for block in blocks(text, start) if block.kind == "heading" and block.title]
    named = front_matter(text).values.get("title")
    assert title(text) == (named or next(iter(headings), ""))


def test_the_title_of_the_front_matter_wins() -> None:
    assert title('---\ntags: [a]\ntitle: "My page"\n---\n# Other\n') == "My page"


def test_front_matter_ends_after_its_closing_line() -> None:
    text = "---\ntitle: x\nlist:\n  - a\n# note\n\n---\nbody\n"
    assert text[front_matter(text).end :] == "body\n"
    assert front_matter("---\na: b\n---").end == len("---\na: b\n---")


@pytest.mark.parametrize(
    "text", ["---\n\nA text.\n\n---\n", "---\na: b\n", "", "--- \n---\n", "# a\n---\nb: c\n---\n"]
)
def test_a_thematic_break_is_no_front_matter(text: str) -> None:
    assert front_matter(text).end == 0


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
    assert _kinds(text)[1] == ("definition", "[x]: https://example.org")


LINES = (
    "# A|## B|text.|- item|  - nested|1. one|> quote|```|    code|<div>|</div>|---|===|||中文。|[x]: y|"
    "///|/// note|:::|::: x|!!! y|    in|$$|$$x|\\[|\\]|\ttab|\u3000"
).split("|")
MARKS = st.lists(st.sampled_from([*LINES, "|a|b|", "|-|-|"]), max_size=30).map("\n".join)


@given(text=st.one_of(MARKS, st.text(max_size=100).filter(lambda t: "\r" not in t)))
def test_blocks_divide_the_text_whole(text: str) -> None:
    _check(blocks(text), 0, len(text), text)


def _check(found: Sequence[Block], start: int, end: int, text: str) -> None:
    position = start
    for block in found:
        assert not text[position : block.start].strip()
        assert position <= block.start < block.end
        position = block.end
        if block.children:
            _check(block.children, block.start, block.end, text)
    assert position <= end
    assert not text[position:end].strip()


def test_front_matter_is_metadata_of_flat_strings(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    yaml = (
        "title: Guide\ntype: post\nversion: 1.10\ntags: [a, b]\nauthor:\n  name: 安\ndate: 2020-13-45\nnone:"
    )
    path.write_text(f"---\n{yaml}\n---\n# Other\n", encoding="utf-8")
    loaded = build().load(path)
    assert loaded.metadata == {
        "type": "markdown",
        "title": "Guide",
        "front.type": "post",
        "version": "1.10",
        "tags": "a, b",
        "author.name": "安",
        "date": "2020-13-45",
    }
    assert loaded.warnings == ()


def test_front_matter_may_be_toml() -> None:
    found = front_matter('+++\ntitle = "Guide"\n[author]\nage = 3\n+++\ntext')
    assert (dict(found.values), found.problem) == ({"title": "Guide", "author.age": "3"}, "")


@pytest.mark.parametrize("text", ["---\ntitle: a: b\nx: [\n---\ntext\n", "+++\ntitle = \n+++\ntext\n"])
def test_front_matter_that_cannot_be_parsed_is_text_with_a_warning(tmp_path: Path, text: str) -> None:
    assert front_matter(text).end == 0
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    [warning] = build().load(path).warnings
    assert warning.kind == "front_matter"
    assert "line" in warning.detail


@pytest.mark.parametrize(
    "deep", ["[" * 3000, "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a]\n" for n in range(9))]
)
def test_front_matter_made_to_harm_does_none(deep: str) -> None:
    found = front_matter(f"---\nx: y\n{deep}\n---\ntext")
    assert sum(map(len, found.values.values())) < 100_000


def test_an_alias_that_multiplies_itself_gives_few_values() -> None:
    lines = ["a0: &a0 {k: v}"] + [
        f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}, r: *a{n - 1}}}" for n in range(1, 40)
    ]
    assert len(front_matter("---\n" + "\n".join(lines) + "\n---\n").values) <= 200


@pytest.mark.parametrize(
    "text",
    [
        "/// tip | Title\n\nText.\n\n```\n///\n```\n\n///",
        "//// tab | A\n\n/// note\n\nInside.\n\n///\n\n////",
        "::: warning\nText.\n:::",
        "!!! note\n    Text.\n\n    - item",
        '??? info "Title"\n    Text.',
        "$$\na = b \\\\\n= c\n$$ (1)",
        "\\[\nx^2\n\\]",
        "$$x = 1$$",
    ],
)
def test_admonitions_and_formulas_are_one_block(text: str) -> None:
    kinds = _kinds(f"Before.\n\n{text}\n\nAfter.\n")
    assert kinds[1] == ("math_block" if text[0] in "$\\" else "container", text)
    assert kinds[2] == ("paragraph", "After.")


@pytest.mark.parametrize("text", ["::: fastapi.security", "/// note", "$$\nx\n", "\\[ x", "!!!"])
def test_what_is_never_closed_takes_nothing_with_it(text: str) -> None:
    assert _kinds(f"{text}\n\n# Next\n\n$$y$$\n")[-2:] == [("heading", "# Next"), ("math_block", "$$y$$")]


def test_a_container_with_headings_is_part_of_the_outline() -> None:
    assert [kind for kind, _ in _kinds("::: {.wide}\n# One\n\ntext\n:::\n")] == ["heading", "paragraph"]


def test_a_formula_ends_the_paragraph_before_it() -> None:
    assert [kind for kind, _ in _kinds("We write\n$$x = 1$$\nand so on.")] == [
        "paragraph",
        "math_block",
        "paragraph",
    ]


def test_a_container_is_found_behind_one_that_stands_in_an_admonition() -> None:
    text = "!!! note\n    /// tip\n    inner\n    ///\n\n/// warning\nbody\n///\n"
    assert [block.kind for block in blocks(text)] == ["container", "container"]


def test_the_spaces_of_a_heading_are_read_once() -> None:
    """Tried from each space on, it would take an hour."""
    (found,) = blocks(f"# a{' ' * 2_000_000}b {{#id}}\n")
    assert found.title == "a b"
