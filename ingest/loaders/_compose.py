"""Writes Markdown that the splitter reads back as it was meant: headings, lists, tables, code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.errors import DocumentError

# What would make a heading, a code block, a rule or a block of HTML of a paragraph that begins so.
_ACCIDENT = re.compile(r"^(?=#{1,6}(?:\s|$)|`{3}|~{3}|={2,}$|-{2,}$|>|<|[*_](?: *[*_]){2,}$)", re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_TICKS = re.compile(r"`{3,}")
_ITEM = re.compile(r" *(?:-|\d{1,9}\.) ")
_TITLE_LIMIT = 200
MAX_CHARACTERS = 50_000_000
# Tags of one file, opening and closing: each costs some microseconds, so that a bomb ends in a minute.
MAX_TAGS = 4_000_000


def flat(text: str) -> str:
    """The text on one line, each run of white space one space."""
    return _SPACE.sub(" ", text).strip()


def paragraph(text: str) -> str:
    """Lines of prose that no mark at their beginning turns into something else."""
    return _ACCIDENT.sub(r"\\", "\n".join(line for each in text.split("\n") if (line := flat(each))))


def heading(level: int, text: str) -> str:
    """A heading of level 1 to 6; nothing for one without words."""
    words = flat(text)
    return f"{'#' * min(max(level, 1), 6)} {words}" if words else ""


def item(text: str, depth: int, marker: str = "-") -> str:
    """A list item, `depth` counting from 0; its further lines are indented under it."""
    first, *rest = (line for line in text.split("\n") if line.strip()) if text.strip() else ("",)
    # Deeper than the parser nests, further depth says nothing and would read as code.
    indent = "   " * min(depth, 8)
    under = indent + " " * (len(marker) + 1)
    return "\n".join([f"{indent}{marker} {first.strip()}", *(under + line.strip() for line in rest)])


def fence(code: str, language: str = "") -> str:
    """A code block; its fence is longer than any in the code."""
    longest = max((len(ticks) for ticks in _TICKS.findall(code)), default=2)
    mark = "`" * (longest + 1)
    body = code.strip("\n")
    return f"{mark}{language}\n{body}\n{mark}" if body.strip() else ""


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows between pipes, the first as the head; rows shorter than the longest are filled up."""
    width = max(map(len, rows), default=0)
    if not width:
        return ""
    lines = [_row([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(flat(cell).replace("|", "\\|") for cell in cells) + " |"


def join(blocks: Sequence[str], max_characters: int = MAX_CHARACTERS) -> str:
    """The blocks with a blank line between them, none between the items of a list.

    Raises DocumentError beyond `max_characters`.
    """
    kept = [block for block in blocks if block.strip()]
    if sum(map(len, kept)) > max_characters:
        raise DocumentError(f"has more than {max_characters:,} characters of text: split it")
    pieces: list[str] = []
    before = False
    for block in kept:
        is_item = bool(_ITEM.match(block))
        if pieces:
            pieces.append("\n" if before and is_item else "\n\n")
        pieces.append(block)
        before = is_item
    return "".join(pieces) + "\n" if pieces else ""


def check_tags(count: int) -> None:
    """Raises DocumentError for more tags than a document has that people wrote."""
    if count > MAX_TAGS:
        raise DocumentError(f"has more than {MAX_TAGS:,} tags: split it")


def title_of(text: str) -> str:
    """A title on one line, without control characters, of a sane length."""
    return flat("".join(each for each in text if each.isprintable() or each.isspace()))[
        :_TITLE_LIMIT
    ].rstrip()
