"""Under which headings a place in a passage stands: a passage may hold several short sections.

The record has one heading path for a whole passage, the one its sections share; the headings written in
the passage itself tell the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.types import Chunk

# An ATX heading, or a line underlined as one (CommonMark 0.31, sections 4.2 and 4.3), or a fence.
_LINE = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})|(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]*)"
    r"|(?P<above>[^\s#>|*+-][^\n|]*)\n {0,3}(?P<under>=+|-{3,})[ \t]*$)",
    re.MULTILINE,
)
_ATTRIBUTES = re.compile(r"[ \t]*\{[^{}\n]*\}[ \t]*$|[ \t]+#+[ \t]*$")
_LINK = re.compile(r"!?\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])|</?[A-Za-z][^>\n]*>")
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


def headings_at(chunk: Chunk, place: int) -> tuple[str, ...]:
    """The headings that `chunk.text[place]` stands under, outermost first.

    Those of the chunk's path that stand in its text after the place are left out, and those that stand in
    it before, of a level above, are put in. A page of a paged document has no headings in its text: its
    passage's path is all that is known.
    """
    if chunk.page is not None or chunk.document_id.endswith(".txt"):
        return chunk.heading
    known = {_letters(title): title for title in chunk.heading}
    written = [(start, level, known.get(_letters(title), title)) for start, level, title in _headings(chunk)]
    inside = {title for _, _, title in written}
    # Of a heading before the passage only its place in the path is known: its level is that or more.
    opened = [(level, title) for level, title in enumerate(chunk.heading, 1) if title not in inside]
    for start, level, title in written:
        if start > place:
            break
        while opened and opened[-1][0] >= level:
            opened.pop()
        opened.append((level, title))
    return tuple(title for _, title in opened)


def _headings(chunk: Chunk) -> Iterator[tuple[int, int, str]]:
    """Start, level and words of each heading in the text, outside of fenced code."""
    fence = ""
    for found in _LINE.finditer(chunk.text):
        if found["fence"]:
            if not fence:
                fence = found["fence"]
            elif found["fence"].startswith(fence):
                fence = ""
        elif not fence:
            level = len(found["marks"]) if found["marks"] else 1 + (found["under"][0] == "-")
            if title := _plain(found["title"] or found["above"] or ""):
                yield found.start(), level, title


def _plain(title: str) -> str:
    """A heading's words without attributes, links, tags and emphasis."""
    return " ".join(_EMPHASIS.sub("", _LINK.sub(r"\1", _ATTRIBUTES.sub("", title))).split())


def _letters(title: str) -> str:
    return "".join(each for each in title.casefold() if each.isalnum())
