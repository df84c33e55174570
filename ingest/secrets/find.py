"""Finds secrets in a text: what kind, where, on which line, never what.

All rules start from fixed strings, whole runs of characters or bounded windows, so that time grows
with the length of the text alone, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.secrets.connections import connections
from ingest.secrets.labels import labelled
from ingest.secrets.numbers import numbers
from ingest.secrets.pairs import pairs
from ingest.secrets.phrases import phrases
from ingest.secrets.rules import tokens
from ingest.secrets.spans import Span, disjoint
from ingest.secrets.tables import Header

# Changes whenever the same text would give other secrets.
VERSION = "5"
PLACEHOLDER = re.compile(r"\[redacted:[a-z0-9\-]{1,40}:[0-9a-f]{6}\]")
# Stands for what is redacted already: no rule takes this character into a secret.
_GONE = "\ue000"
_FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_TO_ASCII = {
    ord(c): ord(c) - 0xFEE0
    for c in map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)))
}
# A long text is searched in pieces that overlap by more than any secret's length.
_PIECE = 4_000_000
_OVERLAP = 64_000


@dataclass(frozen=True, slots=True)
class Secret:
    """`text[start:end]` is a secret; `line` counts from 1. The value is not part of it."""

    kind: str
    start: int
    end: int
    line: int


def find(text: str) -> list[Secret]:
    """The secrets of `text` in order, none overlapping; offsets are characters of `text`."""
    return numbered(text, disjoint(_spans(text)))


def numbered(text: str, spans: Iterable[Span]) -> list[Secret]:
    """The spans, in order, with their lines: the text is counted through once."""
    found = []
    line, counted = 1, 0
    for kind, start, end in spans:
        line += text.count("\n", counted, start)
        counted = start
        found.append(Secret(kind, start, end, line))
    return found


def _spans(text: str) -> Iterator[Span]:
    header = Header()
    for first in range(0, max(1, len(text)), _PIECE):
        low, high = max(0, first - _OVERLAP), min(len(text), first + _PIECE + _OVERLAP)
        # A row of a long table says what its cells are by a header pieces above it.
        above, low = header.above(text, low)
        piece = _folded(above + text[low:high])
        low -= len(above)
        for rule in (tokens, connections, labelled, phrases, pairs, numbers):
            for kind, start, end in rule(piece):
                if first <= start + low < first + _PIECE and start >= len(above):
                    yield Span(kind, start + low, end + low)


def _folded(text: str) -> str:
    """The text with full-width letters, digits, colon and equals sign as ASCII, character for character."""
    text = PLACEHOLDER.sub(lambda match: _GONE * len(match.group()), text)
    if text.isascii():
        return text
    text = text.replace("：", ":").replace("＝", "=").replace("\u00a0", " ")
    return text.translate(_TO_ASCII) if _FULL_WIDTH.search(text) else text
