"""Columns of Markdown tables headed by a word for a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets.extent import KINDS
from ingest.secrets.spans import Span
from ingest.secrets.values import Family, Setting, secret

_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL = re.compile(r"[|]?((?:[^|\\\n]|\\.)*)")
_MARKS = "`*\"' \t"
_LINE = 2000
_COLUMNS = 20


class Header:
    """The header of the table in whose rows a place lies; asked in ascending order."""

    def __init__(self) -> None:
        self._asked = 0  # the beginning of a line, and the header of the table it lies in
        self._known = ""

    def above(self, text: str, at: int) -> tuple[str, int]:
        """The header of the table that goes on at `at` and where the row of `at` begins; "" and `at` where
        none does.
        """
        row = text.rfind("\n", max(0, at - _LINE), at) + 1
        known = self._found(text, row) if row else ""
        self._asked, self._known = row, known
        return (known, row) if known else ("", at)

    def _found(self, text: str, row: int) -> str:
        end = text.find("\n", row, row + _LINE)
        if end < 0 or "|" not in text[row:end]:
            return ""
        top, below = row, end + 1
        while top > self._asked:
            over = text.rfind("\n", max(self._asked, top - 1 - _LINE), top - 1) + 1 or self._asked
            if "|" not in text[over : top - 1]:
                break
            top, below = over, top
        else:
            if self._known:
                return self._known
        stop = text.find("\n", below, below + _LINE) + 1
        rule = text[below : max(below, stop - 1)]
        return text[top:stop] if stop and "|" in rule and _RULE.fullmatch(rule) else ""


def columns(text: str, at: int, family: Family, seen: set[tuple[int, int]]) -> Iterator[Span]:
    """Secrets below the word at `at`, if it heads a column; `seen` keeps the cells already read."""
    start = text.rfind("\n", max(0, at - _LINE), at) + 1
    end = text.find("\n", at, at + _LINE)
    if end < 0 or "|" not in text[start:end]:
        return
    stop = text.find("\n", end + 1, end + 1 + _LINE)
    below = text[end + 1 : stop if stop >= 0 else end + 1 + _LINE]
    if stop < 0 or "|" not in below or not _RULE.fullmatch(below):
        return
    column = text.count("|", start, at) - text.startswith("|", start)
    if column < _COLUMNS and (start, column) not in seen:
        yield from _rows(text, stop + 1, column, family, seen)


def _rows(text: str, at: int, column: int, family: Family, seen: set[tuple[int, int]]) -> Iterator[Span]:
    while (at, column) not in seen:
        seen.add((at, column))
        end = text.find("\n", at, at + _LINE)
        line = text[at : end if end >= 0 else at + _LINE]
        if "|" not in line:
            return
        if (cell := _cell(line, column)) is not None:
            begin, stop = cell
            setting = Setting(quoted=line[begin - 1] in "`\"'", telling=True)
            if secret(line[begin:stop], family, setting) and line[begin:stop].isascii():
                yield Span(KINDS[family], at + begin, at + stop)
        if end < 0:
            return
        at = end + 1


def _cell(line: str, column: int) -> tuple[int, int] | None:
    """Range of the bare content of a row's cell, if that is one word."""
    at = len(line) - len(line.lstrip()) if line.lstrip().startswith("|") else 0
    for number in range(column + 1):
        match = _CELL.match(line, at)
        if match is None or at >= len(line):
            return None
        if number == column:
            bare = match.group(1).strip(_MARKS)
            begin = match.start(1) + match.group(1).find(bare)
            return (begin, begin + len(bare)) if bare and " " not in bare else None
        at = match.end()
    return None
