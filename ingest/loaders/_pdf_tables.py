"""Tables without ruled lines: rows whose pieces stand under each other in clear columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingest.loaders._pdf_pieces import Piece, Row
from ingest.loaders._pdf_words import SPACE


def mark_tables(lines: Sequence[Row]) -> None:
    """Mark runs of three rows or more whose pieces stand under each other in clear columns."""
    for run in _runs(lines):
        columns = _columns(run)
        if len(columns) < 2 or not _are_cells(run, columns):
            continue
        for row in run:
            row.table = len(row.pieces) > 1
            if row.table:
                row.pieces = _cells(row, columns)


def _runs(lines: Sequence[Row]) -> Iterator[list[Row]]:
    run: list[Row] = []
    for row in lines:
        if len(row.pieces) > 1 and (not run or len(_columns([*run, row])) > 1):
            run.append(row)
            continue
        if len(run) > 2:
            yield run
        run = [row] if len(row.pieces) > 1 else []
    if len(run) > 2:
        yield run


def _columns(run: Sequence[Row]) -> list[tuple[float, float]]:
    """The x ranges that the run's pieces cover, apart from each other by a wide gap."""
    spans = sorted((piece.x0, piece.x1) for row in run for piece in row.pieces)
    wide = 1.2 * median(row.size for row in run)
    merged: list[tuple[float, float]] = []
    for x0, x1 in spans:
        if merged and x0 < merged[-1][1] + wide:
            merged[-1] = (merged[-1][0], max(merged[-1][1], x1))
        else:
            merged.append((x0, x1))
    return merged


def _are_cells(run: Sequence[Row], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the columns hold cells: no leaders, no list's numbers, most rows filled and evenly spaced."""
    first = [row.pieces[0].text for row in run]
    if any(". . ." in row.text or "...." in row.text for row in run):
        return False
    if len(columns) == 2 and all(len(text) < 4 or not any(map(str.isalnum, text)) for text in first):
        return False
    filled = sum(len(_cells(row, columns)) for row in run)
    steps = [after.y0 - before.y0 for before, after in pairwise(run)]
    return 2 * filled >= len(run) * len(columns) + len(run) and all(step > 0 for step in steps)


def _cells(row: Row, columns: Sequence[tuple[float, float]]) -> list[Piece]:
    """The row's pieces, those of one column joined."""
    cells: list[Piece] = []
    where = -1
    for piece in row.pieces:
        at = next(i for i, (x0, x1) in enumerate(columns) if x0 <= piece.x0 <= x1)
        if at == where:
            for word, joint in zip(piece.words, [SPACE, *piece.joints[1:]], strict=True):
                cells[-1].add(word, joint)
        else:
            cells.append(piece)
        where = at
    return cells
