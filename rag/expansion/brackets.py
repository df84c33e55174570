"""What brackets in a passage say of a question's terms: 键值缓存（KV cache）, KV cache（键值缓存）,
"retrieval-augmented generation (RAG)".

A sighting is sharp where the bounds of both forms are certain: what is in brackets begins and ends there,
and of a term before them the question, a mark or a function word tells the beginning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from rag import text
from rag.language.characters import STOP_CHARACTERS, simplify

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_CHINESE = re.compile(f"[{_HAN}]{{2,12}}")
_CHINESE_BEFORE = re.compile(f"[{_HAN}]{{2,20}}$")
_LETTERS = r"[\w.+#&/'-]"
_LATIN = re.compile(rf"[A-Za-z]{_LETTERS}*(?: {_LETTERS}+){{0,5}}", re.ASCII)
_LATIN_BEFORE = re.compile(rf"(?<!{_LETTERS})[A-Za-z]{_LETTERS}*(?: {_LETTERS}+){{0,9}}$", re.ASCII)
_BRACKETS = re.compile("[(（]([^()（）\n]{2,80})[)）]")
_PARTS = re.compile("[,，;；、]")
_MARKS = " *_`\"'“”‘’「」『』《》<>"
_CLAUSE = 120  # characters before a bracket that are looked at
_LONGEST = 12  # characters of a Chinese term
# What stands before a form in brackets and is no part of it.
_INTRODUCING = re.compile(
    r"^(?:(?:英文|英语|中文|原文|简称|缩写|又称|也称|即|全称|译作)[名为作是]?|or |also |i\.e\.)[:,]?\s*"
)
# Brackets also refer, and these are no forms.
_REFERRING = re.compile("参见|参考|参阅|详见|例如|比如|如下|左|右|上|下|可选|默认|注")
# Characters before which a term hardly goes on to the left, and with which none begins or ends.
_EDGES = STOP_CHARACTERS | frozenset("用称叫作做即种名该")
_EDGE = re.compile(f"[{''.join(sorted(_EDGES))}]")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A term of the question as it is asked and its other form, Latin ones in lower case."""

    asked: str
    other: str
    sharp: bool


def plain(written: str) -> str:
    """Full-width forms and Traditional characters replaced; case stays, it tells abbreviations."""
    return simplify(unicodedata.normalize("NFKC", written))


def sightings(passage: str, question: str, abbreviations: bool) -> Iterator[Sighting]:
    """What the passage's brackets say of terms in `question`, which is `plain`."""
    folded = question.casefold()
    for bracket in _BRACKETS.finditer(passage):
        inside = bracket[1]
        clause = passage[max(0, bracket.start() - _CLAUSE) : bracket.start()]
        bare = clause.rstrip(_MARKS)
        if not bare or (
            bare[-1].isascii() and inside.isascii() and not (abbreviations and _is_short(inside))
        ):
            continue  # most brackets are remarks, calls and formulas
        # Most others are of terms that are not asked.
        ends_asked = plain(bare[-2:]).casefold() in folded
        for part in _PARTS.split(inside):
            form = _INTRODUCING.sub("", plain(part).strip(_MARKS), count=1).strip(_MARKS)
            if len(form) > 1 and (ends_asked or form.casefold() in folded):
                before = plain(bare.rpartition("\n")[2])
                yield from _pairs(before, form, clause.rstrip() != bare, question)


def _pairs(before: str, inside: str, marked: bool, question: str) -> Iterator[Sighting]:
    chinese, latin = _CHINESE_BEFORE.search(before), _LATIN_BEFORE.search(before)
    if _LATIN.fullmatch(inside):
        if chinese:
            yield from _before_latin(chinese[0], inside, marked, question)
        elif latin:
            yield from _abbreviated(latin[0], inside, question)
    elif latin and _CHINESE.fullmatch(inside) and not _REFERRING.match(inside):
        yield from _before_chinese(latin[0], inside, question)


def _before_latin(run: str, inside: str, marked: bool, question: str) -> Iterator[Sighting]:
    """键值缓存（KV cache）: the run before the brackets may begin with other words."""
    asked = next((run[at:] for at in range(len(run) - 1) if run[at:] in question), "")
    if asked and not _EDGES & {asked[0], asked[-1]}:
        yield Sighting(asked, inside.casefold(), asked == run or run[-len(asked) - 1] in _EDGES)
    own = _EDGE.split(run)[-1]
    if len(own) > 1 and _holds(question, inside):
        yield Sighting(inside.casefold(), own[-_LONGEST:], marked or own != run)


def _before_chinese(words: str, inside: str, question: str) -> Iterator[Sighting]:
    """KV cache（键值缓存）: no more words than there are Chinese characters, and no stop word."""
    own = _ending(words, len(inside))
    if own and inside in question:
        yield Sighting(inside, " ".join(own).casefold(), True)
    endings = (" ".join(own[at:]) for at in range(len(own)))
    asked = next((each for each in endings if _holds(question, each)), "")
    if asked:
        yield Sighting(asked.casefold(), inside, True)


def _abbreviated(words: str, short: str, question: str) -> Iterator[Sighting]:
    """retrieval-augmented generation (RAG), the short form being asked."""
    if _is_short(short) and _holds(question, short):
        long = long_form(short, words)
        if long:
            yield Sighting(short.casefold(), long.casefold(), True)


def _is_short(form: str) -> bool:
    return 1 < len(form) <= 10 and " " not in form and sum(map(str.isupper, form)) > 1


def long_form(short: str, before: str) -> str:
    """What `short` abbreviates, from the end of the words before it; "" if its letters are not there.

    Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in biomedical text",
    PSB 2003, figure 1: letters are found from the right, the first one at a word's beginning; a long form
    has min(letters + 5, 2 * letters) words at most.
    """
    letters = [letter for letter in short.casefold() if letter.isalnum()]
    folded = before.lower()  # of the same length, as all of it is Latin
    at = len(folded)
    for number, letter in reversed(list(enumerate(letters))):
        at = folded.rfind(letter, 0, at)
        while number == 0 and at > 0 and folded[at - 1].isalnum():
            at = folded.rfind(letter, 0, at)
        if at < 0:
            return ""
    words = re.split(r"[ -]", folded[at:])
    enough = len(words) <= min(len(letters) + 5, 2 * len(letters)) and len(before) - at > len(short)
    return before[at:] if enough and short.casefold() not in words else ""


def _ending(words: str, most: int) -> list[str]:
    """The last words, `most` at most, after the last stop word."""
    own: list[str] = []
    for word in reversed(words.split()):
        if len(own) == most or word.casefold() in text.STOP_WORDS:
            break
        own.insert(0, word)
    return own


def _holds(question: str, form: str) -> bool:
    """Whether the question has these Latin words, whole; a plural counts."""
    pattern = rf"(?<![A-Za-z0-9]){re.escape(form)}s?(?![A-Za-z0-9])"
    return re.search(pattern, question, re.IGNORECASE) is not None
