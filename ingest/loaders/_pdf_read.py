"""Reading an opened PDF file in the child process: text, headings, places, pictures of pages."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.loaders._pdf_flow import Flow, flow, shown_by
from ingest.loaders._pdf_layout import rows
from ingest.loaders._pdf_margins import NEIGHBOURS, Key, edge_rows, keys, repeated
from ingest.loaders._pdf_outline import bookmarks, headings
from ingest.loaders._pdf_pieces import Row
from ingest.loaders._pdf_words import Box, Word, character_boxes, character_numbers, read_words, shown_from

MAX_CHARACTERS = 50_000_000
_PICTURE_DPI = 200
_PICTURE_PIXELS = 2600


class Refused(Exception):
    """A file that is not parsed to the end; `str` says why."""


@dataclass
class _Sheet:
    """One page laid out but not yet written: its margins depend on its neighbours."""

    number: int
    rows: Sequence[Row]
    height: float
    top: float | None
    edges: Sequence[frozenset[Key]]
    garbled: bool = False
    broken: bool = False

    def write(self, around: Iterable[_Sheet]) -> Flow:
        """The page's text without what its edges repeat of those of the pages around it."""
        if self.garbled:
            return Flow()
        left_out = repeated(self.rows, self.height, self.number, {each.number: each.edges for each in around})
        return flow([row for at, row in enumerate(self.rows) if at not in left_out])


def read(document: Any, *, drop_heads: bool) -> dict[str, Any]:
    """{"pages": texts, "headings": (page, offset, level, title), "broken", "garbled": page numbers, "title"}.

    `drop_heads` leaves out running heads, feet and page numbers. Raises Refused where the text is
    beyond every measure.
    """
    count = len(document)
    marks = bookmarks(document, count)
    answer: dict[str, Any] = {"pages": [], "headings": [], "broken": [], "garbled": []}
    room = MAX_CHARACTERS
    for sheet, written in _written(document, count, drop_heads):
        answer["pages"].append(written.text)
        found = headings(marks.get(sheet.number, ()), written, sheet.top)
        answer["headings"] += [(sheet.number, *heading) for heading in found]
        for kind in ("broken", "garbled"):
            if getattr(sheet, kind):
                answer[kind].append(sheet.number)
        room -= len(written.text)
        if room < 0:
            raise Refused(f"has more than {MAX_CHARACTERS:,} characters of text: split it")
    answer["title"] = document.get_metadata_dict().get("Title", "")
    return answer


def rectangles(document: Any, number: int, start: int, end: int, *, drop_heads: bool) -> list[Box]:
    """The boxes around `text[start:end]` of a page, one for each line, in points from its top left."""
    first, last = max(0, number - 1 - NEIGHBOURS), min(len(document), number + NEIGHBOURS)
    around = range(first, last) if drop_heads else range(max(0, number - 1), min(number, last))
    sheets = [_sheet(document, index, drop_heads) for index in around]
    own = next((sheet for sheet in sheets if sheet.number == number), None)
    if own is None:
        return []
    page = document[number - 1]
    try:
        return merged(_boxes(page, shown_by(own.write(sheets), start, end)))
    finally:
        page.close()


def _boxes(page: Any, shown: Sequence[tuple[Word, int, int]]) -> list[tuple[Box, bool]]:
    """The box of each word's part that is meant, and whether the word is turned."""
    numbers = [character_numbers(word)[begin:stop] for word, begin, stop in shown]
    boxes = iter(character_boxes(page, [number for own in numbers for number in own]))
    found = []
    for (word, _, _), own in zip(shown, numbers, strict=True):
        solid = [box for box in (next(boxes) for _ in own) if box[0] < box[2] and box[1] < box[3]]
        if solid:
            x0, y0, x1, y1 = zip(*solid, strict=True)
            found.append(((min(x0), min(y0), max(x1), max(y1)), word.turned))
    return found


def merged(boxes: Iterable[tuple[Box, bool]]) -> list[Box]:
    """Boxes of one line that follow each other made one; each comes with whether it is turned."""
    lines: list[Box] = []
    for box, turned in boxes:
        if lines and _on_one_line(lines[-1], box, turned):
            last = lines[-1]
            lines[-1] = (
                min(last[0], box[0]), min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3]),
            )  # fmt: skip
        else:
            lines.append(box)
    return lines


def _on_one_line(last: Box, box: Box, turned: bool) -> bool:
    along, across = (1, 0) if turned else (0, 1)
    thick = min(last[across + 2] - last[across], box[across + 2] - box[across])
    shared = min(last[across + 2], box[across + 2]) - max(last[across], box[across])
    gap = max(box[along] - last[along + 2], last[along] - box[along + 2])
    return shared > 0.4 * thick and gap < 2 * thick


def picture(document: Any, number: int) -> dict[str, Any]:
    """The page in shades of grey: {"width", "height", "scale": pixels a point, "grey": base64 of rows}."""
    page = document[number - 1]
    try:
        scale = min(_PICTURE_DPI / 72, _PICTURE_PIXELS / max(1.0, *page.get_size()))
        bitmap = page.render(scale=scale, grayscale=True)
        line, width, height = bitmap.stride, bitmap.width, bitmap.height
        data = bytes(bitmap.buffer)
        grey = b"".join(data[at * line : at * line + width] for at in range(height))
        bitmap.close()
    finally:
        page.close()
    return {"width": width, "height": height, "scale": scale, "grey": base64.b64encode(grey).decode("ascii")}


def _written(document: Any, count: int, drop_heads: bool) -> Iterator[tuple[_Sheet, Flow]]:
    """Every page with its text; no more of them are held than one page's margins depend on."""
    window: deque[_Sheet] = deque(maxlen=2 * NEIGHBOURS + 1)
    waiting: deque[_Sheet] = deque()
    for index in range(count):
        window.append(_sheet(document, index, drop_heads))
        waiting.append(window[-1])
        if len(waiting) > NEIGHBOURS:
            yield _next(waiting, window)
    while waiting:
        yield _next(waiting, window)


def _next(waiting: deque[_Sheet], window: Iterable[_Sheet]) -> tuple[_Sheet, Flow]:
    sheet = waiting.popleft()
    return sheet, sheet.write(each for each in window if abs(each.number - sheet.number) <= NEIGHBOURS)


def _sheet(document: Any, index: int, drop_heads: bool) -> _Sheet:
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return _Sheet(index + 1, [], 0.0, None, [], broken=True)
    try:
        words, garbled = read_words(page)
        height = float(page.get_height())
        top = shown_from(page)[-1] if page.get_rotation() == 0 else None
    except pypdfium2.PdfiumError:
        return _Sheet(index + 1, [], 0.0, None, [], broken=True)
    finally:
        # Closes its text page too; kept open, every page read would stay in memory.
        page.close()
    laid_out = [] if garbled else rows(words)
    edges = [keys(laid_out[at], index + 1) for at in edge_rows(laid_out, height)] if drop_heads else []
    return _Sheet(index + 1, laid_out, height, top, edges, garbled)
