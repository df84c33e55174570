"""Answers in the documents' own words: the sentences that say most of what was asked, quoted.

Needs no model. Evidence for a sentence is the share of the question's terms that it covers, rare
terms counting more, helped by what its passage covers; where even the best passage covers too
little, the answer is that the documents do not say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag import text
from rag.prompt import refusal
from rag.protocols import Generator
from rag.types import Chunk, Draft, Hit

_PASSAGES = 5  # only the best passages are quoted
_CONTEXT = 0.5  # what a term in the passage around a sentence counts, beside one in the sentence
_LONGEST = 600  # characters; a "sentence" beyond is a block, quoted up to here at a word's end


@dataclass(frozen=True, slots=True)
class _Sentence:
    marker: int
    start: int
    text: str
    score: float


class ExtractiveGenerator:
    """Quotes sentences of the passages."""

    name = "extractive"

    def __init__(self, sentences: int, threshold: float) -> None:
        self._sentences = sentences
        self._threshold = threshold

    def generate(self, question: str, hits: Sequence[Hit]) -> Draft:
        """The best sentences in reading order, each followed by its marker."""
        weights = _weights(question, hits)
        candidates = [
            sentence
            for marker, hit in enumerate(hits[:_PASSAGES], start=1)
            for sentence in _scored(marker, hit.chunk, weights)
        ]
        if not candidates:
            return _refusal(question, 0.0, "no passage shares a word with the question")
        confidence = max(_covered(hit.chunk.indexed_text, weights) for hit in hits[:_PASSAGES])
        if confidence < self._threshold:
            return _refusal(
                question, confidence, f"the best passage covers {confidence:.0%} of what the question asks"
            )
        chosen = _choose(candidates, self._sentences)
        answer = _join([f"{sentence.text} [{sentence.marker}]" for sentence in chosen])
        quotes = tuple((sentence.marker, sentence.text) for sentence in chosen)
        return Draft(answer, quotes, confidence=round(confidence, 3))


def _weights(question: str, hits: Sequence[Hit]) -> dict[str, float]:
    """The question's terms, weighted by their rarity among the hits (Lucene's idf), summing to 1.

    A term that none of them has weighs most: it is what the passages fail to speak of.
    """
    asked = set(text.terms(question))
    held = [set(text.terms(hit.chunk.indexed_text)) for hit in hits]
    rarity = {}
    for term in sorted(asked):
        count = sum(term in own for own in held)
        rarity[term] = math.log(1 + (len(held) - count + 0.5) / (count + 0.5))
    total = sum(rarity.values())
    return {term: value / total for term, value in rarity.items()} if total else {}


def _covered(passage: str, weights: dict[str, float]) -> float:
    return sum(weights[term] for term in weights.keys() & set(text.terms(passage)))


def _scored(marker: int, chunk: Chunk, weights: dict[str, float]) -> list[_Sentence]:
    around = _covered(chunk.indexed_text, weights)
    if not around:
        return []
    found = []
    for start, end in text.sentences(chunk.text):
        quote = _shortened(chunk.text[start:end])
        if not _says_something(quote):
            continue
        inside = _covered(quote, weights)
        found.append(_Sentence(marker, start, quote, inside + _CONTEXT * around - 0.02 * marker))
    return found


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
    """The best sentence and others nearly as good, no text twice, in reading order."""
    ranked = sorted(candidates, key=lambda each: (-each.score, each.marker, each.start))
    best = ranked[0].score
    chosen: dict[str, _Sentence] = {}
    for sentence in ranked:
        if len(chosen) < count and sentence.score >= 0.6 * best:
            chosen.setdefault(sentence.text, sentence)
    return sorted(chosen.values(), key=lambda each: (each.marker, each.start))


def _join(parts: Sequence[str]) -> str:
    return " ".join(parts)


def _refusal(question: str, confidence: float, reason: str) -> Draft:
    return Draft(refusal(question), abstained=True, reason=reason, confidence=round(confidence, 3))


def build(sentences: int = 3, threshold: float = 0.35) -> Generator:
    """`sentences` at most in an answer; `threshold`: the least share of the question to be covered."""
    return ExtractiveGenerator(sentences, threshold)
