"""An English question carried to Chinese passages: for each word, Chinese words that it translates.

The reverse of `rag.expansion.gloss`, for the sparse leg alone: the dense leg meets Chinese passages by
their gloss, if its embedder does not read Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import text
from rag.expansion.dictionary import LONGEST_PHRASE, Dictionary
from rag.expansion.glossary import COMMON, Frequencies

LATIN = re.compile("[a-zA-Z]")
# Words of English prose that code and names seldom have, and of Japanese: of them nearly every passage in
# these languages has one.
_PROSE = tuple(text.terms("many however often different well much even need する して こと ます"))
# So many times rarer than the commonest Chinese characters they are in collections that are Chinese alone:
# four to thousands of times rarer still. Where a tenth is English they are twice as frequent.
_HARDLY = 0.01
# Chosen on English headings and sentences asked of the Chinese edition of a textbook, see docs/retrieval.md.
_WORDS = 2
_TERMS = 4
_SINGLE = 2  # a word of one character means so many things: so many senses later than it stands


def is_outward(question: str, frequencies: Frequencies) -> bool:
    """Whether the question is English and the collection Chinese alone, code and names aside.

    In a collection in both languages passages in the question's own come first.
    """
    if not LATIN.search(question) or text.CJK_CHARACTER.search(question):
        return False
    chinese, english = int(frequencies(COMMON).sum()), int(frequencies(_PROSE).sum())
    return english < _HARDLY * chinese


def chinese_terms(question: str, dictionary: Dictionary, frequencies: Frequencies) -> tuple[str, ...]:
    """Index terms of Chinese words that the question's words and phrases translate, of those that are held.

    Of each two words at most, the earlier senses and the commoner words first, and four terms.
    """
    terms: list[str] = []
    asked = [words for _, words in phrases(text.terms(question), dictionary)]
    parts = {word: tuple(text.query_terms(word)) for words in asked for _, word in words}
    every = list(dict.fromkeys(term for own in parts.values() for term in own))
    known = dict(zip(every, frequencies(every).tolist(), strict=True)) if every else {}
    for words in asked:
        held = sorted(
            (place + _SINGLE * (len(word) == 1), -rarest, parts[word])
            for place, word in words
            if (rarest := min((known[term] for term in parts[word]), default=0))
        )
        terms += list(dict.fromkeys(term for _, _, own in held[:_WORDS] for term in own))[:_TERMS]
    return tuple(terms)


def phrases(
    stems: Sequence[str], dictionary: Dictionary
) -> list[tuple[Sequence[str], Sequence[tuple[int, str]]]]:
    """The longest phrases that the dictionary knows, from left to right, and what they translate, see
    `Dictionary.chinese`; a single stem that it does not know translates nothing.
    """
    found = []
    at = 0
    while at < len(stems):
        most = min(LONGEST_PHRASE, len(stems) - at)
        tried = [stems[at : at + length] for length in range(most, 0, -1)]
        phrase = next((each for each in tried if dictionary.chinese(tuple(each))), tried[-1])
        found.append((phrase, dictionary.chinese(tuple(phrase))))
        at += len(phrase)
    return found
