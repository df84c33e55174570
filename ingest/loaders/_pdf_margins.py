"""Running heads, feet and page numbers: what stands at the same place on page after page.

Only a page's neighbours are asked, so that one page can be read again without the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ingest.loaders._pdf_pieces import Row

NEIGHBOURS = 6
_PAGES = 3
_EDGE_ROWS = 2
_MARGIN = 0.15
_HEIGHT_STEP = 4.0
_NUMBER = re.compile(r"\d{1,5}|\b[ivxlc]{1,7}\b|\b[IVXLC]{1,7}\b")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

# What a row at a page's edge is known by: its place, its text, and whether it is a number alone.
Key = tuple[int, str]
Edges = Mapping[int, Sequence[frozenset[Key]]]


def edge_rows(rows: Sequence[Row], height: float) -> list[int]:
    """The numbers of the rows nearest to the page's head and foot, and near enough to be margin."""
    upright = [at for at, row in enumerate(rows) if not row.pieces[0].turned and row.text.strip()]
    by_height = sorted(upright, key=lambda at: rows[at].y0)
    head = [at for at in by_height[:_EDGE_ROWS] if rows[at].y1 < _MARGIN * height]
    foot = [at for at in by_height[-_EDGE_ROWS:] if rows[at].y0 > (1 - _MARGIN) * height]
    return sorted({*head, *foot})


def keys(row: Row, page: int) -> frozenset[Key]:
    """What the row has in common with its like on other pages.

    Its text, and its text with one number replaced by that number's distance from the page's: so
    page numbers are alike and numbers that say something are not.
    """
    text = " ".join(row.text.split())
    places = {round(row.y0 / _HEIGHT_STEP), round(row.y0 / _HEIGHT_STEP + 0.5)}
    texts = {text}
    for match in _NUMBER.finditer(text):
        texts.add(f"{text[: match.start()]}<{_value(match[0]) - page}>{text[match.end() :]}")
    return frozenset((place, each) for place in places for each in texts)


def repeated(rows: Sequence[Row], height: float, page: int, edges: Edges) -> set[int]:
    """The numbers of the rows to leave out of this page.

    `edges` are the keys of the edge rows of the pages from `page - NEIGHBOURS` to `page +
    NEIGHBOURS`. A text that repeats is kept where it comes first; a bare page number never is.
    """
    found = set()
    for at in edge_rows(rows, height):
        own = keys(rows[at], page)
        alike = [other for other, known in edges.items() if any(own & each for each in known)]
        if len({page, *alike}) < _PAGES:
            continue
        bare = not any(map(str.isalpha, _NUMBER.sub("", rows[at].text)))
        if bare or min(alike) < page:
            found.add(at)
    return found


def _value(number: str) -> int:
    if number.isdigit():
        return int(number)
    values = [_ROMAN[each] for each in number.lower()]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < after else value for value, after in pairs)
