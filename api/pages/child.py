"""`python -m api.pages.child`: draws one page of a PDF file, and ends.

A process of its own, because a hostile file takes down or blows up whoever parses it. The request is JSON
on standard input: "file" (a file descriptor), "passwords", "number", "quotes" (pairs for `matching.runs`),
"width", "memory_mb" and "seconds". The reply is a line of JSON, {"error"} or {"pages", "rectangles"}, and
after it the PNG file. Rectangles are [x0, y0, x1, y1] in shares of the page.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from api.pages import matching
from api.pages.png import png

_MOST_PIXELS = 6_000_000
_MOST_CHARACTERS = 200_000
_MOST_RECTANGLES = 100  # they travel in a header
_AIR = 0.002  # of the page's width, around each rectangle
_COLOUR = (1.0, 0.89, 0.42)  # what red, green and blue are multiplied with: paper yellow, ink as it was
_EDGE = bytes((197, 106, 58))


class Refused(Exception):
    """A page that cannot be drawn; `str` says why."""


def main() -> None:
    """Serve the one request."""
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write into the answer
    try:
        head, picture = _drawn(request)
    except MemoryError:
        head, picture = {"error": "it needs more memory than pdf.memory_mb allows"}, b""
    except Refused as error:
        head, picture = {"error": str(error)}, b""
    answers.write(json.dumps(head).encode() + b"\n" + picture)
    answers.flush()
    os._exit(0)  # nothing of the file is worth tidying up


def _drawn(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    import pypdfium2  # before the limits, which then count the file alone

    _limit(request["memory_mb"], request["seconds"])
    try:
        document = _opened(request["file"], request["passwords"])
        if request["number"] > len(document):
            raise Refused("the file has fewer pages")
        page = document[request["number"] - 1]
        bitmap = _rendered(page, request["width"])
        boxes = _boxes(page, bitmap, request["quotes"])
        picture = _picture(bitmap, boxes)
    except pypdfium2.PdfiumError:
        raise Refused("the file cannot be parsed") from None
    size = (bitmap.width, bitmap.height) * 2
    shares = [[round(at / most, 4) for at, most in zip(box, size, strict=True)] for box in boxes]
    return {"pages": len(document), "rectangles": shares}, picture


def _limit(memory_mb: int, seconds: float) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's one on time still holds
        return
    size = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))


def _opened(descriptor: int, passwords: list[str]) -> Any:
    import pypdfium2

    stream = os.fdopen(descriptor, "rb")
    for password in [None, *passwords]:
        try:
            return pypdfium2.PdfDocument(stream, password=password)
        except pypdfium2.PdfiumError as error:
            if "password" not in str(error).lower():
                raise
            stream.seek(0)
    raise Refused("the file is password-protected: its operator sets pdf.password")


def _rendered(page: Any, width: int) -> Any:
    across, down = page.get_size()
    if across <= 0 or down <= 0:
        raise Refused("the page has no size")
    scale = min(width / across, (_MOST_PIXELS / (across * down)) ** 0.5)
    return page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)


def _boxes(page: Any, bitmap: Any, quotes: list[tuple[str, float]]) -> list[tuple[int, int, int, int]]:
    """Pixels (left, top, right, bottom) of the rectangles around the quotations, a line each."""
    import pypdfium2.raw as pdfium

    if not quotes:
        return []
    textpage = page.get_textpage()
    get, raw = pdfium.FPDFText_GetUnicode, textpage.raw
    count = min(max(0, pdfium.FPDFText_CountChars(raw)), _MOST_CHARACTERS)
    codes = "".join(chr(min(get(raw, at), 0x10FFFF)) for at in range(count))
    place = bitmap.get_posconv(page)
    air = max(2, round(bitmap.width * _AIR))
    boxes = []
    found = [run for quote, before in quotes for run in matching.runs(codes, quote, before)]
    for first, stop in found:
        for number in range(textpage.count_rects(first, stop - first)):
            left, bottom, right, top = textpage.get_rect(number)
            x0, y0 = place.to_bitmap(left, top)
            x1, y1 = place.to_bitmap(right, bottom)
            box = (
                max(0, min(x0, x1) - air), max(0, min(y0, y1) - air),
                min(bitmap.width, max(x0, x1) + air), min(bitmap.height, max(y0, y1) + air),
            )  # fmt: skip
            if box[0] < box[2] and box[1] < box[3]:
                boxes.append(box)
    return _lines(boxes)[:_MOST_RECTANGLES]


def _lines(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Boxes that follow each other on one line made one: pdfium gives one for each run of a font."""
    lines: list[tuple[int, int, int, int]] = []
    for box in boxes:
        last = lines[-1] if lines else None
        if last is not None:
            high = min(last[3] - last[1], box[3] - box[1])
            shared = min(last[3], box[3]) - max(last[1], box[1])
            if shared > high / 2 and -high < box[0] - last[2] < 2 * high:
                lines[-1] = (
                    min(last[0], box[0]), min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3]),
                )  # fmt: skip
                continue
        lines.append(box)
    return lines


def _picture(bitmap: Any, boxes: list[tuple[int, int, int, int]]) -> bytes:
    if bitmap.n_channels != 3:
        raise Refused("the page cannot be drawn")
    line, width = bitmap.stride, bitmap.width
    data = bytes(bitmap.buffer)
    rows = [bytearray(data[at * line : at * line + 3 * width]) for at in range(bitmap.height)]
    tables = [bytes(round(value * share) for value in range(256)) for share in _COLOUR]
    for y, row in enumerate(rows):
        for left, right in _spans([box for box in boxes if box[1] <= y < box[3]]):
            for channel, table in enumerate(tables):
                pixels = slice(3 * left + channel, 3 * right + channel, 3)
                row[pixels] = row[pixels].translate(table)
    for left, top, right, bottom in boxes:
        # A line below, because on a dark page the colour does not show.
        for row in rows[bottom - max(2, (bottom - top) // 14) : bottom]:
            row[3 * left : 3 * right] = _EDGE * (right - left)
    return png([bytes(row) for row in rows], width)


def _spans(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int]]:
    """What the boxes cover of a row of pixels, each part once."""
    spans: list[tuple[int, int]] = []
    for left, right in sorted((box[0], box[2]) for box in boxes):
        if spans and left <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], right))
        else:
            spans.append((left, right))
    return spans


if __name__ == "__main__":
    main()
