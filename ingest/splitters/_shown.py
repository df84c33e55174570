"""What the indexes see of a Markdown text: its words, without the addresses, tags and labels between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from ingest.loaders._markdown import Block

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# Only where one of these stands is there anything to leave out: most text is never parsed for it.
_ANY = re.compile(r"\][(\[]|<[!?/a-zA-Z]|\{:?[ \t]*[#.]|^[ \t>]*:[a-z]+:`|^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)
# `{ #id }`, `{.class}`, `{: .class}`: attributes of MkDocs, Pandoc and Jekyll. The spaces before them
# are read from the first alone: from each of a long run they would take quadratic time.
_ATTRIBUTES = re.compile(r"(?<![ \t])[ \t]*+\{:?[ \t]*[#.][^{}\n]*\}")
# Lines of nothing but `:label:`x`` are for the renderer, not for the reader.
_LABELS = re.compile(r"^[ \t>]*(?::[a-z]+:`[^`\n]*`[ \t]*)+$\n?", re.MULTILINE)
_DEFINITION = re.compile(r"\s{0,3}\[[^\]\n]+\]:")
_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_AS_IT_IS = frozenset({"fence", "code_block", "math_block", "hr"})
# A run of text longer than this is no prose; parsing its marks would take long and help nobody.
_LONGEST = 100_000
_REMEMBERED = 10_000  # a piece is asked for several times while its section is cut


class Source:
    """A document's text and the targets of its reference links, which say what in it is a link."""

    def __init__(self, text: str, references: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self._references = dict(references or {})
        self._known: dict[tuple[int, int], str | None] = {}

    def shown(self, block: Block, start: int, end: int) -> str | None:
        """What the indexes see of `[start, end)`, a part of `block`; None where it is the text itself."""
        if (start, end) not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[start, end] = self._shown(block, start, end)
        return self._known[start, end]

    def _shown(self, block: Block, start: int, end: int) -> str | None:
        if end - start > _LONGEST or not (_ANY.search(self.text, start, end) or self._referring(start, end)):
            return None
        shown = "".join(self._leaves(block, start, end))
        return None if shown == self.text[start:end] else shown

    def _referring(self, start: int, end: int) -> bool:
        return bool(self._references) and self.text.find("]", start, end) >= 0

    def _leaves(self, block: Block, start: int, end: int) -> Iterator[str]:
        if block.children:
            for child in block.children:
                if child.start < end and child.end > start:
                    yield from self._leaves(child, max(start, child.start), min(end, child.end))
            return
        piece = self.text[start:end]
        if block.kind in _AS_IT_IS:
            yield piece
        elif block.kind == "definition" and _DEFINITION.match(piece):
            return
        elif block.kind == "html_block":
            yield _without_tags(piece)
        else:
            yield self._inline(piece)

    def _inline(self, piece: str) -> str:
        piece = _LABELS.sub("", piece)
        bare = piece.strip()
        if not bare:
            return piece
        (token,) = _parser().parseInline(bare, {"references": self._references})
        words = "".join(_words(token.children or ()))
        if words == bare:
            return piece
        before, after = piece.split(bare, 1)
        return before + words + after


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Words(MarkdownIt):
        """Leaves the addresses of links alone, which nobody sees: half the time would go into them."""

        def normalizeLink(self, url: str) -> str:  # noqa: N802
            return url

        def normalizeLinkText(self, link: str) -> str:  # noqa: N802
            return link

        def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002
            return True

    # Joined, an escaped mark could not be told from one that is not.
    return Words("commonmark").disable("text_join")


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "image":
            yield from _words(token.children or ())
        elif token.type == "code_inline":
            yield f"{token.markup}{token.content}{token.markup}"
        elif token.type == "text":
            yield _ATTRIBUTES.sub("", token.content)
        elif token.type == "text_special":
            yield token.markup if token.info == "escape" else token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type == "html_inline":
            yield "\n" if _BREAK.match(token.content) else ""
        elif not token.type.startswith("link_"):
            yield token.markup


class _Words(HTMLParser):
    """Collects what is not a tag, a comment, a script or a style sheet."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "br":
            self.words.append("\n")
        self.words += [value for name, value in attrs if name == "alt" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = 0
        elif tag in ("td", "th"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def _without_tags(piece: str) -> str:
    reader = _Words()
    reader.feed(piece)
    reader.close()
    return "".join(reader.words)
