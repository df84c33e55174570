"""Finds a quotation among the characters of a PDF page.

A document's text is not the page's: words broken at a line's end are mended, ligatures spelt out, white
space and reading order put right, running heads left out. So only letters and digits are compared, and
what does not stand there in one piece is looked for in halves, down to a few letters.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple, TypeAlias

Runs: TypeAlias = list[tuple[int, int]]

_SHORTEST = 6  # letters of a part that is looked for by itself
_SURE = 24  # a shorter part counts only near the ones before it
_NEAR = 400


class _Part(NamedTuple):
    """Letters `start` to `stop` of the quotation stand at `at` on the page."""

    start: int
    stop: int
    at: int


def fold(text: str) -> tuple[str, list[int]]:
    """Letters and digits alone, compatibility forms and accents undone, and where in `text` each stood."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for each in unicodedata.normalize("NFKD", character):
            if each.isalnum():
                letters.append(each)
                places.append(place)
    return "".join(letters), places


def runs(page: str, quote: str, before: float) -> Runs:
    """Ranges (first, stop) of `page`'s characters that show `quote`, in the quotation's order.

    `before` is the share of the page's text, 0 to 1, that stands before the quotation: of several places
    the one nearest to it is meant. What is not on the page is left out.
    """
    letters, places = fold(page)
    wanted, _ = fold(quote)
    if not letters or not wanted:
        return []
    parts: list[_Part] = []
    _look(letters, wanted, 0, len(wanted), round(before * len(letters)), parts)
    found: Runs = []
    for part in _grown(letters, wanted, parts):
        first, stop = places[part.at], places[part.at + part.stop - part.start - 1] + 1
        if found and found[-1][1] <= first and not fold(page[found[-1][1] : first])[0]:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((first, stop))
    return found


def _look(letters: str, wanted: str, start: int, stop: int, near: int, parts: list[_Part]) -> int:
    """Add the parts of `wanted[start:stop]` that are found; returns where the next one is expected."""
    size = stop - start
    at = _nearest(letters, wanted[start:stop], near)
    if at >= 0 and (size >= _SURE or size == len(wanted) or abs(at - near) <= _NEAR):
        parts.append(_Part(start, stop, at))
        return at + size
    if size < 2 * _SHORTEST:
        return near
    middle = (start + stop) // 2
    near = _look(letters, wanted, start, middle, near, parts)
    return _look(letters, wanted, middle, stop, near, parts)


def _nearest(letters: str, part: str, near: int) -> int:
    later = letters.find(part, near)
    earlier = letters.rfind(part, 0, near + len(part) - 1)
    if min(later, earlier) < 0:
        return max(later, earlier)
    return later if later - near <= near - earlier else earlier


def _grown(letters: str, wanted: str, parts: list[_Part]) -> list[_Part]:
    """Each part with the letters around it that stand on the page, too, up to the next part."""
    grown: list[_Part] = []
    for number, part in enumerate(parts):
        least = grown[-1].stop if grown else 0
        most = parts[number + 1].start if number + 1 < len(parts) else len(wanted)
        back = _common(wanted[least : part.start][::-1], letters[: part.at][::-1])
        after = part.at + part.stop - part.start
        ahead = _common(wanted[part.stop : most], letters[after : after + most - part.stop])
        grown.append(_Part(part.start - back, part.stop + ahead, part.at - back))
    return grown


def _common(one: str, other: str) -> int:
    """How many letters both begin with."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
