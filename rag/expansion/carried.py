"""A question put in the language of the passages that were found for it, word by word, with a dictionary.

What is asked is then compared with sentences by words, as within one language. Of a word's translations
those count that the passages hold: wrong ones seldom stand there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import text
from rag.expansion.dictionary import Dictionary
from rag.expansion.gloss import KANA, runs, telling, without_runs
from rag.expansion.outward import LATIN, phrases

_MOST = 2  # translations of a word, where the passages hold several
# Chinese characters in the passages for each Latin letter: prose in Chinese has more, even among names and
# code, and English prose that mentions a Chinese name has less.
_CHINESE, _ENGLISH = 0.5, 0.02
_JAPANESE = 0.05  # kana for each Chinese character: Japanese has more kana than characters, Chinese a name
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[^\s,;:!?()\"“”]+")


def crosses(question: str, passages: Sequence[str]) -> bool:
    """Whether the question is Chinese and the passages are English, or the other way round."""
    letters = sum(len(LATIN.findall(each)) for each in passages)
    characters = sum(len(_HAN.findall(each)) for each in passages)
    if sum(len(KANA.findall(each)) for each in passages) > _JAPANESE * characters:
        return False
    if runs(question):
        return letters > 0 and characters <= _ENGLISH * letters
    return 0 < characters >= _CHINESE * letters and not text.CJK_CHARACTER.search(question)


def carried(question: str, passages: Sequence[str], dictionary: Dictionary) -> str | None:
    """The question in the words of the passages' language; None where it does not cross."""
    if not crosses(question, passages):
        return None
    held = frozenset(term for each in passages for term in text.query_terms(each))
    carry = _in_english if runs(question) else _in_chinese
    return carry(question, held, dictionary)


def _in_english(question: str, held: frozenset[str], dictionary: Dictionary) -> str:
    words: list[str] = [without_runs(question)]
    for run in runs(question):
        for word in telling(run, dictionary):
            senses = dictionary.translate(word)
            words += _shown(senses, held) or senses[:1]
    return " ".join(" ".join(words).split())


def _in_chinese(question: str, held: frozenset[str], dictionary: Dictionary) -> str:
    # What is left of a word when it was stemmed would be stemmed again: the words themselves are kept.
    tokens = [(stem, word) for word in _WORD.findall(question) for stem in text.terms(word)]
    words: list[str] = []
    at = 0
    for stems, found in phrases([stem for stem, _ in tokens], dictionary):
        own = tokens[at : at + len(stems)]
        at += len(stems)
        shown = _shown([word for _, word in found], held)
        words += [word for stem, word in own if stem in held or not shown] + shown
    return " ".join(dict.fromkeys(words))


def _shown(senses: Sequence[str], held: frozenset[str]) -> list[str]:
    """The first of them of which the passages hold every term."""
    return [each for each in senses if (own := text.query_terms(each)) and held.issuperset(own)][:_MOST]
