"""Where a secret stands in a text. The value itself is carried nowhere, so nothing can print it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]` is a secret of this kind."""

    kind: str
    start: int
    end: int


# Kinds that say least: of two names for one place the other is reported.
_GENERAL = ("password", "key", "bearer-token")


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, each overlapping group as one span of the kind that starts first or is longest."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.kind in _GENERAL, span.kind)):
        if found and span.start < found[-1].end:
            last = found[-1]
            found[-1] = last._replace(end=max(last.end, span.end))
        else:
            found.append(span)
    return found
