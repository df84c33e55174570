"""Answers compared as SQuAD compares them: case, punctuation, articles and white space do not count.

Normalisation, exact match and token F1 are those of Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions
for Machine Comprehension of Text", section 6.1, and of their script. CJK text is cut into characters,
Latin words and numbers staying whole, as the scripts of CMRC 2018 (Cui et al. 2019) and MLQA (Lewis et
al. 2020) do; punctuation is Unicode's class P with ASCII's symbols, as in the latter. Overlap is counted
over tokens in both languages (MLQA); CMRC's own script takes the longest common substring instead.
Full-width forms are folded (`rag.text.fold`).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from rag.text import CJK_CHARACTER, fold, normalise

ARTICLES = frozenset(("a", "an", "the"))
_CJK = CJK_CHARACTER.pattern
_TOKEN = re.compile(rf"{_CJK}|(?:(?!{_CJK})\S)+")
# Read for places, a number written in Chinese is one token too: 四次 does not stand in 十四次.
_CHINESE_NUMBER = "[〇零一二两兩三四五六七八九十百千万萬亿億]+"
_PLACED = re.compile(rf"{_CHINESE_NUMBER}|{_TOKEN.pattern}")
_APOSTROPHES = frozenset("'’`")
_POSSESSIVE = re.compile(r"(?<=\w)['’`]s?(?!\w)")
_WITHIN_NUMBER = re.compile(r"(?<=\d)(?:\.(?=\d)|,(?=\d{3}(?!\d)))")


def tokens(text: str) -> list[str]:
    """The normalised tokens: words without punctuation and articles, and single CJK characters.

    A text of nothing but articles ("A", the vitamin) keeps them, so that it can be compared at all.
    """
    found = _TOKEN.findall(_without_punctuation(folded(text)))
    return _without_articles(found) or found


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 if the normalised text equals one of the normalised answers, else 0. `answers` is not empty."""
    own = tokens(text)
    return max(float(own == tokens(answer)) for answer in answers)


def f1(text: str, answers: Sequence[str]) -> float:
    """The harmonic mean of token precision and recall against the best of the answers, in [0, 1].

    Tokens are counted as a bag; two texts without any token are equal. `answers` is not empty.
    """
    own = tokens(text)
    return max(_f1(own, tokens(answer)) for answer in answers)


def holds(quote: str, answers: Iterable[str]) -> bool:
    """Whether the tokens of an answer stand in the quote, one after the other.

    Punctuation is read in two ways, either of which may show the answer: left out, as SQuAD does
    (U.S. is US, 1,000 is 1000), and as a border between words (24 stands in 24-10, Darwin in Darwin's),
    but not within a number (7 does not stand in 7,000).
    """
    written = folded(quote)
    read = [_PLACED.findall(reading(written)) for reading in (_without_punctuation, _apart)]
    for answer in map(folded, answers):
        left_out, apart = (_PLACED.findall(reading(answer)) for reading in (_without_punctuation, _apart))
        if _stands(left_out, read[0]) or _stands(apart, read[1]):
            return True
    return False


def folded(text: str) -> str:
    """What is compared: normalised, full-width forms and case folded, but 10² not made into 102."""
    apart = (f" {each} " if unicodedata.category(each) == "No" else each for each in normalise(text))
    return fold("".join(apart))


def _stands(wanted: list[str], own: list[str]) -> bool:
    content = _without_articles(wanted)
    if content:
        return _in_a_row(content, _without_articles(own))
    return bool(wanted) and _in_a_row(wanted, own)


def _in_a_row(wanted: list[str], own: list[str]) -> bool:
    return f" {' '.join(wanted)} " in f" {' '.join(own)} "


def _f1(own: list[str], gold: list[str]) -> float:
    if not own or not gold:
        return float(own == gold)
    shared = (Counter(own) & Counter(gold)).total()
    return 2 * shared / (len(own) + len(gold))


def _without_articles(words: list[str]) -> list[str]:
    return [word for word in words if word not in ARTICLES]


def _without_punctuation(text: str) -> str:
    return "".join(each for each in text if not _is_punctuation(each))


def _apart(text: str) -> str:
    """Punctuation and symbols as white space: apostrophes go, points and thousands' commas stay."""
    bare = _POSSESSIVE.sub(" ", text)
    inside = {found.start() for found in _WITHIN_NUMBER.finditer(bare)}
    return "".join(
        each if at in inside or not _borders(each) else "" if each in _APOSTROPHES else " "
        for at, each in enumerate(bare)
    )


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def _borders(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
