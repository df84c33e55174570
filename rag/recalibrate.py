"""Calibrates an index: asks questions made from its own documents, and keeps how often they were right."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np

from rag import text
from rag.build import build_retriever, build_store, published
from rag.calibration.curve import logistic, probability
from rag.calibration.evidence import Group
from rag.calibration.prose import Source
from rag.calibration.questions import Asked, questions
from rag.calibration.stored import Calibration, Fitted, Outcome, read_calibration, write_calibration
from rag.config import Settings
from rag.errors import IndexDamaged
from rag.generators._calibrated import scored
from rag.models import build_generous, calibrated_with, plain_embedder
from rag.protocols.models import Embedder, Generator
from rag.protocols.stores import Published
from rag.retrieve import Retriever
from rag.types import Draft, Hit

_ITEMS = 200  # known items asked of each language, and as many near misses
_LEAST = (
    60  # answers of a group, and of them near misses and known items a third, below which nothing is fitted
)
_DOCUMENTS = 300  # read at most
_CHARACTERS = 400_000  # read of all of them together, and
_LEAST_CHARACTERS, _MOST_CHARACTERS = 2_000, 20_000  # of each
_CHANGED = 0.2  # share of the documents that may change before questions are asked anew
_RIGHT = 33  # right answers, from which on it can be said where three in a hundred of them fall
_PATIENCE = 6  # times the seconds set are spent at most, where those leave fewer
_SPARE = 4  # hits fetched beyond k, since the withheld document's are dropped


@dataclass(frozen=True, slots=True)
class _Answered:
    score: float
    right: bool
    near_miss: bool


def due(settings: Settings) -> bool:
    """Whether there is no calibration that still fits the index and its settings. Raises as `published`."""
    made_with = calibrated_with(settings)
    if not made_with:
        return False
    now = published(settings)
    try:
        last = read_calibration(settings.index)
    except IndexDamaged:
        return True
    if last is None or last.made_with != made_with:
        return True
    changed = max(abs(now.mark - last.mark), abs(now.documents - last.documents))
    return changed > _CHANGED * last.documents


def recalibrate(settings: Settings, stop: Event | None = None) -> Calibration | None:
    """Ask, fit and store, in about `calibration.seconds`, or up to six times that where a language has by
    then too few right answers to learn from; None where nothing is to be calibrated, or `stop` is set before.

    Nothing is to be for a generator without a threshold, or with one that was set. Raises RagError.
    """
    made_with = calibrated_with(settings)
    if not made_with:
        return None
    plain = settings.model_copy(
        update={"retriever": settings.retriever.model_copy(update={"variants": "off"})}
    )
    now, retriever, embedder = published(plain), build_retriever(plain), plain_embedder(plain)
    generous = build_generous(plain)
    groups: dict[Group, list[_Answered]] = defaultdict(list)
    stopped = (stop or Event()).is_set
    made = _shuffled(questions(_sources(plain), _ITEMS))
    began = 0.0
    left = len(made)
    for asked in made:
        spent = (time.monotonic() - began) / settings.calibration.seconds if began else 0.0
        if stopped() or spent > _PATIENCE or (spent > 1 and not _wanting(made, groups)):
            break
        hits = _hits(asked, retriever, plain)
        answered = _answered(asked, hits, generous, embedder)
        if answered is not None:
            groups[answered[0]].append(answered[1])
        # The first question loads the model, which is no part of the bound.
        began = began or time.monotonic()
        left -= 1
    if stopped():
        return None
    found = _calibration(now, made_with, groups, in_time=not left)
    write_calibration(settings.index, found)
    return found


def _wanting(made: Sequence[Asked], groups: Mapping[Group, Sequence[_Answered]]) -> bool:
    """Whether a language has questions enough, of which too few have been answered rightly so far."""
    asked = Counter(asked.language for asked in made)
    known = {language for (language, _), answered in groups.items() if _tally(answered)[1] >= _RIGHT}
    return any(number >= _LEAST and language not in known for language, number in asked.items())


def _too_few(answered: Sequence[_Answered]) -> bool:
    return len(answered) < _LEAST or min(_tally(answered)) < _LEAST // 3


def _sources(settings: Settings) -> list[Source]:
    """Documents spread over all of them, each from its beginning."""
    store = build_store(settings, read_only=True)
    try:
        names = [each.id for each in store.documents()]
        chosen = np.random.default_rng(0).permutation(len(names))[:_DOCUMENTS]
        found = [store.document(names[at]) for at in sorted(chosen.tolist())]
    finally:
        store.close()
    most = min(_MOST_CHARACTERS, max(_LEAST_CHARACTERS, _CHARACTERS // max(1, len(found))))
    return [
        Source(each.id, each.text[:most], each.metadata.get("type") == "markdown")
        for each in found
        if each is not None
    ]


def _shuffled(made: Sequence[Asked]) -> list[Asked]:
    return [made[at] for at in np.random.default_rng(1).permutation(len(made))]


def _hits(asked: Asked, retriever: Retriever, settings: Settings) -> list[Hit]:
    chosen = settings.retriever
    hits = retriever.search(asked.text, k=chosen.k + _SPARE, mode=chosen.mode)
    if asked.kind == "withheld":
        hits = [hit for hit in hits if hit.chunk.document_id != asked.document]
    return list(retriever.in_context(hits[: chosen.k]))


def _answered(
    asked: Asked, hits: Sequence[Hit], generous: Generator, embedder: Embedder
) -> tuple[Group, _Answered] | None:
    """None without a quote, and for a near miss that another passage may well answer."""
    draft = generous.generate(asked.text, hits) if hits else Draft("", abstained=True)
    if draft.abstained or not draft.quotes:
        return None
    if asked.kind != "known" and _holds_all(asked.text, draft.quotes[0][1]) and asked.kind != "denied":
        return None
    own, score = scored(asked.text, hits, draft, embedder)
    right = asked.kind == "known" and any(_quotes(asked, hits[m - 1], quote) for m, quote in draft.quotes)
    return own, _Answered(score, right, asked.kind != "known")


def _holds_all(question: str, quote: str) -> bool:
    return set(text.terms(question)) <= set(text.terms(quote))


def _quotes(asked: Asked, hit: Hit, quote: str) -> bool:
    """Whether the quote overlaps the sentence that was asked after."""
    chunk = hit.chunk
    start = chunk.start + max(0, chunk.text.find(quote))
    return chunk.document_id == asked.document and start < asked.end and asked.start < start + len(quote)


def _calibration(
    now: Published, made_with: str, groups: Mapping[Group, Sequence[_Answered]], *, in_time: bool
) -> Calibration:
    fitted: list[Fitted] = []
    short: dict[str, str] = {}
    for (language, dense), answered in sorted(groups.items()):
        if _too_few(answered):
            misses, _, _ = _tally(answered)
            could = "could be made" if in_time else "could be asked in calibration.seconds"
            short.setdefault(
                language,
                f"{len(answered) - misses} known items and {misses} near misses {could}, too few "
                f"to promise anything: {_LEAST} together at least",
            )
            continue
        slope, intercept = logistic([each.score for each in answered], [each.right for each in answered])
        outcomes = tuple(
            Outcome(probability(each.score, slope, intercept), each.right, each.near_miss)
            for each in answered
        )
        fitted.append(Fitted(language, dense, slope, intercept, outcomes))
    for each in fitted:  # few of its questions may be read by the embedder, and most not
        short.pop(each.language, None)
    if not groups:
        short["all"] = "no question could be made: it takes prose in whole sentences"
    return Calibration(now.generation, now.documents, now.mark, made_with, tuple(fitted), short)


def _tally(answered: Iterable[_Answered]) -> tuple[int, int, int]:
    """Near misses, right and wrong answers."""
    own = list(answered)
    right = sum(each.right for each in own)
    return sum(each.near_miss for each in own), right, len(own) - right
