"""What of a statement can be held against its sources word for word: numbers with units, dates, names,
identifiers, quoted words, and whether it denies.

The rest, who did what to whom, needs a reader. The rules know English and Chinese.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rag.facts.dates import Date, dates
from rag.facts.negation import contradicted
from rag.facts.numerals import Number, numbers
from rag.text import CJK_CHARACTER, STOP_WORDS, stem

_LIST_MARK = re.compile(r"^\s*(?:(?:[-*+•#>|]+|\d{1,3}[.)、])\s*)+(?=\D)")
_QUOTED = re.compile(
    r"“([^“”\n]{1,80})”|\"([^\"\n]{1,80})\"|《([^《》\n]{1,80})》|「([^「」\n]{1,80})」|`([^`\n]{1,120})`"
)
# Letters with digits, dots between letters, underscores, a path, a flag: what a program would read.
_IDENTIFIER = re.compile(
    r"(?<![\w./-])(?:--?[A-Za-z][\w-]*|(?=[A-Za-z0-9])(?=[\w.:/-]{0,200}[A-Za-z])"
    r"(?:[A-Za-z0-9]+[_.:/]+)+[A-Za-z0-9_]+|/?(?:[\w.-]+/)+[\w.-]+"
    r"|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)(?![\w/])",
    re.ASCII,
)
_NAME = re.compile(r"(?<![\w'’])[A-Z][A-Za-z]*(?:['’-][A-Za-z]+)*")
_LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]*")
# Where a transliterated name begins and ends cannot be seen: what stands at its point is compared.
_CJK_NAME = re.compile(rf"{CJK_CHARACTER.pattern}·{CJK_CHARACTER.pattern}{{1,2}}")
_OPENS = re.compile(r"(?:^|[.!?:;。！？：；]\s*|\n\s*)[\s\"“‘'(\[*_>#-]*$")
_REACH = 12  # characters in which the beginning of a sentence is looked for
_ENDS = " \t\n.,;:!?。，；：！？"
_NUMBERED = re.compile(r"\d+(?:st|nd|rd|th|s|m|k|bn|x|%)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sources:
    """The words that may bear a statement out, read once."""

    text: str
    units: Mapping[Decimal | str, frozenset[str | None]]  # of every number, those it stands with
    dates: tuple[Date, ...]
    words: frozenset[str]


def sources(texts: Sequence[str]) -> Sources:
    """The quotes of one statement and what belongs to them, as their headings."""
    folded = _folded("\n".join(texts))
    written = {part for word in _LATIN.findall(folded) for part in (word, *word.split("-"))}
    words = {stem(_bare(word).casefold()) for word in written}
    units: dict[Decimal | str, set[str | None]] = {}
    for number in numbers(folded):
        units.setdefault(number.value, set()).add(number.unit)
    return Sources(
        folded, {value: frozenset(own) for value, own in units.items()}, _distinct(folded), frozenset(words)
    )


def _distinct(folded: str) -> tuple[Date, ...]:
    return tuple({(date.year, date.month, date.day): date for date in dates(folded)}.values())


def missing(statement: str, held: Sources) -> list[str]:
    """What the statement claims and the sources do not hold, in the statement's words; empty if all is
    borne out. A denial that only one side has is named by the words it denies.

    Names and denials are compared only within one script: nothing is known of translations.
    """
    said = _LIST_MARK.sub("", _folded(statement))
    dated = frozenset(at for date in dates(said) for at in range(date.start, date.end))
    found = [*_dates_and_numbers(said, dated, held), *_quoted(said, held), *_identifiers(said, held)]
    names = _names(said, held, dated) if held.words else iter(())
    found += [name for name in names if not any(name in each for each in found)]
    if bool(CJK_CHARACTER.search(said)) == bool(CJK_CHARACTER.search(held.text)):
        found += (each.group() for each in _CJK_NAME.finditer(said) if each.group() not in held.text)
        found += contradicted(said, held.text)
    return list(dict.fromkeys(found))


def _folded(written: str) -> str:
    """Full-width forms folded, invisible characters gone, case kept."""
    visible = "".join(each for each in written if unicodedata.category(each) != "Cf")
    return unicodedata.normalize("NFKC", visible)


def _dates_and_numbers(said: str, dated: Collection[int], held: Sources) -> Iterator[str]:
    for date in dates(said):
        if not any(date.within(other) for other in held.dates):
            yield said[date.start : date.end]
    for number in numbers(said):
        if number.start not in dated and number.sure and not _has_number(number, held):
            yield said[number.start : number.end].strip()


def _has_number(number: Number, held: Sources) -> bool:
    units = held.units.get(number.value, frozenset())
    return bool(units) if number.unit is None else not units.isdisjoint((None, number.unit))


def _quoted(said: str, held: Sources) -> Iterator[str]:
    plain = _plain(held.text)
    for found in _QUOTED.finditer(said):
        words = next(group for group in found.groups() if group is not None)
        if _plain(words.strip(_ENDS)) not in plain:
            yield words


def _plain(written: str) -> str:
    """Without white space, emphasis, quotation marks and case."""
    return re.sub(r"[\s*_`\"'“”‘’]+", "", written).casefold()


def _identifiers(said: str, held: Sources) -> Iterator[str]:
    own = held.text.casefold()
    for found in _IDENTIFIER.finditer(said):
        word = found.group().rstrip(".:-/")
        known = re.escape(word.casefold())
        if not _NUMBERED.fullmatch(word) and not re.search(rf"(?<![A-Za-z0-9]){known}(?![A-Za-z0-9])", own):
            yield word


def _names(said: str, held: Sources, dated: Collection[int]) -> Iterator[str]:
    for found in _NAME.finditer(said):
        word = _bare(found.group())
        opens = _OPENS.search(said, max(0, found.start() - _REACH), found.start()) is not None
        goes_on = re.match(r"\s+[A-Z]", said[found.end() : found.end() + 3]) is not None
        ordinary = len(word) < 2 or word.casefold() in STOP_WORDS or (opens and not goes_on)
        if ordinary or found.start() in dated:
            continue
        if stem(word.casefold()) not in held.words:
            yield word


def _bare(word: str) -> str:
    return re.sub(r"['’]s?$", "", word)
