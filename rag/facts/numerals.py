"""Numbers as people write them, in digits and in words, English and Chinese, and their values.

3.5万 is 35000, 百分之五 is 5 %, two thousand is 2000, １，２３４ is 1234, 二〇一五 is 2015.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
}
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}
_DIGITS |= {"〇": 0, "两": 2, "兩": 2, "壹": 1, "贰": 2, "叁": 3}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_HAN = "".join([*_DIGITS, *_PLACES, *_MYRIADS])
_LONGEST = 40  # characters; what names more places than that is no number
_FRACTIONS = {"百": "%", "千": "‰"}
# A unit and every way it is written.
_UNITS = {
    "%": "%|percent|per cent",
    "‰": "‰",
    "kB": "kb",
    "MB": "mb",
    "GB": "gb",
    "TB": "tb",
    "GHz": "ghz",
    "MHz": "mhz",
    "°C": "°c",
    "°F": "°f",
    "km": "km|kilometres|kilometers|公里",
    "kg": "kg|公斤|千克",
    "cm": "cm|厘米",
    "mm": "mm|毫米",
    "mile": "miles|mile|英里",
    "m": "metres|meters|metre|meter|米",
    "foot": "feet|英尺",
    "ms": "ms|毫秒",
    "s": "seconds|second|秒",
    "min": "minutes|minute|分钟|分鐘",
    "h": "hours|hour|小时|小時",
    "day": "days|day|天",
    "week": "weeks|week|周|週",
    "month": "months|month|个月|個月",
    "year": "years|year",
}
_UNIT_NAMES = {name: unit for unit, names in _UNITS.items() for name in names.split("|")}
_UNIT = "|".join(sorted(map(re.escape, _UNIT_NAMES), key=len, reverse=True))
_WORD = "|".join([*_SMALL, *_TENS, *_SCALES])
_FIGURES = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*"
_NUMBER = re.compile(
    rf"(?P<share>[百千])分之(?P<part>{_FIGURES}|[{_HAN}]+(?:[点點][{_HAN}]+)?)"
    rf"|(?P<figures>{_FIGURES})(?P<scale>\s*(?:hundred|thousand|million|billion|trillion|dozen)\b|[十百千]?[万萬亿億]|[千百](?![分\w]))?"
    rf"|(?P<han>[{_HAN}]+(?:[点點][{''.join(_DIGITS)}]+)?)"
    rf"|(?<![A-Za-z])(?P<words>(?:{_WORD})(?:(?:(?<=[dn])\s+and)?[\s-]+(?:{_WORD}))*)(?![A-Za-z])",
    re.IGNORECASE,
)
_UNIT_AFTER = re.compile(rf"[\s-]*(?P<unit>{_UNIT})(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number and where it stands; `text[start:end]` with the unit. `unit` is None if none is known.

    `sure` is False for words that often are no number: one, 一, 千 in a name.
    """

    value: Decimal | str
    unit: str | None
    start: int
    end: int
    sure: bool


def numbers(text: str) -> Iterator[Number]:
    """The numbers of a text whose full-width forms are folded (`rag.text.fold` or NFKC), in order.

    A dotted number that is none, as 1.2.3, has its own text as its value.
    """
    for found in _NUMBER.finditer(text):
        value, unit, sure = _value(found)
        if value is None:
            continue
        end = found.end()
        after = _UNIT_AFTER.match(text, end)
        if unit is None and after:
            unit, end = _UNIT_NAMES[after["unit"].lower()], after.end()
        if found["han"]:
            ordinal = text[max(0, found.start() - 1) : found.start()] == "第"
            sure = sure or ordinal or unit is not None
        yield Number(value, unit, found.start(), end, sure)


def _value(found: re.Match[str]) -> tuple[Decimal | str | None, str | None, bool]:
    if found["share"]:
        part = found["part"]
        value = _han(part) if part[0] in _HAN else _figures(part)
        return value, _FRACTIONS[found["share"]], True
    if found["figures"]:
        value = _figures(found["figures"])
        if found["scale"] and isinstance(value, Decimal):  # a product is rounded to 28 digits
            value *= _scale(found["scale"].strip().lower())
        return value, None, True
    if found["han"]:
        return _han(found["han"]), None, len(found["han"]) > 1
    words = [word for word in re.findall("[a-z]+", found["words"].lower()) if word != "and"]
    return _words(words), None, words not in (["one"], ["zero"])


def _figures(written: str) -> Decimal | str:
    bare = written.replace(",", "")
    return Decimal(bare) if bare.count(".") <= 1 else bare


def _scale(written: str) -> int:
    if written in _SCALES:
        return _SCALES[written]
    product = 1
    for character in written:
        product *= _PLACES.get(character, 1) * _MYRIADS.get(character, 1)
    return product


def _han(written: str) -> Decimal | None:
    whole, _, part = written.replace("點", "点").partition("点")
    value = _han_whole(whole)
    if value is None or not part:
        return value
    return value + Decimal("0." + "".join(str(_DIGITS.get(each, 0)) for each in part))


def _han_whole(written: str) -> Decimal | None:
    """Digit by digit (二〇一五) where no place is named, else by places within myriads; None if endless."""
    if all(each in _DIGITS for each in written):
        return Decimal("".join(str(_DIGITS[each]) for each in written))
    if len(written) > _LONGEST:
        return None
    total = section = digit = 0
    for each in written:
        if each in _DIGITS:
            digit = _DIGITS[each]
        elif each in _PLACES:
            section += (digit or 1) * _PLACES[each]
            digit = 0
        else:
            own = section + digit
            total = total + own * _MYRIADS[each] if own else (total or 1) * _MYRIADS[each]
            section = digit = 0
    return Decimal(total + section + digit)


def _words(words: list[str]) -> Decimal:
    total = section = 0
    for word in words:
        if word in _SMALL or word in _TENS:
            section += _SMALL.get(word, 0) + _TENS.get(word, 0)
        elif _SCALES[word] <= 100:
            section = (section or 1) * _SCALES[word]
        else:
            total += (section or 1) * _SCALES[word]
            section = 0
    return Decimal(total + section)
