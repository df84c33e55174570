"""Answers in the documents' own words: the few sentences, table rows or blocks that answer, quoted.

Needs no language model. Every unit of the best passages (`_quoting.units`) is weighed by its words and by
its vector (`_quoting.evidence`); the best are quoted. Quotes come best first, the text in reading order.
Whether to answer at all is decided by how much of the question the best passage shows and how near the
embedder puts it; where that is too little, the answer is that the documents do not say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import TypeAlias

from rag import text
from rag.errors import Cancelled, SettingError
from rag.facts.orders import asks_for_orders, gives_orders
from rag.fusion import trust
from rag.generators._quoting.evidence import worths
from rag.generators._quoting.units import Unit, units
from rag.prompt import Language, language, nothing_found, refusal
from rag.protocols.models import Embedder, Generator, OnText
from rag.types import Draft, Hit

PASSAGES = 5  # only the best ones are quoted
_NEARNESS = 0.75  # what the nearest passage's cosine is worth where it shares no word with the question
_NEARLY = 0.5  # further units must be worth this share of the best one
_NEW = 0.05  # of a unit's words, at least, stand in none that is quoted before it
_NUMBER = re.compile(r"(?<!\w)[\[【](\d+)[\]】]|[\[【](0*[1-9]\d*)[\]】]")
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*$", re.MULTILINE | re.DOTALL)

# A question in the words of the passages' language, None where it is asked in it.
Carry: TypeAlias = Callable[[str, Sequence[str]], str | None]


class ExtractiveGenerator:
    """Quotes the passages."""

    name = "extractive"

    def __init__(self, sentences: int, threshold: float) -> None:
        self._sentences = sentences
        self._threshold = threshold
        self._embedder: Embedder | None = None
        self._carry: Carry = lambda *_: None
        self._across: Embedder | None = None

    def use_embedder(self, embedder: Embedder) -> None:
        """Weigh vectors as well; before this, words alone decide. The composition root calls it once."""
        self._embedder = embedder

    def use_carrier(self, carry: Carry, embedder: Embedder) -> None:
        """Compare questions in another language than the passages' by what `carry` makes of them, and by
        the vectors of `embedder`; before this they are taken as they stand.
        """
        self._carry, self._across = carry, embedder

    def warm(self) -> None:
        """Nothing to load: the retriever warms the embedder where it is used."""

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """The best units in reading order, each followed by its marker; `quotes` has the best first.

        It takes milliseconds: the text comes in one piece. Raises Cancelled if `cancelled` was set before.
        """
        if cancelled is not None and cancelled.is_set():
            raise Cancelled("the question was given up before it was answered")
        draft = self._draft(question, hits)
        if on_text is not None:
            on_text(draft.text)
        return draft

    def _draft(self, question: str, hits: Sequence[Hit]) -> Draft:
        best = hits[:PASSAGES]
        if not best:
            return nothing_found(question)
        carried = self._carry(question, [hit.chunk.text for hit in best])
        words = question if carried is None else carried
        asked = text.asked(words) or [frozenset([term]) for term in text.terms(words)]
        reads = carried is not None or self._reads(question)
        cosines = [hit.dense.score for hit in best if hit.dense is not None and reads]
        confidence = _confidence(asked, best, cosines)
        found = _quotable(
            question, [unit for marker, hit in enumerate(hits, 1) for unit in units(marker, hit)]
        )
        if confidence < self._threshold or not any(unit.marker <= PASSAGES for unit in found):
            return _refusal(question, confidence, self._threshold)
        embedder = self._embedder if carried is None else self._across
        chosen = _choose(found, worths(question, found, hits, embedder, words), self._sentences)
        quotes = tuple(dict.fromkeys(quote for unit in chosen for quote in unit.quotes))
        return Draft(_written(chosen), quotes, confidence=confidence)

    def _reads(self, question: str) -> bool:
        """Whether the passages' cosines are of the question itself: those of a gloss are higher than the
        fixed threshold was chosen for.
        """
        return self._embedder is None or trust(self._embedder.readable(question)) > 0


def _quotable(question: str, found: list[Unit]) -> list[Unit]:
    """The units without those that speak to a language model, unless they are asked about, and without
    questions, unless the best passages hold nothing else.
    """
    if not asks_for_orders(question):
        found = [unit for unit in found if not gives_orders(unit.text)]
    if all(unit.asks for unit in found if unit.marker <= PASSAGES):
        return found
    return [unit for unit in found if not unit.asks]


def _confidence(asked: Sequence[frozenset[str]], hits: Sequence[Hit], cosines: Sequence[float]) -> float:
    """In [0, 1]: the larger share of the question that one passage shows, averaged with the nearest
    passage's cosine where there are any. A near passage may use other words altogether, so
    nearness alone counts for three quarters.
    """
    equal = {each: 1 / len(asked) for each in asked}
    shown = max(_shown(hit.chunk.indexed_text, equal) for hit in hits)
    if not cosines:
        return round(shown, 3)
    near = min(1.0, max(0.0, *cosines))
    return round(max((shown + near) / 2, _NEARNESS * near), 3)


def _shown(passage: str, weights: Mapping[frozenset[str], float]) -> float:
    own = set(text.terms(passage))
    return sum(weight for each, weight in weights.items() if not each.isdisjoint(own))


def _choose(found: Sequence[Unit], worth: Sequence[float], count: int) -> list[Unit]:
    """The best unit and others nearly as good, best first; none twice, none that holds another."""
    ranked = sorted(
        (each for each in zip(worth, found, strict=True) if each[1].marker <= PASSAGES),
        key=lambda each: (-each[0], each[1].marker, each[1].start),
    )
    chosen: list[Unit] = []
    shown: list[frozenset[str]] = []
    for own, unit in ranked:
        if len(chosen) == count or (chosen and own < _NEARLY * ranked[0][0]):
            break
        terms = frozenset(text.terms(unit.text))
        if not any(_overlap(unit, other) for other in chosen) and not any(
            _repeats(terms, each) for each in shown
        ):
            chosen.append(unit)
            shown.append(terms)
    return chosen


def _repeats(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one unit brings no word, or hardly one, that the other has not shown."""
    return len(one - other) <= _NEW * len(one)


