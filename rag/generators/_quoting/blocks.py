"""Fenced blocks of a passage, also those that the passage shows only the beginning or the end of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """`passage[start:end]` is a fenced block; without its opening or its closing fence where it is cut.

    `indent` in characters, of the fence.
    """

    start: int
    end: int
    fence: str
    indent: int
    opened: bool
    closed: bool

    def written(self, passage: str, stop: int) -> str:
        """The block up to `stop` as Markdown of its own: both fences, and they at the left margin."""
        lines = passage[self.start : stop].strip("\n").split("\n")
        if self.opened:
            lines[0] = lines[0].lstrip()
        if whole := self.closed and stop >= self.end:
            lines[-1] = lines[-1].strip()
        code = [line[min(self.indent, len(line) - len(line.lstrip())) :] for line in lines]
        return "\n".join([*([] if self.opened else [self.fence]), *code, *([] if whole else [self.fence])])


def blocks(passage: str) -> list[Block]:
    """The fenced blocks in order; they do not overlap.

    A fence that carries words opens a block. Whether a bare one that comes first opens or closes is told
    by the next fence, or, where it is the only one, by the line before it.
    """
    fences = list(_FENCE.finditer(passage))
    found: list[Block] = []
    if fences and _closes(passage, fences):
        first = fences.pop(0)
        found.append(Block(0, first.end(), first[1], _indent(first), False, True))
    while fences:
        opening = fences.pop(0)
        at = next((at for at, each in enumerate(fences) if _ends(opening, each)), None)
        closing = None if at is None else fences[at]
        fences = [] if at is None else fences[at + 1 :]
        end = closing.end() if closing is not None else len(passage.rstrip())
        indent, closed = _indent(opening), closing is not None
        found.append(Block(opening.start(), end, opening[1], indent, True, closed))
    return found


def _indent(fence: re.Match[str]) -> int:
    return fence.start(1) - fence.start()


def _ends(opening: re.Match[str], other: re.Match[str]) -> bool:
    return not other[2].strip() and other[1].startswith(opening[1])


def _closes(passage: str, fences: Sequence[re.Match[str]]) -> bool:
    """Whether the first fence closes a block that was begun in the passage before."""
    first = fences[0]
    before = passage[: first.start()]
    if first[2].strip() or not before.strip():
        return False
    if len(fences) > 1:
        return bool(fences[1][2].strip())
    if not passage[first.end() :].strip():
        return True
    last = before.removesuffix("\n").rpartition("\n")[2].strip()
    return bool(last) and not last.endswith((":", "："))
