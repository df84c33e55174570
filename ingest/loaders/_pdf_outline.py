"""The outline of a PDF file: its bookmarks as headings at the places in the text they point to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ingest.loaders._pdf_flow import Flow
from rag.text import normalise

_MOST = 10_000
_DEEPEST = 6
_TITLE = 300


class Bookmark(NamedTuple):
    """A title, its level from 1, and how far down its page it points, in points (None: its head)."""

    title: str
    level: int
    y: float | None


def bookmarks(document: Any, count: int) -> dict[int, list[Bookmark]]:
    """The bookmarks of each page, by the page's number from 1; those that lead nowhere left out."""
    found: dict[int, list[Bookmark]] = {}
    for seen, item in enumerate(document.get_toc(max_depth=_DEEPEST)):
        if seen >= _MOST:
            break
        title = " ".join(normalise(item.get_title()).split())[:_TITLE]
        destination = item.get_dest()
        index = destination.get_index() if destination else None
        if not title or index is None or not 0 <= index < count:
            continue
        found.setdefault(index + 1, []).append(Bookmark(title, item.level + 1, _height(destination)))
    return found


def headings(marks: Sequence[Bookmark], flow: Flow, top: float | None) -> list[tuple[int, int, str]]:
    """(offset in the page's text, level, title) of a page's bookmarks, in order of place.

    `top` is where the page's upper edge lies in the file's own measure; None where it was turned.
    """
    found, least = [], 0
    for mark in marks:
        y = None if mark.y is None or top is None else top - mark.y
        least = max(least, _offset(mark, flow, y))  # an outline goes forward
        found.append((least, mark.level, mark.title))
    return found


def _height(destination: Any) -> float | None:
    import pypdfium2.raw as pdfium

    kind, place = destination.get_view()
    if kind == pdfium.PDFDEST_VIEW_XYZ and len(place) > 1:
        return float(place[1])
    if kind in (pdfium.PDFDEST_VIEW_FITH, pdfium.PDFDEST_VIEW_FITBH) and place:
        return float(place[0])
    return None


def _offset(mark: Bookmark, flow: Flow, y: float | None) -> int:
    """Where the title stands on the page; else the first row below the place pointed to; else its head.

    A row may carry a number the title lacks; but a running head does as well, so that comes last.
    """
    wanted = _letters(mark.title)
    written = [(_letters(row.text), offset) for offset, row in flow.starts]
    for text, offset in written:
        if wanted and text == wanted:
            return offset
    if y is not None:
        below = (offset for offset, row in flow.starts if row.y1 > y and not row.pieces[0].turned)
        return next(below, 0)
    return next((offset for text, offset in written if wanted and text.lstrip("0123456789") == wanted), 0)


def _letters(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())
