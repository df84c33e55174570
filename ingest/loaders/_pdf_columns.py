"""Columns of prose beside each other: found on a page, and each read to its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from ingest.loaders._pdf_pieces import Piece
from rag.text import CJK_CHARACTER

# A column of prose: so many lines, so many characters each (a Chinese one counts twice).
_LINES = 4
_CHARACTERS = 20


def in_columns(found: list[Piece], column: int = 0, depth: int = 2) -> list[Piece]:
    """The pieces with each column read to its end; untouched where the file does so already.

    What crosses the gutter (a title, a wide figure's caption) parts the page into bands, each of
    which is read by columns.
    """
    gutter = _gutter(found) if depth else None
    if gutter is None:
        return found
    for piece in found:
        piece.column = 4 * column + _side(piece, gutter)
    crossing = sorted((p for p in found if _side(p, gutter) == 0), key=lambda piece: piece.y0)
    bands: list[tuple[list[Piece], list[Piece]]] = [([], []) for _ in range(len(crossing) + 1)]
    for piece in found:
        if side := _side(piece, gutter):
            band = sum(other.y0 + other.y1 < piece.y0 + piece.y1 for other in crossing)
            bands[band][side - 1].append(piece)
    ordered: list[Piece] = []
    for band, (left, right) in enumerate(bands):
        ordered += in_columns(left, 4 * column + 1, depth - 1) + in_columns(right, 4 * column + 2, depth - 1)
        ordered += crossing[band : band + 1]
    return ordered if _is_mixed(found, gutter) else found


def _side(piece: Piece, gutter: float) -> int:
    """1 left of the gutter, 2 right of it, 0 across."""
    if piece.x1 <= gutter:
        return 1
    return 2 if piece.x0 >= gutter - 1 else 0


def _is_mixed(found: Sequence[Piece], gutter: float) -> bool:
    """Whether the file goes back to the left column beside what it has shown of the right one."""
    lowest = float("-inf")
    for piece in found:
        side = _side(piece, gutter)
        if side == 0:
            lowest = float("-inf")
        elif side == 2:
            lowest = max(lowest, piece.y1)
        elif piece.y0 < lowest:
            return True
    return False


def _gutter(found: Sequence[Piece]) -> float | None:
    """Where the second column of prose begins, if there are two beside each other."""
    level = [piece for piece in found if not piece.turned]
    if len(level) < 2 * _LINES:
        return None
    left, right = min(p.x0 for p in level), max(p.x1 for p in level)
    starts = Counter(round(piece.x0) for piece in level if piece.x0 > left + 0.2 * (right - left))
    for start, count in starts.most_common(4):
        if count < _LINES:
            break
        gutter = start - 1.0
        sides: tuple[list[Piece], list[Piece], list[Piece]] = ([], [], [])
        for piece in level:
            sides[_side(piece, gutter)].append(piece)
        across, before, after = sides
        if _is_prose(before) and _is_prose(after) and 3 * len(across) <= len(level) and _beside(*sides[1:]):
            return gutter
    return None


def _is_prose(column: Sequence[Piece]) -> bool:
    if len(column) < _LINES:
        return False
    return median(_weight(piece) for piece in column) >= _CHARACTERS


def _weight(piece: Piece) -> int:
    text = piece.text
    return len(text) + len(CJK_CHARACTER.findall(text))


def _beside(left: Sequence[Piece], right: Sequence[Piece]) -> bool:
    """Whether two columns stand at the same height for at least half of the shorter one."""
    tops = [min(piece.y0 for piece in column) for column in (left, right)]
    ends = [max(piece.y1 for piece in column) for column in (left, right)]
    shorter = min(end - top for top, end in zip(tops, ends, strict=True))
    return min(ends) - max(tops) >= 0.5 * shorter
