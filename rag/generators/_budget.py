"""Which passages go into a model's window: the best first, whole, and of the last one whole sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.text import sentences
from rag.types import Hit

Fits = Callable[[Sequence[Hit]], bool]

_WORD_END = re.compile(r"\S(?=\s)")


@dataclass(frozen=True, slots=True)
class Packed:
    """The passages the model is shown. `left_out` of those given are not among them, `cut` are in part."""

    hits: tuple[Hit, ...]
    left_out: int
    cut: int

    @property
    def usage(self) -> dict[str, int]:
        """What the reply says of it."""
        return {"passages_left_out": self.left_out, "passages_cut": self.cut}


def pack(hits: Sequence[Hit], fits: Fits) -> Packed:
    """The most of `hits`, in their order, for which `fits` holds, and as many whole sentences of the next.

    Only where not even the first sentence of the best passage fits is a sentence cut, at a line's or a
    word's end. No passage at all is packed if no word of the best one fits. `fits` may only turn from
    true to false as passages are added or grow.
    """
    kept = _largest(len(hits), lambda number: fits(hits[:number]))
    whole = tuple(hits[:kept])
    if kept == len(hits):
        return Packed(whole, 0, 0)
    ends = [end for _, end in sentences(hits[kept].chunk.text)]
    part = _part(whole, hits[kept], ends, fits)
    if part is None and not kept:
        part = _part((), hits[0], _breaks(hits[0].chunk.text), fits)
    shown = whole if part is None else (*whole, part)
    return Packed(shown, len(hits) - len(shown), len(shown) - kept)


def _part(whole: tuple[Hit, ...], hit: Hit, ends: Sequence[int], fits: Fits) -> Hit | None:
    """The beginning of a hit up to the last of `ends` that fits behind the whole ones."""
    number = _largest(len(ends), lambda count: fits([*whole, _shortened(hit, ends[count - 1])]))
    return _shortened(hit, ends[number - 1]) if number else None


def _breaks(text: str) -> list[int]:
    """Where a text without sentences may be cut: after words, or anywhere where it has none."""
    return [found.end() for found in _WORD_END.finditer(text)] or list(range(1, len(text)))


def _shortened(hit: Hit, size: int) -> Hit:
    chunk = hit.chunk
    return replace(hit, chunk=replace(chunk, text=chunk.text[:size], end=chunk.start + size))


def _largest(limit: int, holds: Callable[[int], bool]) -> int:
    """The largest number in [0, limit] for which `holds`; 0 if none. Once it fails it fails above."""
    if not limit or holds(limit):
        return limit  # the usual case is counted once
    low, high = 0, limit - 1
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
