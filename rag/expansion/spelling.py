"""Spelling slips: words of a question that the collection does not hold, and those it holds one slip away.

The collection's own vocabulary is the dictionary: what a word is corrected to can be found, and a term of
the trade is never taken for a slip of a common word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from rag import text
from rag.types import Rows

# In how many passages each of these terms is.
Frequencies: TypeAlias = Callable[[Sequence[str]], Rows]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Words of one question that are looked at: each has over a thousand neighbours to be asked for, and a
# question with more words that nobody knows is in another language, or no question.
_MOST_WORDS = 16
# Shorter words have too many neighbours. Digits, capitals inside and signs belong to names.
_WORD = re.compile(r"(?<![\w.\-/:@#$])[A-Za-z][a-z]{4,23}(?![\w\-/:@#]|\.\w)")
_ANY_WORD = re.compile(r"\w+")


def corrected(question: str, frequencies: Frequencies, is_word: Callable[[str], bool]) -> str:
    """The question with the words that are spelt wrong as the collection spells them.

    Such a word is in no passage, is none by `is_word`, and a slip away from one that is in a passage; of
    several the most frequent is taken. A first letter may be missing, but not be wrong. A question with more
    than 16 different such words is left as it is.
    """
    unknown = [word for word in dict.fromkeys(_WORD.findall(question)) if not _holds(frequencies, word)]
    wrong = [word for word in unknown if not is_word(word)]
    if not 0 < len(wrong) <= _MOST_WORDS:
        return question
    meant = {word: _nearest(word.lower(), frequencies) or word for word in wrong}
    return _WORD.sub(lambda found: meant.get(found[0], found[0]), question)


def _holds(frequencies: Frequencies, word: str) -> bool:
    """Whether the collection holds a word, or it has no term that could be looked for."""
    terms = text.terms(word)
    return not terms or bool(frequencies(terms).any())


def slips(question: str, corrected: str) -> list[tuple[str, str]]:
    """The words that `corrected` changed in the question, each with what it became, none twice."""
    pairs = zip(_ANY_WORD.findall(question), _ANY_WORD.findall(corrected), strict=True)
    return list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))


def neighbours(word: str) -> Iterator[str]:
    """Every string one slip away: a letter too many, two that changed places, a wrong one, none of them the
    first, or one that is missing (Damerau, "A technique for computer detection and correction of spelling
    errors", Communications of the ACM 7, 1964).
    """
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]
    for at in range(1, len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(1, len(word)):
        for letter in _LETTERS:
            yield word[:at] + letter + word[at + 1 :]
    for at in range(len(word) + 1):
        for letter in _LETTERS:
            yield word[:at] + letter + word[at:]


def _nearest(word: str, frequencies: Frequencies) -> str:
    """The neighbour in most passages, of equals the first; "" if none is in any."""
    candidates = [each for each in dict.fromkeys(neighbours(word)) if each not in text.STOP_WORDS]
    found = frequencies([text.stem(each) for each in candidates])
    order: list[int] = np.argsort(-found, kind="stable").tolist()
    for at in order:
        candidate = candidates[at]
        if found[at] and _is_of(candidate, text.stem(candidate), word):
            return candidate
    return ""


def _is_of(candidate: str, term: str, word: str) -> bool:
    """Whether `candidate` is likely to be a word of the stem `term`, and not a string that is only cut to
    it: either the slip is in the ending, or it is in the stem of `word` as well.
    """
    at = next((at for at, (a, b) in enumerate(zip(candidate, word, strict=False)) if a != b), len(word))
    return at >= len(term) or is_one_slip(text.stem(word), term)


def is_one_slip(one: str, other: str) -> bool:
    """Whether two different strings are a slip apart."""
    shorter, longer = sorted((one, other), key=len)
    at = next((at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    left, right = shorter[at:], longer[at:]
    if len(shorter) < len(longer):
        return left == right[1:]
    return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
