"""Labels that outlive a splitter: quotes found in the documents, and retrieved text measured on them.

Everything is in characters of the document as the index stores it. Retrieved and gold text is compared
by tokens that depend on no model (`tokens`), so that splitters and embedders meet on the same ground.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from eval.quotes import Quotable
from eval.types import Label, Span
from rag.text import CJK_CHARACTER

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Start and end of each token of a text, (n, 2).
TokenRanges: TypeAlias = "npt.NDArray[np.int64]"

# A chunk that holds this share of a labelled passage is taken for one that a reader would want.
ENOUGH = 0.25

_CJK = CJK_CHARACTER.pattern
_TOKEN = re.compile(rf"{_CJK}|(?:(?!{_CJK})[^\W_])+|\S")
_ID = re.compile(r"(.+)#(\d{1,18})-(\d{1,18})", re.DOTALL)

# Token numbers from the first up to, not including, the second.
_Interval: TypeAlias = tuple[int, int]


def chunk_id(span: Span) -> str:
    """What a chunk of a file is called where relevance is judged by spans: "path#start-end"."""
    return f"{span.document}#{span.start}-{span.end}"


def span_of(identifier: str) -> Span | None:
    """The span that `chunk_id` named, or None."""
    match = _ID.fullmatch(identifier)
    return Span(match[1], int(match[2]), int(match[3])) if match else None


def tokens(text: str) -> TokenRanges:
    """Where the text's tokens stand: int64 (n, 2), start and end of each, in order.

    A run of letters and digits is one token; every Han, Kana or Hangul character is one, and so is any
    other character that is not white space.
    """
    import numpy as np

    spans = [match.span() for match in _TOKEN.finditer(text)]
    # Column by column, for each of the two is searched on its own.
    return np.asfortranarray(np.array(spans, dtype=np.int64).reshape(-1, 2))


@dataclass(frozen=True, slots=True)
class Located:
    """Where the labels stand. `stale` ones stand nowhere: neither they nor a query that has no others
    can be measured. `ambiguous` counts quotes that stand several times with nothing to choose by.
    """

    gold: Mapping[str, tuple[Span, ...]]
    stale: tuple[tuple[str, Label], ...]
    ambiguous: int


def locate(labels: Mapping[str, tuple[Label, ...]], text_of: Callable[[str], str | None]) -> Located:
    """Finds every label's quote in its document; `text_of` gives None for one that is not there.

    A quote is looked for as it is, and if it does not stand there, without regard to white space. Of
    several occurrences the one nearest to `start` is meant, or the first where no start was recorded.
    """
    gold: dict[str, tuple[Span, ...]] = {}
    stale: list[tuple[str, Label]] = []
    ambiguous = 0
    text_for = cache(lambda document: Quotable(text_of(document) or ""))
    for query, labelled in labels.items():
        spans: list[Span] = []
        for label in labelled:
            found, several = text_for(label.document).find(label.quote, label.start)
            if found is None:
                stale.append((query, label))
            else:
                spans.append(Span(label.document, *found))
                ambiguous += several and label.start is None
        if spans:
            gold[query] = tuple(dict.fromkeys(spans))
    return Located(gold, tuple(stale), ambiguous)


def span_values(
    gold: tuple[Span, ...],
    found: Sequence[Span],
    token_ranges: Callable[[str], TokenRanges],
    *,
    chunks: int = 5,
    budget: int = 1000,
) -> dict[str, float]:
    """Token recall, precision and intersection over union (IoU) of the retrieved text against the gold.

    `found` is best first; `token_ranges` gives a document's `tokens` and is best cached. Taken are the
    first `chunks` results ("span_recall@5"), and as many as fit into `budget` tokens ("span_recall@1000t"):
    the last is cut there, and text retrieved twice is paid for twice, as a prompt would. A token belongs
    to a span that it overlaps. With g the gold and r the retrieved tokens, recall = |g & r| / |g|,
    precision = |g & r| / |r| and IoU = |g & r| / |g | r|, all in [0, 1], 0 where nothing was retrieved:
    B. Smith and A. Troynikov, "Evaluating Chunking Strategies for Retrieval", Chroma technical report,
    2024; there r counts repeated tokens again in IoU, here every token counts once. Raises ValueError
    where the gold spans hold no token.
    """
    wanted = _union(_intervals(gold, token_ranges))
    results = _intervals(found, token_ranges)
    taken = {f"{chunks}": results[:chunks], f"{budget}t": _within(results, budget)}
    return {
        f"span_{name}@{cut}": value
        for cut, kept in taken.items()
        for name, value in _overlap(wanted, _union(kept)).items()
    }


def _intervals(
    spans: Sequence[Span], token_ranges: Callable[[str], TokenRanges]
) -> list[tuple[str, _Interval]]:
    """Each span's document and the numbers of the tokens that it overlaps, possibly none."""
    found: list[tuple[str, _Interval]] = [("", (0, 0))] * len(spans)
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, span in enumerate(spans):
        numbers[span.document].append(number)
    for document, members in numbers.items():
        ranges = token_ranges(document)
        firsts = ranges[:, 1].searchsorted([spans[number].start for number in members], side="right")
        lasts = ranges[:, 0].searchsorted([spans[number].end for number in members], side="left")
        for number, first, last in zip(members, firsts.tolist(), lasts.tolist(), strict=True):
            found[number] = (document, (first, last))
    return found


