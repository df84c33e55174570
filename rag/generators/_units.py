"""What of a passage may be quoted: sentences, table rows, list items, code blocks, and lists with what
introduces them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag import text
from rag.types import Hit

LONGEST = 600  # characters; a unit beyond is quoted up to here, to the end of a line or a word

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)、])\s")
_NO_ANSWER = re.compile(r"\s*(?:#|~~~|---|///|:::)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece of the passage that `marker` counts to (from 1): `chunk.text[start:end] == text`.

    `before` is the sentence before it, under the passage's headings, and `after` the one after it: they
    tell what a pronoun in it means and are never quoted with it.
    """

    marker: int
    start: int
    end: int
    text: str
    before: str
    after: str


def units(marker: int, hit: Hit) -> Iterator[Unit]:
    """The units of a hit's passage that say something, in order; those of a list overlap the list."""
    passage = hit.chunk.text
    headings = "\n".join(hit.chunk.heading)
    ranges = _whole_blocks(passage)
    for at, (start, _) in enumerate(ranges):
        before = passage[slice(*ranges[at - 1])] if at else ""
        after = passage[slice(*ranges[at + 1])] if at + 1 < len(ranges) else ""
        stop = _shortened(passage, start, _introduced(passage, ranges, at))
        written = passage[start:stop]
        if not _NO_ANSWER.match(written) and text.terms(written):
            yield Unit(marker, start, stop, written, f"{headings}\n{before}", after)


def _whole_blocks(passage: str) -> list[tuple[int, int]]:
    """The sentences' ranges, all those of a fenced block as one."""
    blocks = [found.span() for found in _FENCE.finditer(passage)]
    found: list[tuple[int, int]] = []
    for start, end in text.sentences(passage):
        block = next((block for block in blocks if block[0] <= start < block[1]), None)
        if block is None:
            found.append((start, end))
        elif not found or found[-1] != block:
            found.append(block)
    return found


def _introduced(passage: str, ranges: Sequence[tuple[int, int]], at: int) -> int:
    """Where the unit ends: one that ends in a colon takes the list, table or code that follows along."""
    start, end = ranges[at]
    if passage[end - 1] not in ":：":
        return end
    for follower, (first, last) in enumerate(ranges[at + 1 :]):
        block = passage[first:last].lstrip().startswith(("```", "~~~"))
        listed = bool(_ITEM.match(passage, first)) or passage[first] == "|"
        if last - start > LONGEST or not (listed or (block and follower == 0)):
            return end
        end = last
    return end


def _shortened(passage: str, start: int, end: int) -> int:
    if end - start <= LONGEST:
        return end
    for border in ("\n", " "):
        cut = passage.rfind(border, start + LONGEST // 2, start + LONGEST)
        if cut > 0:
            return cut
    return start + LONGEST
