"""More rows than one call returns, by ranges of their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rag.stores._milvus.address import Row

_WIDTH = 1 << 40


def by_ranges(
    query: Callable[[str, Sequence[str], int], list[Row]], condition: str, fields: Sequence[str], most: int
) -> Iterator[Row]:
    """All rows that fulfil a condition, by ascending first field, an integer key from 0 up.

    `query` returns at most so many rows of a condition, and does not say which. Each call asks for a range
    of keys that holds fewer, halved or doubled as it turns out.
    """
    key, start, width = fields[0], 0, _WIDTH
    while query(f"({condition}) and {key} >= {start}", [key], 1):
        within = f"({condition}) and {key} >= {start} and {key} < {start + width}"
        found = query(within, fields, most)
        if len(found) == most:
            width = max(1, width // 2)
            continue
        yield from sorted(found, key=lambda row: int(row[key]))
        start += width
        if len(found) < most // 4:
            width *= 2
