"""Scores every row that shares a term, with numpy alone.

It gives the bits that the compiled kernel gives (the same sums in the same order) and needs no import
that takes time, so a single question on the command line is answered by it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.sparse._bmx_formula import Floats, Query
from rag.sparse._bmx_segment import Columns, Span
from rag.types import Rows, Vectors


def all_scores(segment: Columns, spans: Sequence[Span | None], query: Query) -> Floats:
    """Float64 (rows,) of one segment; `spans[i]` is where it holds `query.terms[i]`."""
    scores = np.zeros(segment.size)
    gains = np.full(segment.size, query.fixed)
    times = np.zeros(segment.size)
    for at, span in enumerate(spans):
        if span is None:
            continue
        rows = segment.rows[span.start : span.end]
        tf = segment.frequencies(span.start, span.end)
        scores[rows] += _frequency_part(tf, segment.lengths[rows], query, at)
        gains[rows] += query.gains[at]
        times[rows] += query.times[at]
    return scores + gains * times / query.asked


def some_scores(
    segment: Columns, spans: Sequence[Span | None], query: Query, rows: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Of these rows of one segment: their scores, float64 (len(rows),), and what each term contributes by
    its frequency and by the similarity, float64 (2, terms, len(rows)), which adds up to them but for
    rounding. What belongs to the question as a whole is shared out evenly among the terms that the row holds.
    """
    parts = np.zeros((len(query.terms), len(rows)))
    gains = np.full(len(rows), query.fixed)
    times = np.zeros(len(rows))
    held = np.zeros(parts.shape, dtype=np.bool_)
    scores = np.zeros(len(rows))
    for at, span in enumerate(spans):
        if span is None:
            continue
        own = segment.rows[span.start : span.end]
        places = np.searchsorted(own, rows.astype(np.uint32))
        held[at] = own[np.minimum(places, len(own) - 1)] == rows
        tf = segment.frequencies_at(span.start + places[held[at]])
        mine = np.flatnonzero(held[at])
        parts[at, mine] = _frequency_part(tf, segment.lengths[rows[mine]], query, at)
        scores[mine] += parts[at, mine]
        gains[mine] += query.gains[at]
        times[mine] += query.times[at]
    similarity = times / query.asked
    shared = np.where(held, query.gains[:, None] * similarity, 0.0)
    spread = query.fixed * similarity / np.maximum(held.sum(axis=0), 1)
    return scores + gains * times / query.asked, np.stack([parts, shared + np.where(held, spread, 0.0)])


def best_rows(scores: Vectors, depth: int) -> Rows:
    """Rows of the `depth` largest positive scores, best first, ties in row order."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > depth:
        # Everything from the depth-th score up, ties included, so that row order decides the cut.
        threshold = np.partition(scores[rows], len(rows) - depth)[len(rows) - depth]
        rows = rows[scores[rows] >= threshold]
    order = np.lexsort((rows, -scores[rows]))[:depth]
    best: Rows = rows[order].astype(np.int64)
    return best


def _frequency_part(
    tf: npt.NDArray[np.int64], lengths: npt.NDArray[np.uint32], query: Query, at: int
) -> Floats:
    part: Floats = query.weights[at] * (tf / (tf + (query.slope * lengths + query.offset)))
    return part
