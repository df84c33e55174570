"""The smallest change of one setting that brings a passage back, found by searching with it.

Sizes, to put changes in order: a number counts its doublings, a weight quarters of the scale, a switch
two, another mode three. They are a convention, nothing is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

from rag.retrieve import Retriever
from rag.search.tuning import Tuning
from rag.sections import FusionName, GlossaryName, SpellingName
from rag.types import EVERYTHING, MODES, Filter, Mode, Variants

_MOST_K = 1000
_MOST_DEPTH = 10_000
_STEPS = 10  # of a weight, from where it is to either end
_SWITCH = 2.0
_MODE = 3.0
_FEEDBACK = 5  # passages, where it is off


@dataclass(frozen=True, slots=True)
class Change:
    """`setting` from `before` to `after`, as they are written in rag.toml; `rank` is the passage's then."""

    setting: str
    before: str
    after: str
    size: float
    rank: int


@dataclass(frozen=True, slots=True)
class _Search:
    """One way to search: what is tried."""

    tuning: Tuning
    k: int
    mode: Mode
    chosen: Filter


_Rank = Callable[[_Search], int | None]


def smallest_changes(
    retriever: Retriever,
    question: str,
    k: int,
    mode: Mode,
    chosen: Filter,
    places: set[tuple[str, int]],
    variants: Variants,
) -> tuple[Change, ...]:
    """Of each setting the smallest change that brings one of `places` among the hits, smallest first.

    `places` are document ids and ordinals. Each was tried: a search with it had the passage.
    """
    now = _Search(retriever.tuning, k, mode, chosen)

    def rank(tried: _Search) -> int | None:
        other = retriever.varied(tried.tuning, variants)
        hits = other.search(question, k=tried.k, mode=tried.mode, chosen=tried.chosen)
        found = ((hit.chunk.document_id, hit.chunk.ordinal) for hit in hits)
        return next((n for n, place in enumerate(found, 1) if place in places), None)

    found = [*_numbers(now, rank), *_weights(now, rank), *_switches(now, rank)]
    return tuple(sorted(found, key=lambda change: (change.size, change.setting, change.after)))


def _numbers(now: _Search, rank: _Rank) -> Iterator[Change]:
    for name, before, most, make in _growing(now):
        found = _least(lambda value, make=make: rank(make(value)), before, most)  # type: ignore[misc]
        if found:
            value, place = found
            yield Change(name, str(before), str(value), math.log2(value / before), place)


def _growing(now: _Search) -> Iterator[tuple[str, int, int, Callable[[int], _Search]]]:
    """Settings that let more through the larger they are: what they are now, and the most to try."""
    yield "retriever.k", now.k, _MOST_K, lambda value: replace(now, k=value)
    yield "retriever.depth", now.tuning.depth, _MOST_DEPTH, lambda value: _with(now, depth=value)
    if share := now.tuning.shape.per_document:
        yield "retriever.per_document", share, now.k, lambda value: _with(now, shape=_share(now, value))
    if stage := now.tuning.reranking:
        yield (
            "reranker.depth",
            stage.depth,
            _MOST_K,
            lambda value: _with(now, reranking=replace(stage, depth=value)),
        )


def _least(rank: Callable[[int], int | None], before: int, most: int) -> tuple[int, int] | None:
    """The least value up to `most` that has the passage, and its rank then: by doubling, then halving."""
    low, high = before, before
    place = None
    while place is None:
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
        place = rank(high)
    while high - low > 1:
        middle = (low + high) // 2
        at = rank(middle)
        low, high, place = (low, middle, at) if at is not None else (middle, high, place)
    return high, place


def _weights(now: _Search, rank: _Rank) -> Iterator[Change]:
    for name, top in (("dense_weight", 1.0), ("document_weight", 2.0)):
        before = float(getattr(now.tuning, name))
        values = {round(top * step / (2 * _STEPS), 3) for step in range(2 * _STEPS + 1)} - {before}
        for value in sorted(values, key=lambda each: (abs(each - before), each)):
            place = rank(_with(now, **{name: value}))
            if place is not None:
                size = 4 * abs(value - before) / top
                yield Change(f"retriever.{name}", f"{before:g}", f"{value:g}", size, place)
                break


def _switches(now: _Search, rank: _Rank) -> Iterator[Change]:
    for setting, before, after, size, tried in _turned(now):
        place = rank(tried)
        if place is not None:
            yield Change(setting, before, after, size, place)


def _turned(now: _Search) -> Iterator[tuple[str, str, str, float, _Search]]:
    tuning = now.tuning
    for fusion in get_args(FusionName):
        if fusion != tuning.fusion:
            yield "retriever.fusion", tuning.fusion, fusion, _SWITCH, _with(now, fusion=fusion)
    for mode in MODES:
        if mode != now.mode:
            yield "retriever.mode", now.mode, mode, _MODE, replace(now, mode=mode)
    yield from _worded(now)
    if tuning.shape.duplicates == "fold":
        kept = replace(tuning.shape, duplicates="keep")
        yield "retriever.duplicates", "fold", "keep", _SWITCH, _with(now, shape=kept)
    if tuning.shape.per_document:
        share = str(tuning.shape.per_document)
        yield "retriever.per_document", share, "0", _SWITCH, _with(now, shape=_share(now, 0))
    if tuning.reranking is not None:
        yield "reranker.name", "as set", "empty", _SWITCH, _with(now, reranking=None)
    if now.chosen != EVERYTHING:
        yield "filter", "as asked", "none", _SWITCH, replace(now, chosen=EVERYTHING)


def _worded(now: _Search) -> Iterator[tuple[str, str, str, float, _Search]]:
    """Switches of what a question is given beside its own words."""
    tuning = now.tuning
    before, after = ("auto", "off") if tuning.dictionary else ("off", "auto")
    other = _with(now, dictionary=not tuning.dictionary)
    yield "retriever.dictionary", before, after, _SWITCH, other
    spelt: SpellingName = "off" if tuning.spelling == "correct" else "correct"
    yield "retriever.spelling", tuning.spelling, spelt, _SWITCH, _with(now, spelling=spelt)
    paired: GlossaryName
    for paired in ("off", "mined", "all"):
        if paired != tuning.glossary:
            yield "retriever.glossary", tuning.glossary, paired, _SWITCH, _with(now, glossary=paired)
    fed = 0 if tuning.feedback else _FEEDBACK
    yield "retriever.feedback", str(tuning.feedback), str(fed), _SWITCH, _with(now, feedback=fed)


def _with(now: _Search, **changed: Any) -> _Search:
    return replace(now, tuning=replace(now.tuning, **changed))


def _share(now: _Search, most: int) -> Any:
    return replace(now.tuning.shape, per_document=most)
