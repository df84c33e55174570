"""The splitter: Markdown by its headings and blocks, PDF by its pages, all prose by its sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

from ingest.loaders._front_matter import front_matter
from ingest.loaders._markdown import blocks
from ingest.splitters._outline import Outline
from ingest.splitters._packing import NEVER, Unit, pack
from ingest.splitters._pieces import CHARACTERS_PER_TOKEN
from ingest.splitters._sections import Section, join_tiny, paragraphs, sections
from ingest.splitters._shown import Source
from ingest.splitters._units import Divider, tied
from rag.errors import SettingError
from rag.protocols.documents import Splitter
from rag.text import sentences
from rag.types import Chunk, Document, Page

VERSION = 3
_LEAST_TOKENS = 16
# Of 0, 40, 60 and 90, on claims whose sentences lie in long documents: docs/ingest.md.
OVERLAP = 40
# Whole sentences fill about half of the overlap, so half is kept free for it: better there than all or none.
_RESERVED = 2
# Code, tables, formulas, markup and notes: half of one reads as something else.
_WHOLE = re.compile(r"^[ \t]*(?:```|~~~|\$\$|\||<|:::|///|!!!)|^(?: {4}|\t)", re.MULTILINE)

# Start, end, what the indexes see, heading path, page.
_Passage: TypeAlias = tuple[int, int, str, tuple[str, ...], int | None]


def build(
    count_tokens: Callable[[str], int], chunk_tokens: int = 250, overlap_tokens: int = OVERLAP
) -> Splitter:
    """A splitter whose chunks have at most `chunk_tokens` tokens, heading path included.

    `count_tokens` is the embedder's count without special tokens. With `overlap_tokens` a chunk begins
    with the sentences before it, at most so many of its tokens and a quarter of `chunk_tokens`, as far as
    they stand in the same section. Raises SettingError where `chunk_tokens` is below 16 or
    `overlap_tokens` below 0.
    """
    if chunk_tokens < _LEAST_TOKENS:
        raise SettingError(f"chunk_tokens is {chunk_tokens}: give at least {_LEAST_TOKENS}")
    if overlap_tokens < 0:
        raise SettingError(f"overlap_tokens is {overlap_tokens}: give at least 0")
    # The default must not take most of a small chunk.
    return MarkdownSplitter(count_tokens, chunk_tokens, min(overlap_tokens, chunk_tokens // 4))


class MarkdownSplitter:
    """Splits every kind of document by what its metadata's `type` says of it.

    Tokens are counted piece by piece and summed. Word-piece counts add up exactly at the places
    cut here; those of other tokenizers may be off by about one a piece. Where headings alone fill
    more than half the budget, chunks exceed it by the rest of their path. No text is lost by that,
    nor by a budget above what the model reads at once: the embedder makes several vectors of a text
    longer than its window (see `Embedder.windows`).
    """

    def __init__(self, count_tokens: Callable[[str], int], chunk_tokens: int, overlap_tokens: int) -> None:
        self._chunk_tokens = chunk_tokens
        self._overlap_tokens = overlap_tokens
        # Every block is asked for more than once: to join sections, to cut, and to pack.
        self._counted = lru_cache(maxsize=4096)(count_tokens)

    @property
    def fingerprint(self) -> str:
        overlap = f" overlap={self._overlap_tokens}" if self._overlap_tokens else ""
        return f"markdown/{VERSION} tokens={self._chunk_tokens}{overlap}"

    def split(self, document: Document) -> list[Chunk]:
        """Chunks in order, each beginning after the one before it; all text but front matter and blank
        space is in one, and nothing but the sentences that an overlap repeats in more.
        """
        return [
            Chunk(
                document.id,
                ordinal,
                document.text[start:end],
                start,
                end,
                path,
                page,
                _seen(document, passage),
            )
            for ordinal, passage in enumerate(self._passages(document))
            for start, end, _, path, page in [passage]
        ]

    def _count(self, text: str) -> int:
        least = len(text) // CHARACTERS_PER_TOKEN
        # A longer text is cut at any rate: counting it would only take time, and remembering it memory.
        return least if least > self._chunk_tokens else max(self._counted(text), least)

    def _passages(self, document: Document) -> Iterator[_Passage]:
        text = document.text
        if document.pages:
            divider = Divider(Source(text), self._count)
            outline = Outline(document.headings)
            for page in document.pages:
                for section in self._page(text, page, outline, divider):
                    for start, end, seen in self._spans(text, divider, section):
                        yield start, end, seen, section.path, page.number
            return
        if document.metadata.get("type") == "markdown":
            references: dict[str, Any] = {}
            tree = blocks(text, front_matter(text).end, references)
            divider = Divider(Source(text, references), self._count)
            found = join_tiny(
                sections(tree, divider.shown),
                lambda section: self._whole_room(divider, section),
                lambda section: sum(map(divider.size, section.blocks)),
            )
        else:
            divider = Divider(Source(text), self._count)
            found = [Section((), paragraphs(text, 0, len(text)))]
        for section in found:
            for start, end, seen in self._spans(text, divider, section):
                yield start, end, seen, section.path, None

    def _page(self, text: str, page: Page, outline: Outline, divider: Divider) -> list[Section]:
        """A page's paragraphs under the titles of the file's outline."""
        found = [
            Section(path, paragraphs(text, start, end))
            for start, end, path in outline.parts(page.start, page.end)
        ]
        return join_tiny(
            [section for section in found if section.blocks],
            lambda section: self._room(section.path),
            lambda section: sum(map(divider.size, section.blocks)),
        )

    def _spans(self, text: str, divider: Divider, section: Section) -> Iterator[tuple[int, int, str]]:
        """Start and end of each chunk, and what the indexes see of it."""
        parts = self._units(divider, section)
        room = self._room(section.path)
        previous = -1
        for first, last in pack(parts, max(1, room - self._overlap_tokens // _RESERVED)):
            start, end = parts[first].start, parts[last - 1].end
            passage = text[start:end]
            start += len(passage) - len(passage.lstrip())
            if start < (end := start + len(passage.strip())):
                seen = _joined(text, parts[first:last])
                begin = start
                if first and not parts[first].lead and self._overlap_tokens:
                    before = map(parts.__getitem__, range(first - 1, -1, -1))
                    begin = self._repeated(text, before, start, room - self._count(seen), previous)
                previous = begin
                yield begin, end, text[begin:start] + seen

    def _repeated(self, text: str, before: Iterable[Unit], start: int, room: int, previous: int) -> int:
        """Where what the chunk at `start` repeats begins, after `previous`: whole sentences of plain text.

        `before` are the units before it, the nearest first.
        """
        begin, room = start, min(room, self._overlap_tokens)
        for unit in before if room > 0 else ():
            if unit.shown is not None or unit.lead or unit.cut == NEVER:
                break
            own = text[unit.start : unit.end]
            for first, last in reversed([(0, len(own))] if _WHOLE.search(own) else sentences(own)):
                piece = own[first:last]
                place = unit.start + last - len(piece.lstrip())
                if place <= previous or self._count(text[place:start]) > room:
                    return begin
                if any(map(str.isalnum, piece)):
                    begin = place
        return begin

    def _units(self, divider: Divider, section: Section) -> list[Unit]:
        """The section's units; what follows a heading directly leaves room for it in its chunk."""
        found: list[Unit] = []
        room = self._room(section.path)
        # A chunk that holds its headings does not carry them a second time in its path.
        credit = self._whole_room(divider, section) - room
        taken = saved = 0
        for block in section.blocks:
            heading = block.kind == "heading"
            new = divider.units(block, max(room - taken, room // 2))
            if found and _silent(new):
                # Labels and comments belong to what they stand after; alone they say nothing.
                joined = _with(divider.text, found[-1], new[0], saved)
                if joined.size <= max(room, found[-1].size):
                    found[-1] = joined
                    continue
            if found and heading:
                found[-1] = tied(found[-1])
            size = new[-1].size
            if heading and credit:
                new[0], credit = _credited(new[0], credit)
            saved = size - new[-1].size
            taken = taken + new[-1].size if heading else 0
            found.extend(new)
        return found

    def _room(self, path: Sequence[str]) -> int:
        """Tokens left for text under this heading path, at least half of all."""
        used = self._count(" > ".join(path) + "\n") if path else 0
        return max(self._chunk_tokens - used, self._chunk_tokens // 2)

    def _whole_room(self, divider: Divider, section: Section) -> int:
        """Tokens for a section's text where it stays in one chunk, which holds its own headings.

        Only those that stand there word for word: a heading with markup inside differs from its title,
        which is then carried above the chunk as well (see Chunk.indexed_text).
        """
        headings = (block for block in section.blocks if block.kind == "heading")
        written = "".join(map(divider.shown, headings))
        outer = len(section.path) - section.own
        repeated = (title for title in section.path[outer:] if title not in written)
        return self._room((*section.path[:outer], *repeated))


def _seen(document: Document, passage: _Passage) -> str | None:
    start, end, seen, _, _ = passage
    return seen if seen and seen != document.text[start:end] else None


def _joined(text: str, units: Sequence[Unit]) -> str:
    shown = (text[unit.start : unit.end] if unit.shown is None else unit.shown for unit in units)
    return (units[0].lead + "".join(shown)).strip()


def _silent(units: Sequence[Unit]) -> bool:
    return len(units) == 1 and units[0].shown is not None and not units[0].shown.strip()


def _with(text: str, unit: Unit, silent: Unit, saved: int) -> Unit:
    """The unit, of whose size `saved` was taken off, and what follows it silently, as one."""
    seen = text[unit.start : unit.end] if unit.shown is None else unit.shown
    # What is quoted must stay bounded too: a document may hold nothing but pictures without words.
    least = (silent.end - unit.start) // CHARACTERS_PER_TOKEN
    return replace(unit, end=silent.end, size=max(unit.size, least - saved), shown=f"{seen}{silent.shown}")


def _credited(unit: Unit, credit: int) -> tuple[Unit, int]:
    """The unit with as much of `credit` taken off its size as there is, and what is left of it."""
    spent = min(credit, unit.size)
    return replace(unit, size=unit.size - spent), credit - spent
