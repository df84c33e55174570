"""Terms of text that is written without spaces: Chinese first, then Japanese, Korean, Thai and the like.

Traditional characters are folded to Simplified ones, on both sides of the index. A run of characters
becomes its overlapping pairs, which need no dictionary; for ranking, each Chinese character counts too: a
pair that straddles two words in the question seldom stands in the passage, its characters do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rag.language.han import SIMPLIFIED, TRADITIONAL

# Insides of character classes: Chinese characters, then Kana and Hangul too.
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ebef\U00030000-\U000323af"
CJK = f"\u3040-\u30ff\uac00-\ud7af{_HAN}"
CJK_CHARACTER = re.compile(f"[{CJK}]")
# Thai, Lao, Burmese and Khmer have no spaces between words either.
UNSPACED = f"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff{CJK}"

# Function words of Chinese: they stand in nearly every passage and say nothing about its subject. A pair
# is dropped only where both of its characters are in here, so that no word with a meaning is lost.
_STOP = "的了是在和与及或也都就而且着呢吗吧啊之其这那哪个些什么怎如何为谁请"
STOP_CHARACTERS = frozenset(_STOP)
# Characters that ask or connect and name nothing: no passage has to contain them to be an answer.
_ASKING = STOP_CHARACTERS | frozenset("几多少里样有没能可以会要把被对从到于应该需得们")
_NOT_ALONE = re.compile(f"[^{_HAN}]+|[{_STOP}]+")  # what is no term by itself
_PAIR = re.compile(f"(?=([^\n][^\n{_STOP}]|[^\n{_STOP}][{_STOP}]))")  # within a line, not both empty


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    return {ord(old): new for old, new in zip(TRADITIONAL, SIMPLIFIED, strict=True)}


def simplify(text: str) -> str:
    """Traditional Chinese characters replaced by their Simplified forms, one by one; the length stays."""
    return text.translate(_simplified())


def run_terms(runs: list[str]) -> list[str]:
    """Index terms of simplified runs of unspaced characters: lone characters, and the pairs of the others.

    A character or pair without content is left out. All runs are taken at once because a call for each
    would cost more than its terms.
    """
    lone = [run for run in runs if len(run) == 1 and run not in STOP_CHARACTERS]
    return lone + _PAIR.findall("\n".join(runs))


def run_characters(runs: list[str]) -> list[str]:
    """Each Chinese character with content of the simplified runs that are longer than one."""
    return list(_NOT_ALONE.sub("", "".join(run for run in runs if len(run) > 1)))


def run_asked(run: str) -> Iterator[frozenset[str]]:
    """For each character of a question that names something: the pairs of the run that would show it."""
    run = simplify(run)
    for at, character in enumerate(run):
        if character not in _ASKING:
            pairs = {run[max(0, at - 1) : at + 1], run[at : at + 2]}
            yield frozenset(pair for pair in pairs if len(pair) == 2 or len(run) == 1)
