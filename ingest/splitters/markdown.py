"""The splitter: Markdown by its headings and blocks, PDF by its pages, all prose by its sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ingest.loaders._markdown import Block, blocks, front_matter_end
from ingest.splitters._packing import Unit, pack
from ingest.splitters._sections import Section, join_tiny, sections
from ingest.splitters._units import closes, tied, units
from rag.errors import SettingError
from rag.protocols import Splitter
from rag.types import Chunk, Document

VERSION = 1
# A word longer than a tokenizer reads counts as one token, however long: no chunk may rest on that.
_CHARACTERS_PER_TOKEN = 16
_LEAST_TOKENS = 16


def build(count_tokens: Callable[[str], int], chunk_tokens: int = 250) -> Splitter:
    """A splitter whose chunks have at most `chunk_tokens` tokens, heading path included.

    `count_tokens` is the embedder's count without special tokens. Raises SettingError where
    `chunk_tokens` is below 16.
    """
    if chunk_tokens < _LEAST_TOKENS:
        raise SettingError(f"chunk_tokens is {chunk_tokens}: give at least {_LEAST_TOKENS}")
    return MarkdownSplitter(count_tokens, chunk_tokens)


class MarkdownSplitter:
    """Splits every kind of document by what its metadata's `type` says of it.

    Tokens are counted piece by piece and summed. Word-piece counts add up exactly at the places
    cut here; those of other tokenizers may be off by about one a piece. Where headings alone fill
    more than half the budget, chunks exceed it by the rest of their path.
    """

    def __init__(self, count_tokens: Callable[[str], int], chunk_tokens: int) -> None:
        self._chunk_tokens = chunk_tokens
        self._count_tokens = count_tokens
        # Every block is asked for more than once: to join sections, to cut, and to pack.
        self._count = lru_cache(maxsize=4096)(self._measure)

    @property
    def fingerprint(self) -> str:
        return f"markdown/{VERSION} tokens={self._chunk_tokens}"

    def split(self, document: Document) -> list[Chunk]:
        """Chunks in order, without overlap; all text but front matter and blank space is in one."""
        return [
            Chunk(document.id, ordinal, document.text[start:end], start, end, heading, page)
            for ordinal, (start, end, heading, page) in enumerate(self._passages(document))
        ]

    def _measure(self, text: str) -> int:
        return max(self._count_tokens(text), len(text) // _CHARACTERS_PER_TOKEN)

    def _passages(self, document: Document) -> Iterator[tuple[int, int, tuple[str, ...], int | None]]:
        text = document.text
        if document.pages:
            for page in document.pages:
                for start, end in self._spans(text, Section((), paragraphs(text, page.start, page.end))):
                    yield start, end, (), page.number
            return
        if document.metadata.get("type") == "markdown":
            found = sections(text, blocks(text, front_matter_end(text)))
            found = join_tiny(
                found,
                lambda section: self._whole_room(text, section),
                lambda section: self._size(text, section),
            )
        else:
            found = [Section((), paragraphs(text, 0, len(text)))]
        for section in found:
            for start, end in self._spans(text, section):
                yield start, end, section.path, None

    def _spans(self, text: str, section: Section) -> Iterator[tuple[int, int]]:
        parts = self._units(text, section)
        for first, last in pack(parts, self._room(section.path)):
            start, end = parts[first].start, parts[last - 1].end
            passage = text[start:end]
            start += len(passage) - len(passage.lstrip())
            if start < (end := start + len(passage.strip())):
                yield start, end

    def _units(self, text: str, section: Section) -> list[Unit]:
        """The section's units; what follows a heading directly leaves room for it in its chunk."""
        found: list[Unit] = []
        room = self._room(section.path)
        # A chunk that holds its headings does not carry them a second time in its path.
        credit = self._whole_room(text, section) - room
        taken = 0
        for block in section.blocks:
            heading = block.kind == "heading"
            if found and (heading or closes(text, block)):
                found[-1] = tied(found[-1])
            new = list(units(text, block, max(room - taken, room // 2), self._count))
            if heading and credit:
                new[0], credit = _credited(new[0], credit)
            taken = taken + new[-1].size if heading else 0
            found.extend(new)
        return found

    def _size(self, text: str, section: Section) -> int:
        return sum(self._count(text[block.start : block.end]) for block in section.blocks)

    def _room(self, path: Sequence[str]) -> int:
        """Tokens left for text under this heading path, at least half of all."""
        used = self._count(" > ".join(path) + "\n") if path else 0
        return max(self._chunk_tokens - used, self._chunk_tokens // 2)

    def _whole_room(self, text: str, section: Section) -> int:
        """Tokens for a section's text where it stays in one chunk, which holds its own headings.

        Only those that stand there word for word: a heading with markup inside differs from its title,
        which is then carried above the chunk as well (see Chunk.indexed_text).
        """
        headings = (block for block in section.blocks if block.kind == "heading")
        written = "".join(text[block.start : block.end] for block in headings)
        outer = len(section.path) - section.own
        repeated = (title for title in section.path[outer:] if title not in written)
        return self._room((*section.path[:outer], *repeated))


def _credited(unit: Unit, credit: int) -> tuple[Unit, int]:
    """The unit with as much of `credit` taken off its size as there is, and what is left of it."""
    spent = min(credit, unit.size)
    return Unit(unit.start, unit.end, unit.size - spent, unit.cut), credit - spent


def paragraphs(text: str, start: int, end: int) -> list[Block]:
    """Blocks of a text without markup: runs of lines, each with the blank lines after it."""
    found: list[Block] = []
    position = start
    while position < end:
        gap = text.find("\n\n", position, end)
        stop = end if gap < 0 else gap
        while stop < end and text[stop] == "\n":
            stop += 1
        if text[position:stop].strip():
            found.append(Block("paragraph", position, stop))
        position = stop
    return found
