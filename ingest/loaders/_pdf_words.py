"""The words of a PDF page and where they stand, as pdfium finds them.

Places are in points from the page's top left corner as it is shown, that is after its own rotation.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Callable
from string import ascii_lowercase
from typing import Any, NamedTuple

from rag.text import normalise

Box = tuple[float, float, float, float]

SPACE, NEWLINE = " ", "\n"
# pdfium puts U+FFFE (formerly U+0002) for a hyphen at a line's end and drops the line break.
MARKS = "\ufffe\x02"
_WORD = re.compile(f"[^\\s{MARKS}]+[{MARKS}]?|[{MARKS}]")
_LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st",
    0x0132: "IJ", 0x0133: "ij",
}  # fmt: skip
# Replacement characters, half ones, those of private use, controls other than white space and marks.
_STRANGE = re.compile(
    "[\ufffd\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff\x00\x01\x03-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)
_UPRIGHT = 0.2  # radians that a line may lean
_FEW_CHARACTERS = 12


class Word(NamedTuple):
    """Characters `start` to `stop` of the page, in pdfium's count, and the box around them.

    `text` is as a document stores it; `before` is what stands between this word and the last one:
    "", a space or a line feed. `broken` marks a word that a hyphen ends at the end of a line.
    """

    start: int
    stop: int
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    before: str = SPACE
    broken: bool = False
    turned: bool = False

    @property
    def size(self) -> float:
        """The height of the word's box: about the font's size."""
        return self.y1 - self.y0


def read_words(page: Any) -> tuple[list[Word], bool]:
    """A page's words in the file's order, and whether they are garbled: glyphs without a meaning."""
    textpage = page.get_textpage()  # held: what is let go is closed
    raw = textpage.raw
    codes = _codes(raw)
    place, turn = _places(page, raw), _turns(page, raw)
    words: list[Word] = []
    last = 0
    for match in _WORD.finditer(codes):
        start, stop = match.span()
        between = codes[last:start]
        before = NEWLINE if "\n" in between or "\r" in between else SPACE if between else ""
        if words and words[-1].broken:
            before = NEWLINE
        last = stop
        text, broken = _written(match[0])
        if not text and not broken:
            continue
        first = place(start)
        box = first if stop == start + 1 else _around(first, place(stop - 1))
        # Only where a line begins: a line does not turn within itself.
        turned = turn(start) if before == NEWLINE or not words else words[-1].turned
        words.append(Word(start, stop, text, *box, before, broken, turned))
    return words, _is_garbled(codes, lambda number: _is_unmapped(raw, number))


def character_boxes(page: Any, numbers: list[int]) -> list[Box]:
    """The boxes of characters by pdfium's number."""
    textpage = page.get_textpage()
    place = _places(page, textpage.raw)
    return [place(number) for number in numbers]


def character_numbers(word: Word) -> list[int]:
    """For each character of the word's text the number of the one on the page that shows it."""
    size, count = len(word.text), word.stop - word.start
    if size == count:
        return list(range(word.start, word.stop))
    return [word.start + at * count // size for at in range(size)]


def _codes(raw: Any) -> str:
    import pypdfium2.raw as pdfium

    get = pdfium.FPDFText_GetUnicode
    count = max(0, pdfium.FPDFText_CountChars(raw))
    return "".join(chr(min(get(raw, number), 0x10FFFF)) for number in range(count))


def _written(found: str) -> tuple[str, bool]:
    """The word as a document stores it, and whether a hyphen breaks it here."""
    broken = found[-1] in MARKS
    text = found[:-1] if broken else found
    if text.isascii() and text.isprintable():
        return text, broken
    if any("\ud800" <= each <= "\udfff" for each in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = normalise(text.translate(_LIGATURES).replace("\u00ad", "-")).replace("\ufeff", "").strip()
    return text, broken


def _places(page: Any, raw: Any) -> Callable[[int], Box]:
    """A function that gives the box of a character by its number."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    reference = ctypes.byref(box)
    get = pdfium.FPDFText_GetLooseCharBox
    xx, xy, x, yx, yy, y = shown_from(page)

    def place(number: int) -> Box:
        if not get(raw, number, reference):
            return 0.0, 0.0, 0.0, 0.0
        left, bottom, right, top = box.left, box.bottom, box.right, box.top
        if not xy:  # not turned, or upside down: the usual page, and twice as fast
            x0, y0, x1, y1 = xx * left + x, yy * top + y, xx * right + x, yy * bottom + y
        else:
            x0, y0, x1, y1 = xy * top + x, yx * left + y, xy * bottom + x, yx * right + y
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    return place


def shown_from(page: Any) -> tuple[float, float, float, float, float, float]:
    """(xx, xy, x, yx, yy, y): a point (a, b) of the file is shown at (xx*a + xy*b + x, yx*a + yy*b + y).

    In points from the top left of the page as shown. pdfium knows of inherited boxes, crops and
    rotation; it answers in whole pixels, so it is asked for large ones.
    """
    import pypdfium2.raw as pdfium

    width, height = page.get_size()
    across, down = ctypes.c_int(), ctypes.c_int()
    fine = 64

    def shown(a: float, b: float) -> tuple[float, float]:
        size = (round(width * fine), round(height * fine))
        pdfium.FPDF_PageToDevice(page.raw, 0, 0, *size, 0, a, b, ctypes.byref(across), ctypes.byref(down))
        return across.value / fine, down.value / fine

    x, y = shown(0, 0)
    turned = page.get_rotation()
    xx, yy = {0: (1.0, -1.0), 180: (-1.0, 1.0)}.get(turned, (0.0, 0.0))
    xy, yx = {90: (1.0, 1.0), 270: (-1.0, -1.0)}.get(turned, (0.0, 0.0))
    return xx, xy, x, yx, yy, y


def _turns(page: Any, raw: Any) -> Callable[[int], bool]:
    """A function that tells whether a character stands upright on the page as shown."""
    from math import cos, radians

    import pypdfium2.raw as pdfium

    rotation = radians(page.get_rotation())
    # The sign of pdfium's angle is not documented: a page and its text turn against each other.
    level = 1 - _UPRIGHT * _UPRIGHT / 2

    def turn(number: int) -> bool:
        angle = pdfium.FPDFText_GetCharAngle(raw, number)
        if angle < 0:
            return False
        return max(cos(angle - rotation), cos(angle + rotation)) < level

    return turn


def _around(first: Box, last: Box) -> Box:
    if first[0] == first[2]:
        return last
    if last[0] == last[2]:
        return first
    return (
        min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3]),
    )  # fmt: skip


def _is_unmapped(raw: Any, number: int) -> bool:
    import pypdfium2.raw as pdfium

    return bool(pdfium.FPDFText_HasUnicodeMapError(raw, number) == 1)


def _is_garbled(codes: str, is_unmapped: Callable[[int], bool]) -> bool:
    """Whether a third of the glyphs stand for no character, or most have no map and spell no words.

    Fonts without a map are common and mostly read right: only letters nearly without vowels, as
    glyph numbers taken for letters are, show that these do not.
    """
    total = sum(map(len, codes.split()))
    if total < _FEW_CHARACTERS:
        return False
    if 3 * len(_STRANGE.findall(codes)) >= total:
        return True
    folded = unicodedata.normalize("NFD", codes).lower()
    letters, vowels = (sum(map(folded.count, some)) for some in (ascii_lowercase, "aeiouy"))
    if letters < _FEW_CHARACTERS or 5 * vowels >= letters:
        return False
    shown = [number for number, each in enumerate(codes) if not each.isspace()]
    return 5 * sum(map(is_unmapped, shown)) >= 3 * total
