"""Reads the structure of a Markdown text: its title, and a tree of blocks with offsets."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ingest.loaders._front_matter import front_matter
from ingest.loaders._parts import PART, Part, parts
from ingest.loaders._rules import add_rules

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TITLE_LIMIT = 200
# Nearly every title stands in so many characters; parsing a whole text for it takes a fifth of reading it.
_BEGINNING = 4000
# `{ #id }`, `{.class}`, `{:.class}` after a heading: attributes of MkDocs, Pandoc and Jekyll, not words.
_ATTRIBUTES = re.compile(r"(?<!\s)\s*\{:?\s*[#.][^{}]*\}\s*$")


@dataclass(slots=True)
class Block:
    """A block of text `[start, end)`; `children` divide it wholly, or there are none.

    `kind` is markdown-it's token type ("heading", "paragraph", "fence", "bullet_list", ...), "container"
    for an admonition, or "math_block".
    """

    kind: str
    start: int
    end: int
    level: int = 0
    title: str = ""
    children: Sequence[Block] = ()


def title(text: str) -> str:
    """The document's title: its front matter's, else its first heading; "" where there is neither."""
    found = front_matter(text)
    if named := found.values.get("title"):
        return named[:_TITLE_LIMIT]
    # Up to a blank line headings are what they are, whatever follows: a formula has none inside.
    cut = text.find("\n\n", found.end + _BEGINNING) + 1
    early = _first_title(blocks(text[:cut], found.end)) if cut else ""
    return early or _first_title(blocks(text, found.end))


def _first_title(found: Sequence[Block]) -> str:
    return next((block.title for block in found if block.kind == "heading" and block.title), "")


def blocks(
    text: str, start: int = 0, references: dict[str, Any] | None = None, part_size: int = PART
) -> list[Block]:
    """The top-level blocks from `start` (the start of a line) on, in order; they cover all its text.

    Each block holds the blank lines after it. What the parser makes no block of, as definitions of
    link targets, comes back as a "definition". A container with headings in it is a part of the text's
    outline: it comes back as its blocks. The targets of reference links are added to `references`.
    Long texts are parsed by parts of `part_size` characters, for memory.
    """
    found: list[Block] = []
    shared: dict[str, Any] = {} if references is None else references
    for part in parts(text, start, part_size):
        _join(found, _parsed(text, part, shared), part)
    return _opened(_cover(found, start, len(text), text))


def _parsed(text: str, part: Part, references: dict[str, Any]) -> list[Block]:
    """The blocks of one part; a head that is repeated has no place of its own."""
    lines = text[part.start : part.end].split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=part.start))
    starts[-1] = part.end
    starts = [part.start] * part.head.count("\n") + starts
    env: dict[str, Any] = {"references": references}
    return _tree(_parser().parse(part.head + text[part.start : part.end], env), starts)


def _join(found: list[Block], new: list[Block], part: Part) -> None:
    """Add a part's blocks; what began in the part before, rows of a table or a fence, goes with it."""
    if part.head and found and new and found[-1].kind == new[0].kind == "fence":
        found[-1].end = new.pop(0).end
    if part.head and found and new and found[-1].kind == new[0].kind == "table":
        table, rest = found[-1], new.pop(0)
        table.children = [*table.children, *rest.children[1:]]
        table.end = rest.end
        if [child.kind for child in table.children[-2:]] == ["tbody", "tbody"]:
            *_, body, more = table.children
            body.children = [*body.children, *more.children]
            body.end = more.end
            table.children = table.children[:-1]
    found += new


def _opened(found: Sequence[Block]) -> list[Block]:
    result: list[Block] = []
    for block in found:
        if block.kind == "container" and any(_has_heading(child) for child in block.children):
            result += _opened(block.children)
        else:
            result.append(block)
    return result


def _has_heading(block: Block) -> bool:
    if block.kind == "heading":
        return True
    return block.kind == "container" and any(_has_heading(child) for child in block.children)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Inline markup is parsed for headings alone, one by one: it would take most of the time.
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    add_rules(parser)
    return parser


def _tree(tokens: Sequence[Token], starts: Sequence[int]) -> list[Block]:
    roots: list[Block] = []
    # What is open, and where the blocks inside it go: beside it, if it is none itself.
    stack: list[tuple[Block | None, list[Block]]] = [(None, roots)]
    for token in tokens:
        if token.nesting < 0:
            closed, inside = stack.pop()
            if closed is not None and inside:
                closed.children = inside
            continue
        block = None
        opener, beside = stack[-1]
        if token.type == "inline":
            if opener is not None and opener.kind == "heading":
                opener.title = heading_title(token.content)
        elif token.map:
            first, last = token.map
            # Of millions of blocks each would keep a string of its own.
            kind = sys.intern(token.type.removesuffix("_open"))
            block = Block(kind, starts[first], starts[last])
            if block.kind == "heading":
                block.level = int(token.tag[1:])
            beside.append(block)
        if token.nesting > 0:
            stack.append((block, beside if block is None else []))
    return roots


def _cover(found: Sequence[Block], start: int, end: int, text: str, top: bool = True) -> list[Block]:
    """Stretch blocks over the gaps between them, so that they divide `[start, end)`.

    A gap with text in it becomes a definition at the top; inside a block (the line under a table's
    head) it goes with what precedes it.
    """
    result: list[Block] = []
    position = start
    for block in found:
        if top and text[position : block.start].strip():
            result.append(Block("definition", position, block.start))
            position = block.start
        if block.end <= position:
            continue
        if result:
            result[-1].end = position = max(block.start, position)
        block.start = position
        result.append(block)
        position = block.end
    if top and text[position:end].strip():
        result.append(Block("definition", position, end))
    elif result:
        result[-1].end = end
    for block in result:
        if block.children:
            block.children = _cover(block.children, block.start, block.end, text, top=False)
    return result


def heading_title(content: str) -> str:
    """A heading's words: without emphasis, links, code ticks, HTML tags and attribute lists."""
    content = _ATTRIBUTES.sub("", content)
    words = "".join(_words(_inline_parser().parseInline(content)))
    return " ".join(words.split())[:_TITLE_LIMIT].rstrip()


@cache
def _inline_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.children:
            yield from _words(token.children)
        elif token.type in ("text", "text_special", "code_inline"):
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield " "
