"""A generator whose confidence means something: how often such an answer was right on this corpus."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Event

from rag.calibration.curve import Promise, probability
from rag.calibration.evidence import Group, evidence, score
from rag.calibration.stored import Fitted
from rag.expansion.carried import crosses
from rag.fusion import trust
from rag.generators._quoting.evidence import nearness
from rag.generators.extractive import PASSAGES
from rag.prompt import Language, language, refusal
from rag.protocols.models import Embedder, Generator, OnText
from rag.types import Draft, Hit

_REASONS: dict[Language, str] = {
    "en": "confidence {share} %, answers begin at {least} %: from there on at most {risk} % of them are "
    "wrong on questions made from these documents",
    "zh": "把握 {share}%，达到 {least}% 才作答；在由这些文档拟出的问题上，自该处起答错的至多 {risk}%",
}
_KEPT_REASONS: dict[Language, str] = {
    "en": "confidence {share} %, answers begin at {least} %: below that hardly an answer was right on "
    "questions made from these documents",
    "zh": "把握 {share}%，达到 {least}% 才作答；在由这些文档拟出的问题上，低于该处的答案少有答对的",
}


class Calibrated:
    """Answers as `generous` does, which refuses nothing, from the calibrated confidence on.

    Of a group too small to learn from, as Chinese questions that an English embedder happens to read, what
    words alone tell of its language is taken. Where nothing is known of that either (no calibration, too
    small a corpus, a question in another language than the passages'), `plain` answers, with a threshold of
    its own.
    """

    def __init__(
        self,
        generous: Generator,
        plain: Generator,
        embedder: Embedder,
        thresholds: Callable[[], Mapping[Group, tuple[Fitted, Promise]]],
        *,
        carries: bool = False,
    ) -> None:
        """`carries`: both answer questions in another language than the passages', which none of the made
        ones is.
        """
        self._generous = generous
        self._plain = plain
        self._embedder = embedder
        self._thresholds = thresholds
        self._carries = carries

    @property
    def name(self) -> str:
        return self._plain.name

    def warm(self) -> None:
        """Load what both load."""
        self._generous.warm()
        self._plain.warm()

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """As the protocol says; the text comes in one piece."""
        known = self._known(question, hits)
        if known is None:
            return self._plain.generate(question, hits, on_text=on_text, cancelled=cancelled)
        draft = self._generous.generate(question, hits, cancelled=cancelled)
        if not draft.abstained and draft.quotes:
            near = _near(question, draft, self._embedder) if known[0].dense else 0.0
            found = score(evidence(question, hits, draft.quotes, near))
            draft = _judged(draft, question, found, *known)
        if on_text is not None:
            on_text(draft.text)
        return draft

    def _known(self, question: str, hits: Sequence[Hit]) -> tuple[Fitted, Promise] | None:
        if not hits or (self._carries and crosses(question, [hit.chunk.text for hit in hits[:PASSAGES]])):
            return None
        thresholds = self._thresholds()
        own = group(question, hits, self._embedder)
        return thresholds.get(own) or thresholds.get((own[0], False))


def group(question: str, hits: Sequence[Hit], embedder: Embedder) -> Group:
    """The language, and whether the embedder took part and reads the question."""
    dense = any(hit.dense is not None for hit in hits) and trust(embedder.readable(question)) > 0
    return language(question), dense


def scored(question: str, hits: Sequence[Hit], draft: Draft, embedder: Embedder) -> tuple[Group, float]:
    """The group of a question and the score of the evidence for its draft, which must quote something."""
    own = group(question, hits, embedder)
    near = _near(question, draft, embedder) if own[1] else 0.0
    return own, score(evidence(question, hits, draft.quotes, near))


def _near(question: str, draft: Draft, embedder: Embedder) -> float:
    return nearness(question, [draft.quotes[0][1]], embedder)[0]


def _judged(draft: Draft, question: str, found: float, fitted: Fitted, threshold: Promise) -> Draft:
    confidence = probability(found, fitted.slope, fitted.intercept)
    if confidence >= threshold.confidence:
        return replace(draft, confidence=round(confidence, 4))
    # Rounded down and up, so that what lies below the threshold is never shown as equal to it.
    share, least = math.floor(confidence * 100), math.ceil(threshold.confidence * 100)
    reasons = _KEPT_REASONS if threshold.accepted is None else _REASONS
    risk = f"{100 * (threshold.accepted or 0):g}"
    reason = reasons[language(question)].format(share=share, least=least, risk=risk)
    return Draft(refusal(question), abstained=True, reason=reason, confidence=round(confidence, 4))
