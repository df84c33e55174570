"""Passages of one document that overlap, shown without what a better one shows already.

Splitters repeat the sentences before a passage at its beginning, so that an answer across a cut is found.
Whoever reads the hits wants each sentence once, and no hit longer than a passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.types import Chunk, Hit


def unrepeated(ranked: Sequence[Hit]) -> tuple[list[int], list[Hit]]:
    """Each of the `ranked` hits, best first, without the characters that better ones of its document have.

    A hit is left its longest run of them, still exact characters of the document; its ordinal and score
    stay. Where nothing but blank space is left, its leader, the first list, is the best hit that it
    overlaps, else itself. What becomes of a hit depends on better ones alone.
    """
    leaders, hits = list(range(len(ranked))), list(ranked)
    if len({hit.chunk.document_id for hit in ranked}) == len(ranked):
        return leaders, hits
    shown: dict[str, list[int]] = {}
    for at, hit in enumerate(ranked):
        better = shown.setdefault(hit.chunk.document_id, [])
        beside = [each for each in better if _meet(ranked[each].chunk, hit.chunk)]
        run = (
            _longest(hit.chunk, [hits[each].chunk for each in beside]) if beside else (0, len(hit.chunk.text))
        )
        if run is None:
            leaders[at] = beside[0]
            continue
        hits[at] = replace(hit, chunk=_part(hit.chunk, *run)) if beside else hit
        better.append(at)
    return leaders, hits


def _meet(one: Chunk, other: Chunk) -> bool:
    return one.start < other.end and other.start < one.end


def _longest(chunk: Chunk, better: Sequence[Chunk]) -> tuple[int, int] | None:
    """The longest run of the chunk's text, in its own characters, that is in none of `better`."""
    runs: list[tuple[int, int]] = []
    reached = chunk.start
    for start, end in [*sorted((each.start, each.end) for each in better), (chunk.end, chunk.end)]:
        runs.append(_bare(chunk, reached, min(start, chunk.end)))
        reached = max(reached, end)
    start, end = max(runs, key=lambda run: (run[1] - run[0], -run[0]))
    return (start, end) if start < end else None


def _bare(chunk: Chunk, start: int, end: int) -> tuple[int, int]:
    """The run of these characters of the document without blank space around it."""
    text = chunk.text[start - chunk.start : max(start, end) - chunk.start]
    first = start - chunk.start + len(text) - len(text.lstrip())
    return first, first + len(text.strip())


def _part(chunk: Chunk, start: int, end: int) -> Chunk:
    """The part `text[start:end]` of a chunk, with what the indexes see of it where that can be told."""
    if (start, end) == (0, len(chunk.text)):
        return chunk
    seen, before, after = chunk.embedded, chunk.text[:start], chunk.text[end:]
    if seen is not None:
        told = seen.startswith(before) and seen.endswith(after) and len(seen) >= len(before) + len(after)
        seen = seen[len(before) : len(seen) - len(after)] if told else None
    first = chunk.start + start
    return replace(chunk, text=chunk.text[start:end], start=first, end=chunk.start + end, embedded=seen)
