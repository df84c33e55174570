"""The header of a Markdown table, for a row of it that is quoted: alone nobody knows what its cells are."""

from __future__ import annotations

import re

_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")


def header(passage: str, start: int) -> str:
    """The header of the table whose row stands at `start`, and the line of dashes under it, as the passage
    has them; empty where the passage does not show them.
    """
    lines = passage[:start].split("\n")
    if lines.pop().strip():
        return ""  # not at the beginning of a line
    for at in range(len(lines) - 1, 0, -1):
        if not lines[at].lstrip().startswith("|"):
            return ""
        if _DELIMITER.fullmatch(lines[at]):
            above = lines[at - 1].strip()
            return f"{above}\n{lines[at].strip()}" if above.startswith("|") else ""
    return ""


def is_header(passage: str, end: int) -> bool:
    """Whether a line of dashes follows the row that ends at `end`."""
    following = passage[end:].split("\n", 2)[1:2]
    return bool(following) and "-" in following[0] and bool(_DELIMITER.fullmatch(following[0]))


def open_ended(table: str) -> str:
    """The table without the bar at its end: a marker put behind it then stands in its last cell.

    Markdown shows nothing of what stands behind the last bar. What ends otherwise stays as it is.
    """
    last = table.rpartition("\n")[2]
    return table.removesuffix("|").rstrip() if last.startswith("|") else table
