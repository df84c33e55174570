"""How well each unit of the passages answers the question, by its words and by its vector together.

The constants are few and round; on which questions they were chosen is told in docs/answers.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag import text
from rag.facts.expected import brings, expected
from rag.fusion import trust
from rag.generators._quoting.ranking import suited, without_asking
from rag.generators._quoting.units import Unit
from rag.protocols.models import Embedder
from rag.types import Hit

_BEFORE = 0.5  # of what the unit shows together with its headings and the sentence before it
_AROUND = 0.3  # of what it does not show itself, but these or the sentence after it do
_KIND = 0.1  # of bringing, or not, the kind of words asked for: a number, a date, a name
_EMBEDDED = 6  # units whose vectors are computed, at most: those that are best without
_READ = 320  # characters of a unit that its vector is made of: what a longer one is about stands there
_APART = 0.7  # so far behind the best unit, no cosine makes up for it: a vector would be computed for nothing


@dataclass(frozen=True, slots=True)
class _Words:
    """Index terms, and the single characters of CJK text."""

    terms: frozenset[str]
    characters: frozenset[str]


def worths(
    question: str, units: Sequence[Unit], hits: Sequence[Hit], embedder: Embedder | None, words: str
) -> list[float]:
    """The worth of each unit of `hits`; worths compare within one question only. `words` is the question in
    the language of the passages.

    The sum of the share of the question's terms (Lucene's idf over the units) that the unit shows, of
    the same for its CJK characters, the passage's score over the best one's, the cosine of unit and
    question where the dense leg took part and reads the question, and context as weighed above.
    """
    written = _by_words(question, words, units, hits)
    weight = _trust(question, hits, embedder)
    if embedder is None or not weight or not units:
        return written
    best = sorted(range(len(units)), key=lambda at: (-written[at], at))[:_EMBEDDED]
    best = [at for at in best if written[at] >= written[best[0]] - _APART]
    near = dict(zip(best, nearness(question, [units[at].text for at in best], embedder), strict=True))
    return [worth + weight * near.get(at, 0.0) for at, worth in enumerate(written)]


def nearness(question: str, units: Sequence[str], embedder: Embedder) -> list[float]:
    """The cosine of each unit, or of its beginning, and the question."""
    cosines: list[float] = (
        embedder.encode_few([unit[:_READ] for unit in units]) @ embedder.encode_query(question)
    ).tolist()
    return cosines


def _trust(question: str, hits: Sequence[Hit], embedder: Embedder | None) -> float:
    """What the cosine counts; nothing in sparse search, which never loads the model."""
    if embedder is None or all(hit.dense is None for hit in hits):
        return 0.0
    return trust(embedder.readable(question))


def _by_words(question: str, words: str, units: Sequence[Unit], hits: Sequence[Hit]) -> list[float]:
    asked = _words(words)
    own = [_words(unit.text) for unit in units]
    terms = _share(asked.terms, [each.terms for each in own])
    sought = frozenset(text.CJK_CHARACTER.findall(without_asking(words)))
    characters = _share(sought, [each.characters for each in own])
    kind = expected(question)
    best = max((hit.score for hit in hits), default=0.0)
    found = []
    gains = suited(question, units)
    for unit, shown, gain in zip(units, own, gains, strict=True):
        before = shown.terms | frozenset(text.terms(unit.before))
        around = (before | frozenset(text.terms(unit.after))) - shown.terms
        worth = gain + terms(shown.terms) + characters(shown.characters)
        worth += _BEFORE * terms(before) + _AROUND * terms(around)
        if best > 0:
            worth += max(0.0, hits[unit.marker - 1].score / best)
        if kind is not None:
            worth += _KIND if brings(kind, unit.text, question) else -_KIND
        found.append(worth)
    return found


def _words(written: str) -> _Words:
    return _Words(frozenset(text.terms(written)), frozenset(text.CJK_CHARACTER.findall(written)))


def _share(asked: frozenset[str], held: Sequence[frozenset[str]]) -> Callable[[frozenset[str]], float]:
    """Tells how much of `asked` something shows, in [0, 1], each part weighing its idf in `held`."""
    counts = Counter(each for own in held for each in own & asked)
    # What no unit holds weighs most and tells them apart least: characters that ask, misspellings.
    rarity = {each: math.log(1 + (len(held) - counts[each] + 0.5) / (counts[each] + 0.5)) for each in counts}
    total = math.fsum(rarity.values())
    # fsum: the order of a set must not decide between equals.
    return lambda own: math.fsum(rarity[each] for each in own if each in rarity) / total if total else 0.0
