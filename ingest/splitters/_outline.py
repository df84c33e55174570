"""Heading paths from titles that stand beside the text: the outline of a PDF file."""

from __future__ import annotations

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

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """The pieces of a range, each with its heading path; together they are the range."""
        ends = [offset for offset, _ in self._places[1:]] + [end]
        for (offset, path), following in zip(self._places, ends, strict=True):
            first, last = max(offset, start), min(following, end)
            if first < last:
                yield first, last, path
