"""Where sentences begin and end, in English and Chinese, in prose and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A sentence ends at a Chinese stop or at an English one before white space; closing quotes and
# brackets stay with it. Initials and common abbreviations are no ends. A run of stops is read once,
# from its first: read from each of them, a long one would take quadratic time.
_END = re.compile(
    r"""[。！？；…]+[”’」』）】]*
    |(?=[.!?])(?<![.!?])
    (?:[.!?]{2,}+|(?<![A-Z])(?<!\b[A-Za-z]\.[A-Za-z])(?<!\b(?:[DdMm]r|[Ee]g|[Ii]e|vs|cf|al|no|No|St))[.!?])
    ["'”’)\]*_]*+(?=\s|$)""",
    re.VERBOSE,
)
# Lines are units of their own where the next begins a block (heading, list item, table row, fence,
# quotation, admonition) or this one is of a kind that does not run on (heading, table row).
_BLOCK = re.compile(r"\s*(?:[#>|+*:/-]|```|~~~|\d+[.)、]\s|$)")
_ALONE = re.compile(r"\s*(?:#{1,6}\s|\||```|~~~|[:/]{3})")


def sentences(text: str) -> list[tuple[int, int]]:
    """Character ranges of the sentences of `text`, in order, without surrounding white space.

    A line break inside a paragraph does not end a sentence: PDF pages and wrapped Markdown have one
    on every line.
    """
    found = []
    for start, end in _paragraphs(text):
        at = start
        for stop in [match.end() for match in _END.finditer(text, start, end)] + [end]:
            piece = text[at:stop]
            if bare := piece.strip():
                first = at + piece.index(bare)
                found.append((first, first + len(bare)))
            at = stop
    return found


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of lines that run on into each other."""
    start = at = 0
    alone = True
    for line in text.splitlines(keepends=True):
        if at > start and (alone or _BLOCK.match(line)):
            yield start, at
            start = at
        alone = bool(_ALONE.match(line)) or not line.strip()
        at += len(line)
    if at > start:
        yield start, at
