"""The lines of a page in reading order.

The file's own order is kept wherever nothing speaks clearly against it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.loaders._pdf_columns import in_columns
from ingest.loaders._pdf_pieces import Piece, Row, is_level, pieces
from ingest.loaders._pdf_tables import mark_tables
from ingest.loaders._pdf_words import Word


def rows(words: Sequence[Word]) -> list[Row]:
    """The page's lines in reading order."""
    found = _lines(in_columns(pieces(words)))
    mark_tables(found)
    return found


def _lines(found: Sequence[Piece]) -> list[Row]:
    """Pieces that follow each other on one line become one row."""
    lines: list[list[Piece]] = []
    for piece in found:
        if lines and _follows(lines[-1][-1], piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [Row(line) for line in lines]


def _follows(last: Piece, piece: Piece) -> bool:
    if last.turned or piece.turned or last.words[-1].broken or last.column != piece.column:
        return False
    return is_level(last, piece) and piece.x0 > last.x1
