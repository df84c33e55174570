"""Heading paths from titles that stand beside the text: the outline of a PDF file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from rag.types import Heading


class Outline:
    """Cuts a text at the places its titles point to."""

    def __init__(self, headings: Sequence[Heading]) -> None:
        """`headings` in order of place."""
        self._places: list[tuple[int, tuple[str, ...]]] = [(0, ())]
        opened: list[Heading] = []
        for heading in headings:
            while opened and opened[-1].level >= heading.level:
                opened.pop()
            opened.append(heading)
            self._places.append((heading.offset, tuple(each.title for each in opened)))
        self._offsets = [offset for offset, _ in self._places]

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """The pieces of a range, each with its heading path; together they are the range."""
        # A page looks at its own titles only: a long file has many of both.
        at = max(0, bisect_right(self._offsets, start) - 1)
        while at < len(self._places) and self._offsets[at] < end:
            following = self._offsets[at + 1] if at + 1 < len(self._offsets) else end
            first, last = max(self._offsets[at], start), min(following, end)
            if first < last:
                yield first, last, self._places[at][1]
            at += 1