def _overlap(one: Unit, other: Unit) -> bool:
    return one.marker == other.marker and one.start < other.end and other.start < one.end


def _written(chosen: Sequence[Unit]) -> str:
    """The answer's text; what has lines of its own, a list or code, stands in a paragraph of its own."""
    pieces: list[str] = []
    before: Unit | None = None
    for unit in sorted(chosen, key=lambda unit: (unit.marker, unit.start)):
        shown = unit.shown(before)
        last = shown.rpartition("\n")[2]
        # On the line of the fence a marker would keep the block open, and behind a formula be a part of it.
        gap = "\n" if last.startswith(("```", "~~~")) or last.endswith("$$") else " "
        pieces += [_between(before, unit), f"{_unmarked(shown)}{gap}[{unit.marker}]"]
        before = unit
    return "".join(pieces)


def _between(before: Unit | None, unit: Unit) -> str:
    if before is None:
        return ""
    if unit.continues(before):
        return "\n"
    return "\n\n" if before.apart or unit.apart else " "


def _unmarked(written: str) -> str:
    """A document's own [12] in full width: in an answer only our markers may look like markers.

    In code it becomes [ 12], which still runs; `args[0]` is left alone, as no marker counts from 0.
    """
    found, at = [], 0
    for block in _FENCED.finditer(written):
        found += [_NUMBER.sub(_full_width, written[at : block.start()]), _NUMBER.sub(_spaced, block.group())]
        at = block.end()
    return "".join([*found, _NUMBER.sub(_full_width, written[at:])])


def _full_width(number: re.Match[str]) -> str:
    return f"［{number[1] or number[2]}］"


def _spaced(number: re.Match[str]) -> str:
    return f"[ {number[1] or number[2]}]"


_UNQUOTABLE: dict[Language, str] = {
    "en": "the best passages have no sentence that could be quoted",
    "zh": "最好的几段里没有可以引用的句子",
}
_REASONS: dict[Language, str] = {
    "en": "confidence {share} %, answers begin at {least} %: the best passages show too little of what is "
    "asked to answer from them",
    "zh": "把握 {share}%，达到 {least}% 才作答：最好的几段与所问相合之处太少，不足以作答",
}


def _refusal(question: str, confidence: float, threshold: float) -> Draft:
    # Rounded down and up, so that what lies below the threshold is never shown as equal to it.
    share, least = math.floor(confidence * 100 + 1e-6), math.ceil(threshold * 100 - 1e-6)
    reasons = _REASONS if confidence < threshold else _UNQUOTABLE
    reason = reasons[language(question)].format(share=share, least=least)
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