def _within(results: list[tuple[str, _Interval]], budget: int) -> list[tuple[str, _Interval]]:
    kept, left = [], budget
    for document, (first, last) in results:
        if left <= 0:
            break
        kept.append((document, (first, min(last, first + left))))
        left -= max(0, last - first)
    return kept


def _union(intervals: Iterable[tuple[str, _Interval]]) -> dict[str, list[_Interval]]:
    """The same tokens of each document as intervals in order that neither overlap nor are empty."""
    merged: dict[str, list[_Interval]] = defaultdict(list)
    for document, (first, last) in sorted(intervals):
        if first >= last:
            continue
        before = merged[document]
        if before and first <= before[-1][1]:
            before[-1] = (before[-1][0], max(before[-1][1], last))
        else:
            before.append((first, last))
    return merged


def _overlap(gold: Mapping[str, list[_Interval]], found: Mapping[str, list[_Interval]]) -> dict[str, float]:
    wanted, retrieved = _size(gold), _size(found)
    if not wanted:
        raise ValueError("the gold spans hold no token")
    common = sum(
        max(0, min(last, other_last) - max(first, other_first))
        for document, intervals in gold.items()
        for first, last in intervals
        for other_first, other_last in found.get(document, ())
    )
    return {
        "recall": common / wanted,
        "precision": common / retrieved if retrieved else 0.0,
        "iou": common / (wanted + retrieved - common),
    }


def _size(intervals: Mapping[str, list[_Interval]]) -> int:
    return sum(last - first for each in intervals.values() for first, last in each)


def relevant(gold: Mapping[str, tuple[Span, ...]], chunks: Iterable[Span]) -> dict[str, dict[str, int]]:
    """Which chunks are relevant: {query: {chunk id: 1}}, for the measures that count results.

    A chunk is, if it holds at least a quarter of a gold span or lies wholly in it; where no chunk does,
    the one that holds most of it. A gold span outside every chunk stays as an id that nothing can
    retrieve, so that it counts as missed.
    """
    documents: dict[str, list[Span]] = defaultdict(list)
    for chunk in chunks:
        documents[chunk.document].append(chunk)
    shelves = {document: _Shelf.of(members) for document, members in documents.items()}
    return {
        query: {chunk_id(each): 1 for span in spans for each in _holding(span, shelves.get(span.document))}
        for query, spans in gold.items()
    }


def within(found: Iterable[Span], chunks: Iterable[Span]) -> list[Span]:
    """For each span the chunk that it is a part of, the last to begin before it, or the span itself.

    A hit that overlaps a better one is shown without what both have; it is the same chunk all the same.
    """
    documents: dict[str, list[Span]] = defaultdict(list)
    for chunk in chunks:
        documents[chunk.document].append(chunk)
    shelves = {document: _Shelf.of(members) for document, members in documents.items()}
    return [shelves[span.document].around(span) if span.document in shelves else span for span in found]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A document's chunks by start; `reach[i]` is how far any of the first i + 1 goes."""

    chunks: list[Span]
    starts: list[int]
    reach: list[int]

    @classmethod
    def of(cls, chunks: list[Span]) -> _Shelf:
        ordered = sorted(chunks, key=lambda chunk: (chunk.start, chunk.end))
        reach = list(accumulate((chunk.end for chunk in ordered), max))
        return cls(ordered, [chunk.start for chunk in ordered], reach)

    def around(self, span: Span) -> Span:
        """The last chunk to begin before the span that holds all of it, else the span itself."""
        begun = self.chunks[: bisect_right(self.starts, span.start)]
        return next((chunk for chunk in reversed(begun) if chunk.end >= span.end), span)


def _holding(span: Span, shelf: _Shelf | None) -> list[Span]:
    if shelf is None:
        return [span]
    near = shelf.chunks[bisect_right(shelf.reach, span.start) : bisect_left(shelf.starts, span.end)]
    held = [(min(chunk.end, span.end) - max(chunk.start, span.start), chunk) for chunk in near]
    enough = ENOUGH * (span.end - span.start)
    if holding := [chunk for amount, chunk in held if 0 < amount >= min(enough, chunk.end - chunk.start)]:
        return holding
    most, best = max(held, key=lambda each: each[0], default=(0, span))
    return [best if most > 0 else span]
