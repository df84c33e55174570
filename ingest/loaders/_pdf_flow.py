"""A page's rows as running text: paragraphs joined, broken words mended, cells told apart.

Beside the text stand the places in it where words begin, so that a range of the text can be led
back to the characters on the page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ingest.loaders._pdf_pieces import Row
from ingest.loaders._pdf_words import SPACE, Word
from rag.text import CJK_CHARACTER, normalise

LINE, PARAGRAPH, CELL = "\n", "\n\n", " | "
_ITEM = re.compile(
    r"[•◦▪‣·●○■–—*-]\s|[•◦▪‣●○■]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]\s|（?[一二三四五六七八九十\d]+[）、]"
)
_LEADER = re.compile(r"\.{4}|(?:\. ){3}")
_CJK_MARK = re.compile("[\u3000-\u303f\uff00-\uff65]")
_HANGUL = re.compile("[\uac00-\ud7af]")
# Before these a hyphen is nearly always the word's own: well-known, self-made.
_PREFIXES = frozenset("well self half ill ex non quasi vice".split())
_AND = frozenset("and or to und oder bis".split())
_INDENT = 0.8


@dataclass(slots=True)
class Flow:
    """A page's text; `placed` are (offset, word) in order, `starts` the offsets of its rows."""

    text: str = ""
    placed: list[tuple[int, Word]] = field(default_factory=list)
    starts: list[tuple[int, Row]] = field(default_factory=list)


def flow(rows: Sequence[Row]) -> Flow:
    """The rows as text: `normalise`d, without blank ends."""
    return _Writer(_with_breaks(rows)).write()


class _Writer:
    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._parts: list[str] = []
        self._length = 0
        self._flow = Flow()
        self._edges = _right_edges(rows)
        self._vocabulary: set[str] | None = None

    def write(self) -> Flow:
        last: Row | None = None
        first_of_paragraph = True
        for row in self._rows:
            if last is not None:
                joint = self._between(last, row, first_of_paragraph)
                self._put(joint)
                first_of_paragraph = joint in (LINE, PARAGRAPH)
            self._flow.starts.append((self._length, row))
            self._row(row)
            last = row
        if last is not None and last.pieces[-1].words[-1].broken:
            self._put("-")
        return self._finished()

    def _finished(self) -> Flow:
        text = "".join(self._parts)
        self._flow.text = text
        if not unicodedata.is_normalized("NFC", text):
            # A mark at a word's start joined the letter before it: places are near enough, text exact.
            self._flow.text = normalise(text)
            share = len(self._flow.text) / len(text)
            self._flow.placed = [(int(at * share), word) for at, word in self._flow.placed]
            self._flow.starts = [(int(at * share), row) for at, row in self._flow.starts]
        return self._flow

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _row(self, row: Row) -> None:
        for number, piece in enumerate(row.pieces):
            if number:
                self._put(CELL if row.table else SPACE)
            for joint, word in zip(piece.joints, piece.words, strict=True):
                self._put(joint)
                self._flow.placed.append((self._length, word))
                self._put(word.text)

    def _between(self, last: Row, row: Row, first: bool) -> str:
        if last.pieces[-1].words[-1].broken:
            return self._mended(last, row)
        if last.table or row.table:
            return LINE if last.table and row.table else PARAGRAPH
        if last.pieces[-1].turned or row.pieces[0].turned:
            return LINE
        if last.pieces[0].column != row.pieces[0].column or row.y1 <= last.y0:
            return self._over_a_gap(last, row)
        if row.y0 - last.y1 > 0.6 * max(last.size, row.size) or not _same_size(last, row):
            return PARAGRAPH
        return self._in_block(last, row, first)

    def _in_block(self, last: Row, row: Row, first: bool) -> str:
        if _ITEM.match(row.text) or _LEADER.search(last.text):
            return LINE
        indent = row.x0 - last.x0
        item = bool(_ITEM.match(last.text))
        if indent > _INDENT * row.size and not item:
            return LINE if not self._is_full(last, row) else PARAGRAPH
        if not self._is_full(last, row):
            return LINE
        if indent < -_INDENT * row.size and not first:
            return PARAGRAPH
        return _run_on(last, row)

    def _over_a_gap(self, last: Row, row: Row) -> str:
        """Between the foot of a column and the head of the next."""
        runs_on = row.text[:1].islower() and last.text[-1:] not in ".!?:;。！？"
        return _run_on(last, row) if runs_on and _same_size(last, row) else PARAGRAPH

    def _is_full(self, last: Row, row: Row) -> bool:
        """Whether the next row's first word would not have found room at this one's end."""
        word = row.pieces[0].words[0]
        need = word.x1 - word.x0 + 0.2 * row.size
        if CJK_CHARACTER.match(word.text):
            need = 1.2 * row.size
        return last.x1 + need > self._edges[last.pieces[0].column] - 0.1 * row.size

    def _mended(self, last: Row, row: Row) -> str:
        """Nothing where a broken word is made whole, a hyphen where it seems the word's own."""
        left = re.search(r"\w*$", last.text)
        right = re.match(r"\w*", row.text)
        before, after = left[0] if left else "", right[0] if right else ""
        if not before or not after:
            return "-" if after else "- "
        if self._vocabulary is None:
            text = " ".join(each.text for each in self._rows).lower()
            self._vocabulary = set(re.findall(r"\w+(?:-\w+)*", text))
        return mend(before, after, self._vocabulary)


