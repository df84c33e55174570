"""Where a run of prose, code or mathematics too long for a chunk may be cut, and what each cut costs."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

from rag.text import sentences

# Tokens of the text `[start, end)` as the indexes see it.
Measure: TypeAlias = Callable[[int, int], int]
# `[start, end)` and the cost of a cut after it.
Piece: TypeAlias = tuple[int, int, float]

CUT_AT_BREAK, CUT_AT_SENTENCE, CUT_INSIDE = 0.2, 0.4, 1.5
CUT_BODY, CUT_OPEN = 2.0, 3.0
# A word longer than a tokenizer reads counts as one token, however long: no chunk may rest on that.
CHARACTERS_PER_TOKEN = 16
# Parts of a sentence or line that is cut are this share of a chunk, so that packing can fill chunks.
_FINENESS = 6
_CLAUSE = re.compile(r"[，、：；][”’」』）]*|[,;:][\"'”’)\]]*(?=\s)")
_SPACE = re.compile(r"(?<=\S)(?=\s)")
# Sentences do not end inside code, a formula or a link. Pandoc's rule tells a formula from prices.
_WHOLE = re.compile(
    r"`[^`\n]{1,300}`|\$\$[^$]{1,2000}\$\$|(?<![\\$])\$(?=\S)[^$\n]{1,300}(?<=[^\s\\])\$(?!\d)"
    r"|\\\([^\n]{1,300}?\\\)|\[[^\[\]\n]{1,300}\]\([^()\s]{1,1000}\)"
)
_CLOSERS = tuple(")]}")


def prose(text: str, start: int, end: int, room: int, measure: Measure) -> Iterator[Piece]:
    """Sentences, those too long for `room` by clauses, then words, then characters."""
    found = [at + start for _, at in sentences(text[start:end])][:-1]
    for a, b in _between(start, _outside(text, start, end, found), end):
        gap = b + len(text[b : b + 200]) - len(text[b : b + 200].lstrip())
        cut = CUT_AT_BREAK if "\n\n" in text[b:gap] else CUT_AT_SENTENCE
        yield from _fitting(text, a, b, cut, room, measure)


def lines(text: str, start: int, end: int, room: int, measure: Measure) -> Iterator[Piece]:
    """Lines of code; a cut is cheapest after a blank line before a definition at the outermost level."""
    spans = [(a, b) for a, b in _between(start, _line_ends(text, start, end), end) if b > a]
    for number, (a, b) in enumerate(spans):
        following = text[spans[number + 1][0] : spans[number + 1][1]] if number + 1 < len(spans) else ""
        yield from _fitting(text, a, b, _after_line(text[a:b], following), room, measure)


def formulas(text: str, start: int, end: int, room: int, measure: Measure) -> Iterator[Piece]:
    r"""Lines of a formula that has no room as a whole, best after one that ends with `\\`."""
    for a, b in _between(start, _line_ends(text, start, end), end):
        cut = CUT_AT_SENTENCE if text[a:b].rstrip().endswith("\\\\") else CUT_INSIDE
        yield from _fitting(text, a, b, cut, room, measure)


def indent(line: str) -> int:
    """Width of the white space before the first letter, a tab as wide as four spaces."""
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())


def _line_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Line ends, blank lines going with the line before them."""
    at = start
    while (at := text.find("\n", at, end)) >= 0:
        while at < end and text[at] == "\n":
            at += 1
        yield at


def _after_line(line: str, following: str) -> float:
    bare = line.rstrip()
    if bare.endswith(("{", "(", "[", ":", ",", "\\")) or following.lstrip().startswith(_CLOSERS):
        return CUT_OPEN
    blank = "\n\n" in line[len(bare) :]
    if not indent(following):
        return CUT_AT_BREAK if blank else CUT_AT_SENTENCE
    # Dearer than a chunk more: a definition that has room in one is not cut to save another.
    return CUT_BODY if blank else CUT_BODY + CUT_AT_SENTENCE


def _outside(text: str, start: int, end: int, cuts: list[int]) -> Iterator[int]:
    """The cuts that part nothing which must stay whole."""
    whole = [match.span() for match in _WHOLE.finditer(text, start, end)] if cuts else []
    starts = [span[0] for span in whole]
    for cut in cuts:
        inside = bisect_right(starts, cut - 1) - 1
        if inside < 0 or whole[inside][1] <= cut:
            yield cut


def _between(start: int, cuts: Iterable[int], end: int) -> Iterator[tuple[int, int]]:
    yield from pairwise(dict.fromkeys([start, *cuts, end]))


def _fitting(text: str, start: int, end: int, cut: float, room: int, measure: Measure) -> Iterator[Piece]:
    """The piece itself if it has room, else its parts, of which the last may be cut after as it may."""
    if _short(start, end, room) and measure(start, end) <= room:
        yield start, end, cut
        return
    parts = list(_parts(text, start, end, (_CLAUSE, _SPACE), room, measure))
    for a, b in parts[:-1]:
        yield a, b, CUT_INSIDE
    yield *parts[-1], cut


def _parts(
    text: str, start: int, end: int, levels: tuple[re.Pattern[str], ...], room: int, measure: Measure
) -> Iterator[tuple[int, int]]:
    if not levels:
        yield from _slices(text, start, end, room, measure)
        return
    ends = (match.end() for match in levels[0].finditer(text, start, end))
    begin, size, at = start, 0, start
    for a, b in _between(start, _outside(text, start, end, list(ends)), end):
        own = measure(a, b) if _short(a, b, room) else room + 1
        if at > begin and size + own > max(1, room // _FINENESS):
            yield begin, at
            begin, size = a, 0
        if own > room:
            yield from _parts(text, a, b, levels[1:], room, measure)
            begin, size = b, 0
        else:
            size += own
        at = b
    if at > begin:
        yield begin, at


def _short(start: int, end: int, room: int) -> bool:
    """Whether it is worth counting: a longer text has too many tokens at any rate."""
    return end - start < CHARACTERS_PER_TOKEN * (room + 1)


def _slices(text: str, start: int, end: int, room: int, measure: Measure) -> Iterator[tuple[int, int]]:
    """Cut what has no separator left in it by characters, at most `room` tokens each."""
    length = CHARACTERS_PER_TOKEN * room
    while start < end:
        # A little above what had room last time: each slice is counted about twice, never the rest.
        stop = min(end, start + max(1, length * 5 // 4))
        while stop > start + 1 and (size := measure(start, stop)) > room:
            stop = start + max(1, min(stop - start - 1, (stop - start) * room // size))
        length = max(1, stop - start)
        stop = _whole(text, start, stop, end)
        yield start, stop
        start = stop


def _whole(text: str, start: int, stop: int, end: int) -> int:
    """The nearest cut before `stop` that parts no letter from its marks and no emoji in two."""
    if stop >= end:
        return end
    for cut in range(stop, max(start, stop - 16), -1):
        if not _joins(text[cut - 1], text[cut]):
            return cut
    return stop


def _joins(left: str, right: str) -> bool:
    if unicodedata.category(right) in ("Mn", "Me", "Mc") or "\U0001f3fb" <= right <= "\U0001f3ff":
        return True
    return "\u200d" in (left, right) or all("\U0001f1e6" <= c <= "\U0001f1ff" for c in (left, right))
