"""What a list of hits looks like: passages that say the same shown once, overlapping ones without what a
better one shows, and one document kept from filling the list unless it is the answer.

Everything here is a function of the ranked list alone, so that equal lists are shaped equally.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rag.duplicates import same
from rag.hits.overlap import unrepeated
from rag.sections import DuplicatesName
from rag.types import Chunk, Hit, Place

_LEAST = 8  # looked at whatever `k` is, so that the other places of a few hits are found as well
_FARTHEST = 16  # times what is looked at first: a collection of one text over and over is not read whole

Fate = Literal["shown", "folded", "merged", "capped", "cut"]


@dataclass(frozen=True, slots=True)
class Shape:
    """How hits are shown. `per_document`: at most so many of one document, 0 for any number."""

    duplicates: DuplicatesName = "keep"
    per_document: int = 0


AS_RANKED = Shape()


@dataclass(frozen=True, slots=True)
class Shaped:
    """At most `k` hits, best first, and how they came of the ranked ones, by the numbers of those:
    `leaders[i]` stands for hit i (itself, where it is no part or repetition of a better one),
    `shown` are those that became `hits`.
    """

    ranked: tuple[Hit, ...]
    hits: tuple[Hit, ...]
    leaders: tuple[int, ...]
    shown: tuple[int, ...]

    def fate(self, row: int) -> Fate:
        """What became of a ranked hit."""
        leader = self.leaders[row]
        if leader != row:
            return "merged" if unrepeated(self.ranked)[0][row] != row else "folded"
        if row in self.shown:
            return "shown"
        return "capped" if self.shown and row < self.shown[-1] else "cut"


def shaped_from(best: Callable[[int], Sequence[Hit]], k: int, shape: Shape) -> Shaped:
    """`k` hits of a ranked list of which `best` gives that many of the first.

    More are asked for until `k` are shown, there are no more, or what is looked at no longer pays. Where
    documents have a share, as many again are looked at for others that can take a place.
    """
    first = k if shape == AS_RANKED else max(k, _LEAST) * (2 if shape.per_document else 1)
    wanted = first
    while True:
        ranked = best(wanted)
        found = shaped(ranked, k, shape)
        if len(found.hits) >= k or len(ranked) < wanted or wanted >= _FARTHEST * first:
            return found
        wanted *= 2


def shaped(ranked: Sequence[Hit], k: int, shape: Shape) -> Shaped:
    """The first `k` of the `ranked` hits, best first, once each shows what no better one shows, those that
    say the same are one, and no document has more than its share.
    """
    leaders, parts = unrepeated(ranked)
    whole = {row: parts[row] for row in _own(leaders)}
    if shape.duplicates == "fold":
        leaders = _folded(leaders, whole)
    own = _own(leaders)
    shown = _allowed([whole[row].chunk.document_id for row in own], own, k, shape.per_document)
    hits = [_with_places(whole, leaders, row) for row in shown]
    return Shaped(tuple(ranked), tuple(hits), tuple(leaders), tuple(shown))


def once(hits: Sequence[Hit], shape: Shape) -> list[Hit]:
    """Hits of several shaped lists, best first: what one folded and another shows is one again."""
    return list(shaped(hits, len(hits), replace(shape, per_document=0)).hits)


def within_share(hits: Sequence[Hit], k: int, most: int) -> list[Hit]:
    """The first `k` hits with at most `most` of one document, 0 for any number: see `shaped`."""
    shown = _allowed([hit.chunk.document_id for hit in hits], range(len(hits)), k, most)
    return [hits[row] for row in shown]


def _own(leaders: Sequence[int]) -> list[int]:
    return [row for row, leader in enumerate(leaders) if leader == row]


def _led(leaders: Sequence[int], row: int) -> list[int]:
    return [at for at, leader in enumerate(leaders) if leader == row]


def _folded(leaders: Sequence[int], whole: dict[int, Hit]) -> list[int]:
    """`leaders` where those among them that are like a better one follow it."""
    rows = list(whole)
    first = same([hit.chunk.text for hit in whole.values()])
    leads = {row: rows[at] for row, at in zip(rows, first, strict=True)}
    return [leads[leader] for leader in leaders]


def _allowed(documents: Sequence[str], rows: Sequence[int], k: int, most: int) -> list[int]:
    """The first `k` of `rows`, with at most `most` of one document while others can take their place.

    A document is the answer, and keeps all its hits, where more than `most` of its hits score higher
    than any other document's.
    """
    if not most:
        return list(rows[:k])
    leading = next((at for at, each in enumerate(documents) if each != documents[0]), len(documents))
    exempt = documents[0] if leading > most else None
    taken: Counter[str] = Counter()
    within: list[int] = []
    beyond: list[int] = []
    for row, document in zip(rows, documents, strict=True):
        taken[document] += 1
        (within if document == exempt or taken[document] <= most else beyond).append(row)
    return sorted((within + beyond)[:k])


def _with_places(whole: dict[int, Hit], leaders: Sequence[int], row: int) -> Hit:
    """The hit with the places of those it stands for; `whole` has a hit for each that was not merged."""
    own = whole[row]
    like = [whole[at] for at in _led(leaders, row) if at != row and at in whole]
    places = dict.fromkeys(place for hit in like for place in (_place(hit.chunk), *hit.also))
    new = tuple(place for place in places if place not in own.also and place != _place(own.chunk))
    return replace(own, also=(*own.also, *new)) if new else own


def _place(chunk: Chunk) -> Place:
    return Place(chunk.document_id, chunk.start, chunk.end, chunk.page, chunk.heading)