def _with_breaks(rows: Sequence[Row]) -> list[Row]:
    """The rows with the plain hyphens marked that break a word at their end.

    pdfium marks only those at the end of a line of the file, not at that of a column beside another.
    """
    found = [*rows]
    for at, (row, after) in enumerate(pairwise(rows)):
        word = row.pieces[-1].words[-1]
        hyphen = len(word.text) > 1 and word.text[-1] in "-‐" and word.text[-2].isalpha()
        if hyphen and after.text[:1].isalpha() and not (row.table or word.broken or word.turned):
            shorter = word._replace(text=word.text[:-1], stop=max(word.start + 1, word.stop - 1), broken=True)
            last = row.pieces[-1]
            mended = replace(last, words=[*last.words[:-1], shorter])
            found[at] = Row([*row.pieces[:-1], mended], row.table)
    return found


def mend(left: str, right: str, vocabulary: set[str]) -> str:
    """What stands between the halves of a word broken at a line's end: nothing or its own hyphen.

    A hyphen that stands for a part to come ("in- and output") keeps the space after it as well.
    `vocabulary` are the page's words in lower case: as they are written so is this one.
    """
    if right.lower() in _AND:
        return "- "
    if f"{left}-{right}".lower() in vocabulary:
        return "-" if f"{left}{right}".lower() not in vocabulary else ""
    if f"{left}{right}".lower() in vocabulary:
        return ""
    if not (left[-1].isalpha() and right[0].islower()):
        return "-"
    return "-" if left.lower() in _PREFIXES and len(right) > 3 else ""


def _run_on(last: Row, row: Row) -> str:
    """Between two lines of a paragraph: Chinese is written without spaces."""
    before, after = last.text[-1:], row.text[:1]
    for side in (before, after):
        if _CJK_MARK.match(side) or (CJK_CHARACTER.match(side) and not _HANGUL.match(side)):
            return ""
    return SPACE


def _same_size(last: Row, row: Row) -> bool:
    return 0.8 < row.size / max(last.size, 0.01) < 1.25


def _right_edges(rows: Sequence[Row]) -> dict[int, float]:
    """How far to the right the lines of each column go; a few that stand out do not count."""
    ends: dict[int, list[float]] = {}
    for row in rows:
        ends.setdefault(row.pieces[0].column, []).append(row.x1)
    return {column: sorted(own, reverse=True)[len(own) // 10] for column, own in ends.items()}


def shown_by(found: Flow, start: int, end: int) -> list[tuple[Word, int, int]]:
    """The words that show `text[start:end]`, each with the range of its own text that is meant."""
    words = []
    for at, word in found.placed:
        first, last = max(start - at, 0), min(end - at, len(word.text))
        if first < last:
            words.append((word, first, last))
    return words
