"""Dates as people write them, English and Chinese: 12 March 1856, March 1856, 1856-03-12, 1856年3月12日."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.facts.numerals import numbers

_MONTHS = {
    name: number
    for number, names in enumerate(
        "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sept|sep "
        "october|oct november|nov december|dec".split(),
        1,
    )
    for name in names.split("|")
}
_NAME = "|".join(sorted((name.title() for name in _MONTHS), key=len, reverse=True))
_DAY = r"(?P<day{0}>[0-3]?\d)(?:st|nd|rd|th)?"
_HAN = "〇零一二三四五六七八九十"
_DATE = re.compile(
    rf"(?<![\d.])(?P<yi>[12]\d{{3}})[-/.](?P<mi>0?[1-9]|1[0-2])[-/.](?P<di>[0-3]?\d)(?![\d.])"
    rf"|(?:{_DAY.format(1)}\s+(?:of\s+)?)?\b(?P<m1>{_NAME})\b\.?,?\s+(?P<y1>[12]\d{{3}})(?!\d)"
    rf"|\b(?P<m2>{_NAME})\b\.?\s+{_DAY.format(2)}(?![\d:])(?:,?\s+(?P<y2>[12]\d{{3}})(?!\d))?"
    rf"|{_DAY.format(3)}\s+(?:of\s+)?(?P<m3>{_NAME})\b"
    rf"|(?<=\b[Ii]n )(?P<m4>{_NAME})\b"
    rf"|(?:(?P<yz>\d{{4}}|[〇零一二三四五六七八九]{{4}})\s*年\s*)?(?P<mz>\d{{1,2}}|[{_HAN}]{{1,3}})\s*月"
    rf"(?:\s*(?P<dz>\d{{1,2}}|[{_HAN}]{{1,3}})\s*[日号號])?"
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date with a month, and where it stands; what is not told is None."""

    year: int | None
    month: int
    day: int | None
    start: int
    end: int

    def within(self, other: Date) -> bool:
        """Whether the other date tells all that this one does, and the same."""
        return self.month == other.month and all(
            own is None or own == theirs for own, theirs in ((self.year, other.year), (self.day, other.day))
        )


def dates(text: str) -> Iterator[Date]:
    """The dates of a text whose full-width forms are folded, in order; a year alone is a number."""
    for found in _DATE.finditer(text):
        groups = found.groupdict()
        year = _first(groups, ("yi", "y1", "y2", "yz"))
        day = _first(groups, ("di", "day1", "day2", "day3", "dz"))
        month = _first(groups, ("mi", "m1", "m2", "m3", "m4", "mz"))
        if month is not None and 1 <= month <= 12 and (day is None or 1 <= day <= 31):
            yield Date(year, month, day, *found.span())


def _first(groups: dict[str, str | None], names: tuple[str, ...]) -> int | None:
    written = next((groups[name] for name in names if groups[name]), None)
    if written is None:
        return None
    if written.lower() in _MONTHS:
        return _MONTHS[written.lower()]
    value = next(iter(numbers(written))).value
    return int(value) if not isinstance(value, str) else None
