"""Small passages are found, larger ones given to the generator: a hit with the text around it.

The wider passage is still an exact run of its document's characters, so a quotation from it has a place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.types import Document, Hit

_PARAGRAPH = "\n\n"


def widened(hits: Sequence[Hit], characters: int, document: Callable[[str], Document | None]) -> list[Hit]:
    """The hits in their order, those shorter than `characters` with whole paragraphs from around them.

    A passage stays on its page and takes nothing that another passage has. Where `document` has no text
    in which the hit stands any more, it stays as it is.
    """
    found = list(hits)
    sources: dict[str, Document | None] = {}
    for at, hit in enumerate(found):
        chunk = hit.chunk
        if len(chunk.text) >= characters:
            continue
        if chunk.document_id not in sources:
            sources[chunk.document_id] = document(chunk.document_id)
        source = sources[chunk.document_id]
        if source is not None and source.text[chunk.start : chunk.end] == chunk.text:
            others = [(each.chunk.start, each.chunk.end) for each in found if _beside(each, hit)]
            found[at] = _wider(hit, source, characters, others)
    return found


def _beside(other: Hit, hit: Hit) -> bool:
    return other is not hit and other.chunk.document_id == hit.chunk.document_id


def _wider(hit: Hit, source: Document, characters: int, others: Sequence[tuple[int, int]]) -> Hit:
    chunk = hit.chunk
    first, last = _page(source, chunk.start, chunk.end)
    first = max([first, *(end for _, end in others if end <= chunk.start)])
    last = min([last, *(start for start, _ in others if start >= chunk.end)])
    room = characters - len(chunk.text)
    # What follows more often continues a thought than what precedes it: it gets the larger half.
    end = _end(source.text, chunk.end, min(last, chunk.end + (room + 1) // 2))
    start = _start(source.text, max(first, chunk.start - (room - (end - chunk.end))), chunk.start)
    end = _end(source.text, end, min(last, end + room - (end - chunk.end) - (chunk.start - start)))
    if (start, end) == (chunk.start, chunk.end):
        return hit
    whole = replace(chunk, text=source.text[start:end], start=start, end=end, embedded=None)
    return replace(hit, chunk=whole)


def _page(source: Document, start: int, end: int) -> tuple[int, int]:
    """The bounds of the page on which all of `start` to `end` stands; of those it spans where it does not."""
    if not source.pages:
        return 0, len(source.text)
    starts = [page.start for page in source.pages]
    first = max(0, bisect_right(starts, start) - 1)
    last = max(first, bisect_right(starts, max(start, end - 1)) - 1)
    return min(start, source.pages[first].start), max(end, source.pages[last].end)


def _end(text: str, begin: int, limit: int) -> int:
    """The end of the last paragraph that is whole before `limit`, `begin` if none is."""
    if limit >= len(text):
        return begin + len(text[begin:].rstrip())
    at = text.rfind(_PARAGRAPH, begin, limit + len(_PARAGRAPH))
    return begin + len(text[begin : max(begin, at)].rstrip())


def _start(text: str, limit: int, end: int) -> int:
    """The beginning of the first paragraph that is whole from `limit` on, `end` if none is."""
    at = 0 if limit <= 0 else text.find(_PARAGRAPH, max(0, limit - len(_PARAGRAPH)), end)
    if at < 0:
        return end
    return end - len(text[at:end].lstrip())
