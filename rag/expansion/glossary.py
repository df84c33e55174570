"""Which other forms of a question's terms are searched for as well: pairs that writers introduced in
brackets, 键值缓存（KV cache）, and by which a question reaches passages in another script.

They are read from passages that hold a rare term of the question, when it is asked: nothing is kept
beside the index, and they are always those of its living passages. The question itself says where a
Chinese term begins, which a passage does not tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag import text
from rag.expansion.brackets import Sighting, plain, sightings
from rag.types import Rows

# In how many passages each of these terms is, and the texts of the best passages that hold any of them.
Frequencies: TypeAlias = Callable[[Sequence[str]], Rows]
Passages: TypeAlias = Callable[[Sequence[str]], list[str]]

# How they were found: docs/retrieval.md. A term in more passages than this is at home in the collection.
_RARE = 30
# An asked form stands for itself where the collection knows this share of what else is asked.
_AT_HOME = 2 / 3
# Where nothing else is asked in its script, so many times as often the other form must be held.
_TIMES = 4
_MOST_FORMS = 2  # of one term: its long and its short form, for example
_MOST_TERMS = 11  # of all forms of a question: those of twelve Chinese characters
# Some of these characters are in nearly every Chinese passage.
COMMON = tuple("一不人大中用本文数时年法行出分")


@dataclass(frozen=True, slots=True)
class Pair:
    """A term of a question, as it is asked, and its other form in the collection."""

    asked: str
    other: str

    @property
    def crosses(self) -> bool:
        """Whether one form is Chinese and the other is not."""
        return _is_chinese(self.asked) != _is_chinese(self.other)


def mined(
    question: str, frequencies: Frequencies, passages: Passages, *, abbreviations: bool = False
) -> tuple[Pair, ...]:
    """The pairs of the question's rare terms that are worth searching for, by their other forms.

    A pair must have been seen with certain bounds or in two passages, and its other form be held by more
    passages; the collection must hardly know the question otherwise, for where it does, passages in the
    question's own words come first. `abbreviations`: also "RAG" for "retrieval-augmented generation".
    """
    terms = list(dict.fromkeys(text.terms(question)))
    if not terms:
        return ()
    known = dict(zip(terms, frequencies(terms).tolist(), strict=True))
    rare = [term for term, df in known.items() if 0 < df <= _RARE]
    if not rare or not (abbreviations or (_may_be_worth(known) and _holds_chinese(rare, frequencies))):
        return ()
    asked = plain(question)
    found = _sure(
        [each for passage in passages(rare) for each in set(sightings(passage, asked, abbreviations))]
    )
    own = {term for pair in found for term in text.terms(pair.asked)}
    others = {term: df for term, df in known.items() if term not in own}
    return tuple(
        pair for pair in found if (pair.crosses or abbreviations) and _is_worth(pair, others, frequencies)
    )


def _sure(seen: Sequence[Sighting]) -> list[Pair]:
    """The pairs seen surely or more than once; of a term that is part of a longer one none."""
    counts: Counter[tuple[str, str]] = Counter()
    for each in seen:
        counts[each.asked, each.other] += 2 if each.sharp else 1
    sure = {pair: count for pair, count in counts.items() if count > 1}
    asked = {one for one, _ in sure}
    kept = []
    for one in asked:
        if not any(one != other and one in other for other in asked):
            forms = sorted((-count, other) for (each, other), count in sure.items() if each == one)
            kept += [Pair(one, other) for _, other in forms[:_MOST_FORMS]]
    return sorted(kept, key=lambda pair: (pair.other, pair.asked))


def _holds_chinese(known: Sequence[str], frequencies: Frequencies) -> bool:
    """Whether the collection has Chinese, of which these terms are known; else no pair crosses scripts."""
    return any(map(_is_chinese, known)) or bool(frequencies(COMMON).any())


def _may_be_worth(known: Mapping[str, int]) -> bool:
    """Whether forms of so many terms leave too few known ones beside them, see `_is_worth`: else no passage
    need be read. The terms of Chinese and of other scripts count apart.
    """
    for chinese in (True, False):
        held = [df > 0 for term, df in known.items() if _is_chinese(term) == chinese]
        if held and sum(held) - _MOST_TERMS < _AT_HOME * (len(held) - _MOST_TERMS):
            return True
        if 0 < len(held) <= _MOST_TERMS:
            return True
    return False


def _is_worth(pair: Pair, others: Mapping[str, int], frequencies: Frequencies) -> bool:
    """Whether the other form is held more often, and the `others` of the pair's script are hardly held."""
    asked, other = text.terms(pair.asked), text.terms(pair.other)
    if not asked or not other:
        return False
    before, after = int(frequencies(asked).min()), int(frequencies(other).min())
    beside = [df for term, df in others.items() if _is_chinese(term) == _is_chinese(pair.asked)]
    if not beside or not pair.crosses:
        return after >= _TIMES * before
    return after > before and sum(df > 0 for df in beside) < _AT_HOME * len(beside)


def _is_chinese(form: str) -> bool:
    return text.CJK_CHARACTER.match(form) is not None
