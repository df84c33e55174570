"""Words of a page that stand on one line: pieces without a wide gap, and rows of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from ingest.loaders._pdf_words import NEWLINE, SPACE, Word

# Shares of the font's size.
_TIGHT = 0.12
_NEAR = 0.35
_WIDE = 1.0
_OVERLAP = 0.35


@dataclass(slots=True)
class Piece:
    """Words of one line with no wide gap between them; `column` tells the columns of a page apart."""

    words: list[Word]
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    turned: bool
    column: int = 0
    joints: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The piece as it is read."""
        return "".join(
            part for pair in zip(self.joints, self.words, strict=True) for part in (pair[0], pair[1].text)
        )

    def add(self, word: Word, joint: str) -> None:
        """Put a word at the end, after `joint`."""
        self.words.append(word)
        self.joints.append(joint)
        self.x0, self.x1 = min(self.x0, word.x0), max(self.x1, word.x1)
        if word.size >= self.size * 0.9:  # raised and lowered characters do not move the line
            self.y0, self.y1 = min(self.y0, word.y0), max(self.y1, word.y1)
            self.size = max(self.size, word.size)


@dataclass
class Row:
    """The pieces of one visual line; `table` marks a row whose pieces are cells."""

    pieces: list[Piece]
    table: bool = False

    @property
    def x0(self) -> float:
        """The left edge."""
        return min(piece.x0 for piece in self.pieces)

    @property
    def x1(self) -> float:
        """The right edge."""
        return max(piece.x1 for piece in self.pieces)

    @cached_property
    def y0(self) -> float:
        """The top of most words: a formula's tall sign does not raise its line."""
        return median(word.y0 for piece in self.pieces for word in piece.words)

    @cached_property
    def y1(self) -> float:
        """The foot of most words."""
        return median(word.y1 for piece in self.pieces for word in piece.words)

    @property
    def size(self) -> float:
        """The height of most words."""
        return self.y1 - self.y0

    @cached_property
    def text(self) -> str:
        """The row as it is read, cells with a space between them."""
        return " ".join(piece.text for piece in self.pieces)


def pieces(words: Sequence[Word]) -> list[Piece]:
    """Runs of words on one line; raised and lowered characters stay with their line."""
    found: list[Piece] = []
    for word in words:
        joint = _joint(found[-1], word) if found else None
        if joint is None:
            found.append(
                Piece([word], word.x0, word.y0, word.x1, word.y1, word.size, word.turned, joints=[""])
            )
        else:
            found[-1].add(word, joint)
    return found


def _joint(piece: Piece, word: Word) -> str | None:
    """What joins a word to the piece before it; None where it begins another."""
    if piece.words[-1].broken:
        return None
    if piece.turned or word.turned:
        return None if word.before == NEWLINE else word.before
    if not is_level(piece, word):
        return None
    last = piece.words[-1]
    size = max(piece.size, word.size)
    gap = word.x0 - last.x1
    if word.before == NEWLINE:
        if not -_NEAR * size < gap < _NEAR * size:
            return None
        return "" if gap < _TIGHT * size else SPACE
    return word.before if gap < _WIDE * size else None


def is_level(piece: Piece, other: Word | Piece) -> bool:
    """Whether two stand on one line."""
    shared = min(piece.y1, other.y1) - max(piece.y0, other.y0)
    return shared > _OVERLAP * min(piece.size, other.size)
