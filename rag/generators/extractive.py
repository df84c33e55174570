"""Answers in the documents' own words: the sentences that say most of what was asked, quoted.

Needs no model. A sentence is worth the share of the question that it shows, rare words counting
more, helped by what its passage shows around it. Whether to answer at all is decided by how much of
the question the best passage shows and how near the embedder puts it; where that is too little, the
answer is that the documents do not say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag import text
from rag.errors import SettingError
from rag.prompt import language, nothing_found, refusal
from rag.protocols import Generator
from rag.types import Chunk, Draft, Hit

_PASSAGES = 5  # only the best passages are quoted
_CONTEXT = 0.5  # what a word in the passage around a sentence counts, beside one in the sentence
_NEARNESS = 0.75  # what the nearest passage's cosine is worth where it shares no word with the question
_RANK = 0.02  # what each rank of its passage costs a sentence
_NEARLY = 0.6  # further sentences must be worth this share of the best one
_NUMBER = re.compile(r"\[(\d+)\]")
_LONGEST = 600  # characters; a "sentence" beyond is a block, quoted up to here at a word's end

Weights: TypeAlias = Mapping[frozenset[str], float]  # what is asked (see text.asked) and its share


@dataclass(frozen=True, slots=True)
class _Sentence:
    marker: int
    start: int
    text: str
    worth: float


class ExtractiveGenerator:
    """Quotes sentences of the passages."""

    name = "extractive"

    def __init__(self, sentences: int, threshold: float) -> None:
        self._sentences = sentences
        self._threshold = threshold

    def warm(self) -> None:
        """Nothing to load."""

    def generate(self, question: str, hits: Sequence[Hit]) -> Draft:
        """The best sentences in reading order, each followed by its marker."""
        asked = text.asked(question) or [frozenset([term]) for term in text.terms(question)]
        best = hits[:_PASSAGES]
        if not best:
            return nothing_found(question)
        confidence = _confidence(asked, best)
        weights = _weights(asked, hits)
        candidates = [each for n, hit in enumerate(best, 1) for each in _sentences(n, hit.chunk, weights)]
        if confidence < self._threshold or not candidates:
            return _refusal(question, confidence)
        chosen = _choose(candidates, self._sentences)
        answer = " ".join(f"{_unmarked(sentence.text)} [{sentence.marker}]" for sentence in chosen)
        quotes = tuple((sentence.marker, sentence.text) for sentence in chosen)
        return Draft(answer, quotes, confidence=confidence)


def _confidence(asked: Sequence[frozenset[str]], hits: Sequence[Hit]) -> float:
    """In [0, 1]: the larger share of the question that one passage shows, averaged with the nearest
    passage's cosine where the dense leg took part. A near passage may use other words altogether, so
    nearness alone counts for three quarters.
    """
    equal = {each: 1 / len(asked) for each in asked}
    shown = max(_shown(hit.chunk.indexed_text, equal) for hit in hits)
    cosines = [hit.dense.score for hit in hits if hit.dense is not None]
    if not cosines:
        return round(shown, 3)
    near = min(1.0, max(0.0, *cosines))
    return round(max((shown + near) / 2, _NEARNESS * near), 3)


def _weights(asked: Sequence[frozenset[str]], hits: Sequence[Hit]) -> Weights:
    """Each thing asked with its rarity among the hits (Lucene's idf), all summing to 1."""
    held = [set(text.terms(hit.chunk.indexed_text)) for hit in hits]
    rarity = {}
    for each in asked:
        count = sum(not each.isdisjoint(own) for own in held)
        rarity[each] = math.log(1 + (len(held) - count + 0.5) / (count + 0.5))
    total = sum(rarity.values())
    return {each: value / total for each, value in rarity.items()}


def _shown(passage: str, weights: Weights) -> float:
    own = set(text.terms(passage))
    return sum(weight for each, weight in weights.items() if not each.isdisjoint(own))


def _sentences(marker: int, chunk: Chunk, weights: Weights) -> Iterator[_Sentence]:
    around = _CONTEXT * _shown(chunk.indexed_text, weights) - _RANK * marker
    for start, end in text.sentences(chunk.text):
        quote = _shortened(chunk.text[start:end])
        if _says_something(quote):
            yield _Sentence(marker, start, quote, _shown(quote, weights) + around)


def _says_something(sentence: str) -> bool:
    """Headings, fences, rules and labels are no answers."""
    stripped = sentence.strip()
    return not stripped.startswith(("#", "```", "~~~", "---", "///", ":::")) and bool(text.terms(stripped))


def _shortened(sentence: str) -> str:
    if len(sentence) <= _LONGEST:
        return sentence
    cut = sentence[:_LONGEST]
    return cut[: cut.rfind(" ")] if " " in cut[_LONGEST // 2 :] else cut


def _choose(candidates: Sequence[_Sentence], count: int) -> list[_Sentence]:
    """The best sentence and others nearly as good, none said twice, in reading order."""
    ranked = sorted(candidates, key=lambda each: (-each.worth, each.marker, each.start))
    chosen: dict[tuple[str, ...], _Sentence] = {}
    for sentence in ranked:
        nearly = not chosen or sentence.worth >= _NEARLY * ranked[0].worth > 0
        if len(chosen) < count and nearly:
            chosen.setdefault(tuple(text.terms(sentence.text)), sentence)
    return sorted(chosen.values(), key=lambda each: (each.marker, each.start))


def _unmarked(sentence: str) -> str:
    """A document's own [12] in full width: in an answer only our markers may look like markers."""
    return _NUMBER.sub(r"［\1］", sentence)


_REASONS = {
    "en": "confidence {share:.0%}: the best passages hold too little of what is asked",
    "zh": "把握只有 {share:.0%}：最好的几段里没有多少与所问相关的内容",
}


def _refusal(question: str, confidence: float) -> Draft:
    reason = _REASONS[language(question)].format(share=confidence)
    return Draft(refusal(question), abstained=True, reason=reason, confidence=confidence)


def build(sentences: int = 3, threshold: float = 0.4) -> Generator:
    """`sentences`: at most so many in an answer. `threshold`: the confidence below which it refuses.

    The default lies between questions over their own corpus and over a foreign one (SciFact's training
    claims over SciFact, and over encyclopedia paragraphs). Raises SettingError.
    """
    if sentences < 1:
        raise SettingError(f"generator.sentences = {sentences}: must be at least 1")
    if not 0.0 <= threshold <= 1.0:
        raise SettingError(f"generator.threshold = {threshold}: must lie between 0 and 1")
    return ExtractiveGenerator(sentences, threshold)
