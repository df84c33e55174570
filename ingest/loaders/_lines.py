"""Sorts the lines of a file that is not UTF-8 throughout: whole, damaged, or in another encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# A line that is mostly valid is damaged UTF-8, not another encoding.
_MOST_DAMAGED = 0.2
_JUDGED = 1_000_000
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its number, from 1, and the range of its bytes without the line feed."""

    number: int
    start: int
    end: int


@dataclass(slots=True)
class Sorted:
    """`utf8` counts the lines that are UTF-8 beyond ASCII, damaged ones included; `foreign` are not."""

    utf8: int = 0
    foreign: list[Line] = field(default_factory=list)

    def bytes_of(self, data: bytes, most: int = 1_000_000) -> bytes:
        """The foreign lines' bytes, at least `most` of them if there are so many."""
        pieces: list[bytes] = []
        for line in self.foreign:
            pieces.append(data[line.start : line.end])
            if (most := most - len(pieces[-1])) <= 0:
                break
        return b"\n".join(pieces)


def sort_lines(data: bytes) -> Sorted:
    """Sorts the lines that hold bytes beyond ASCII."""
    found = Sorted()
    for line, first in _lines_beyond_ascii(data):
        # So much of a very long line tells what it is; all of it would be held several times over.
        raw = data[first : min(line.end, first + _JUDGED)]
        text = raw.decode("utf-8", "replace")
        lost = text.count("\ufffd") - raw.count(b"\xef\xbf\xbd")
        if lost > 0 and lost > _MOST_DAMAGED * (_beyond_ascii(text) - lost):
            found.foreign.append(line)
        else:
            found.utf8 += 1
    return found


def decode_mixed(data: bytes, foreign: Sequence[Line], encoding: str) -> str:
    """The text with these lines in `encoding` and all others in UTF-8; U+FFFD where neither holds."""
    pieces: list[str] = []
    position = 0
    for line in foreign:
        pieces.append(data[position : line.start].decode("utf-8", "replace"))
        pieces.append(data[line.start : line.end].decode(encoding, "replace"))
        position = line.end
    pieces.append(data[position:].decode("utf-8", "replace"))
    return "".join(pieces)


def _lines_beyond_ascii(data: bytes) -> Iterator[tuple[Line, int]]:
    """Each such line, and where its first byte beyond ASCII is."""
    position, number = 0, 1
    while found := _BEYOND_ASCII.search(data, position):
        start = data.rfind(b"\n", 0, found.start()) + 1
        end = data.find(b"\n", found.start())
        end = len(data) if end < 0 else end
        number += data.count(b"\n", position, start)
        yield Line(number, start, end), found.start()
        position = end


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))
