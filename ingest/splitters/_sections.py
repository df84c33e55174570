"""Groups a document's blocks under their heading paths; sections too small to stand alone are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from ingest.loaders._markdown import Block

# Below this many tokens a section says too little by itself to be found or to answer anything.
TINY = 30


@dataclass(slots=True)
class Section:
    """Blocks under one heading path; the heading itself, where there is one, is the first block.

    `own` counts the titles at the path's end that its first blocks hold word for word.
    """

    path: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    own: int = 0

    @property
    def trails(self) -> bool:
        """Whether it ends with a heading whose text is still to come."""
        return self.blocks[-1].kind == "heading"


def sections(blocks: Sequence[Block], shown: Callable[[Block], str]) -> list[Section]:
    """One section per heading, in order, and one without a path for what precedes the first.

    `shown` says what the indexes see of a block.
    """
    found: list[Section] = []
    open_headings: list[tuple[int, str]] = []
    for block in blocks:
        if block.kind == "heading":
            while open_headings and open_headings[-1][0] >= block.level:
                open_headings.pop()
            open_headings.append((block.level, block.title))
            path = tuple(title for _, title in open_headings if title)
            held = bool(block.title) and block.title in shown(block)
            found.append(Section(path, [block], own=int(held)))
        elif found:
            found[-1].blocks.append(block)
        else:
            found.append(Section((), [block]))
    return found


def paragraphs(text: str, start: int, end: int) -> list[Block]:
    """Blocks of a text without markup: runs of lines, each with the blank lines after it."""
    found: list[Block] = []
    position = start
    while position < end:
        gap = text.find("\n\n", position, end)
        stop = end if gap < 0 else gap
        while stop < end and text[stop] == "\n":
            stop += 1
        if text[position:stop].strip():
            found.append(Block("paragraph", position, stop))
        position = stop
    return found


def join_tiny(
    found: Sequence[Section], room: Callable[[Section], int], size: Callable[[Section], int]
) -> list[Section]:
    """Join neighbours of which one is tiny: a parent to its first child, siblings to each other.

    `size` is a section's tokens, `room` the most it may have to stay one chunk. A parent's few words
    and headings without text go with what follows, whatever its size; siblings and a tiny child
    after its parent only where they fit together.
    """
    result: list[Section] = []
    sizes: list[int] = []
    for section in found:
        here = size(section)
        if result and (joined := _joined(result[-1], section, sizes[-1], here, room)):
            result[-1] = joined
            sizes[-1] += here
        else:
            result.append(section)
            sizes.append(here)
    return result


def _joined(
    left: Section, right: Section, left_size: int, right_size: int, room: Callable[[Section], int]
) -> Section | None:
    blocks = left.blocks + right.blocks
    # A long list of headings must still end somewhere.
    waits = left.trails and left_size < room(left) // 2
    descends = len(right.path) > len(left.path) and right.path[: len(left.path)] == left.path
    if descends and (waits or left_size < TINY):
        return Section(right.path, blocks, own=left.own + right.own)
    if waits and not right.trails:
        return Section(right.path, blocks, own=right.own)
    if right.trails and not waits:
        return None
    if descends and right_size < TINY:
        joined = Section(left.path, blocks, left.own)
    elif waits or (left.path[:-1] == right.path[:-1] and min(left_size, right_size) < TINY):
        joined = Section(_common(left.path, right.path), blocks)
    else:
        return None
    return joined if left_size + right_size <= room(joined) else None


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
