"""Packs a run of units into chunks: as few as the budget allows, evenly filled, cut where it hurts least."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Costs are in chunks: one chunk more costs 1. A chunk over the budget is the last resort.
_OVERFULL = 1000.0
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of text `[start, end)` of `size` tokens that is kept whole.

    `cut` is what ending a chunk after it costs: 0 at the end of a block, `NEVER` after a heading.
    `shown` is what the indexes see of it, where that is not the text itself. `lead`, of `lead_size`
    tokens, is what they see above it where a chunk begins with it: a table's header, a code's signature.
    """

    start: int
    end: int
    size: int
    cut: float = 0.0
    shown: str | None = None
    lead: str = ""
    lead_size: int = 0


def pack(units: Sequence[Unit], room: int) -> list[tuple[int, int]]:
    """Ranges `(first, last + 1)` of the units that make one chunk each, at most `room` tokens.

    The cheapest of all divisions. A chunk exceeds `room` only where one unit does, or where units
    that may not be parted do together.
    """
    best = [0.0] + [math.inf] * len(units)
    came = [0] * (len(units) + 1)
    for end in range(1, len(units) + 1):
        last = units[end - 1]
        cut = last.cut if end < len(units) else 0.0
        # No division ends here, so there is none to find, and the search would go back to the first unit.
        if cut == NEVER:
            continue
        size = 0
        for begin in range(end - 1, -1, -1):
            # At least 1, so that no run of empty pieces is searched from end to end.
            size += max(1, units[begin].size)
            if size > room and best[end] < math.inf:
                break
            cost = best[begin] + cut + _cost(size + units[begin].lead_size, room)
            if cost < best[end]:
                best[end], came[end] = cost, begin
    ranges: list[tuple[int, int]] = []
    end = len(units)
    while end > 0:
        ranges.append((came[end], end))
        end = came[end]
    return ranges[::-1]


def _cost(size: int, room: int) -> float:
    # The square of what is left empty, summed, is least where chunks are equally full.
    return 1.0 + (((room - size) / room) ** 2 if size <= room else _OVERFULL * size / room)
