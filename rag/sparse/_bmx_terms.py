"""What a collection of several segments knows of its terms, without the rows that were deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from rag.sparse._bmx_formula import TermStatistics
from rag.sparse._bmx_segment import Columns, Span
from rag.sparse._bmx_tombstones import Dead, living_statistics
from rag.types import Rows

# Where each segment holds a term, None where it does not.
Spans: TypeAlias = tuple[Span | None, ...]
_KEPT = 1 << 16  # terms


class Terms:
    """Looks terms up and remembers them. Safe to share between threads."""

    def __init__(self, segments: Sequence[Columns], deleted: Sequence[Rows], dead: Sequence[Dead]) -> None:
        """`deleted[i]` are the deleted rows of `segments[i]`, ascending; `dead[i]` their bitmap."""
        self._segments = tuple(segments)
        self._deleted = tuple(deleted)
        self._dead = tuple(dead)
        self._known: dict[str, tuple[TermStatistics, Spans] | None] = {}

    def find(self, term: str) -> tuple[TermStatistics, Spans] | None:
        """The living statistics of a term and its spans; None if no living row holds it."""
        try:
            return self._known[term]
        except KeyError:
            pass
        if len(self._known) >= _KEPT:
            self._known = {}
        encoded = term.encode("utf-8", "surrogatepass")
        spans = tuple(segment.find(encoded) for segment in self._segments)
        sums = np.zeros(3, dtype=np.int64)
        for segment, span, gone, dead in zip(self._segments, spans, self._deleted, self._dead, strict=True):
            if span is not None:
                sums += living_statistics(segment, span, gone, dead)
        found = (TermStatistics(*sums.tolist()), spans) if sums[0] else None
        self._known[term] = found
        return found
