"""Merges segments into one without the rows that were deleted.

The sorted vocabularies are walked side by side a piece at a time, and a piece's postings are copied
column by column: memory is bounded by the pieces, by the most frequent term's postings (about 100 bytes
each) and by some 16 bytes a row. What is read of the mapped columns is given back after each piece.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.sparse._bmx_formula import Integers
from rag.sparse._bmx_segment import Columns
from rag.sparse._bmx_tombstones import Dead
from rag.sparse._bmx_writer import SegmentWriter

_TERMS = 1 << 18  # terms in a piece, each as often as there are segments that hold it
_POSTINGS = 1 << 20  # postings in a piece, unless one term has more


def merge_segments(segments: Sequence[Columns], dead: Sequence[Dead], folder: Path) -> None:
    """Write the living rows of `segments`, in their order, as one segment.

    `dead[i]`, uint8 (rows,), is 1 where a row of segment i is deleted; None where none is.
    """
    numbers = _renumbered(segments, dead)
    lengths = [_living(np.asarray(own.lengths), gone) for own, gone in zip(segments, dead, strict=True)]
    with SegmentWriter(folder, np.concatenate([np.zeros(0, np.uint32), *lengths])) as writer:
        for ranges in _pieces(segments):
            _write_piece(writer, segments, numbers, ranges)
            for segment in segments:
                segment.let_go()


def _renumbered(segments: Sequence[Columns], dead: Sequence[Dead]) -> list[Integers]:
    """The new row of each old one, int64 (rows,) per segment; -1 for a deleted one."""
    numbers, first = [], 0
    for segment, gone in zip(segments, dead, strict=True):
        alive = np.ones(segment.size, dtype=np.bool_) if gone is None else gone == 0
        numbers.append(np.where(alive, first + np.cumsum(alive) - 1, -1))
        first += int(alive.sum())
    return numbers


def _living(values: npt.NDArray[Any], dead: Dead) -> npt.NDArray[Any]:
    return values if dead is None else values[dead == 0]


def _pieces(segments: Sequence[Columns]) -> Iterator[list[tuple[int, int]]]:
    """Ranges of term numbers, one per segment, that cover the same stretch of the alphabet."""
    at = [0] * len(segments)
    while any(first < segment.vocabulary for first, segment in zip(at, segments, strict=True)):
        share, terms = _POSTINGS // len(segments), max(1, _TERMS // len(segments))
        ends = [_reach(segment, first, share, terms) for segment, first in zip(segments, at, strict=True)]
        lasts = [
            segment.term(end - 1)
            for segment, end in zip(segments, ends, strict=True)
            if end < segment.vocabulary
        ]
        if lasts:  # nobody goes beyond what all have in reach
            least = min(lasts)
            ends = [_after(segment, least) for segment in segments]
        yield list(zip(at, ends, strict=True))
        at = ends


def _reach(segment: Columns, first: int, postings: int, terms: int) -> int:
    """The end of the largest piece from term `first` on; it has at least one term if there is one."""
    most = min(segment.vocabulary, first + terms)
    starts = segment.starts[first : most + 1]
    within = int(np.searchsorted(starts, starts[0] + np.uint64(postings), side="right"))
    return max(first + within - 1, int(min(first + 1, segment.vocabulary)))


def _after(segment: Columns, term: bytes) -> int:
    """The number of the first term that sorts after `term`."""
    return bisect_right(range(segment.vocabulary), term, key=segment.term)


def _write_piece(
    writer: SegmentWriter,
    segments: Sequence[Columns],
    numbers: Sequence[Integers],
    ranges: Sequence[tuple[int, int]],
) -> None:
    own = [segment.terms_between(*ends) for segment, ends in zip(segments, ranges, strict=True)]
    terms = list(dict.fromkeys(sorted(term for part in own for term in part)))
    places = {term: place for place, term in enumerate(terms)}
    parts = [
        _living_postings(segment, number, ends, np.array([places[term] for term in part], dtype=np.int64))
        for segment, number, ends, part in zip(segments, numbers, ranges, own, strict=True)
    ]
    counts = np.array([np.bincount(place, minlength=len(terms)) for place, _, _ in parts], dtype=np.int64)
    df = counts.sum(axis=0)
    # Of each term: first segment 0's postings, then segment 1's and so on, so rows stay ascending.
    begins = np.cumsum(df) - df + np.cumsum(counts, axis=0) - counts
    rows = np.empty(int(df.sum()), dtype=np.uint32)
    tf = np.empty(len(rows), dtype=np.int64)
    for (place, own_rows, own_tf), count, begin in zip(parts, counts, begins, strict=True):
        shift = begin - (np.cumsum(count) - count)
        target = np.arange(len(place), dtype=np.int64) + shift[place]
        rows[target] = own_rows
        tf[target] = own_tf
    kept = np.flatnonzero(df)
    writer.add([terms[place] for place in kept.tolist()], df[kept], rows, tf)


def _living_postings(
    segment: Columns, numbers: Integers, ends: tuple[int, int], places: Integers
) -> tuple[Integers, Integers, Integers]:
    """Of a range of terms, by term and row: the term's place among the merged, the new row, the tf."""
    starts = segment.starts[ends[0] : ends[1] + 1].astype(np.int64)
    if not len(places):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    first, last = int(starts[0]), int(starts[-1])
    rows = numbers[segment.rows[first:last]]
    place = np.repeat(places, np.diff(starts))
    tf = segment.frequencies(first, last)
    alive = rows >= 0
    if alive.all():
        return place, rows, tf
    return place[alive], rows[alive], tf[alive]
