"""Deleted rows of a segment, which itself never changes: which they are and what they no longer add."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rag.sparse._bmx_formula import entropy_units
from rag.sparse._bmx_segment import Columns, Span

# Uint8 (rows,), 1 where a row is deleted; None where none is.
Dead: TypeAlias = npt.NDArray[np.uint8] | None


def living_statistics(
    segment: Columns, span: Span, gone: npt.NDArray[np.int64], dead: Dead
) -> npt.NDArray[np.int64]:
    """(df, coarse, fine) of the living rows of one segment that hold a term."""
    whole = np.array(
        [span.end - span.start, *segment.entropy[2 * span.term : 2 * span.term + 2]], dtype=np.int64
    )
    if dead is None:
        return whole
    rows = segment.rows[span.start : span.end]
    if len(gone) * 16 < len(rows):
        places = np.minimum(np.searchsorted(rows, gone.astype(np.uint32)), len(rows) - 1)
        places = places[rows[places] == gone]
    else:
        places = np.flatnonzero(dead[rows])
    coarse, fine = entropy_units(segment.frequencies_at(places + span.start))
    return whole - np.array([len(places), coarse.sum(), fine.sum()], dtype=np.int64)


def bitmap(segment: Columns, rows: npt.NDArray[np.int64]) -> Dead:
    """One byte a row, 1 where deleted; None where none is. Raises IndexError for a row that is not there."""
    if not len(rows):
        return None
    if rows[0] < 0 or rows[-1] >= segment.size:
        raise IndexError(f"{segment.folder} has rows 0 to {segment.size - 1}, not {rows[0]} to {rows[-1]}")
    dead = np.zeros(segment.size, dtype=np.uint8)
    dead[rows] = 1
    return dead
