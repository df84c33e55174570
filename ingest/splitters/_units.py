"""Divides blocks into units that fit a chunk: whole blocks if they do, else rows, items, lines, sentences."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

from ingest.loaders._markdown import Block
from ingest.splitters._packing import NEVER, Unit

Count = Callable[[str], int]

# Tried in this order, the separator staying at the end of what it closes. The splitter needs at
# least one match to use a level, and goes to the next for what is still too long.
_PROSE = (
    r"\n[ \t]*\n+",
    r"[.!?。！？；…][”’」』）)\"']*[ \t]*\n+",
    r"[。！？；…]+[”’」』）]*|[.!?]+[”’)\"']*[ \t]+",
    r"\n+",
    r"[，、：]|[,;:][ \t]+",
    r"[ \t\u3000]+",
)
_LINES = (r"\n[ \t]*\n+", r"\n+", r"[ \t]+")
_BY_LINES = frozenset({"fence", "code_block", "table", "tr", "thead", "tbody", "html_block"})
# Pieces of an oversize block are this share of a chunk, so that packing can fill chunks evenly.
_FINENESS = 6
_CUT_AT_BREAK, _CUT_AT_SENTENCE, _CUT_INSIDE = 0.2, 0.4, 1.5
_CUT_APART = 3.0
_CUT_AFTER_INTRODUCTION = 0.5
# What ends so goes on in the next line, in prose and in code.
_OPEN = tuple(":：,，、({[")
_STRONG = tuple(".!?。！？；…”」』")


def units(text: str, block: Block, room: int, count: Count) -> Iterator[Unit]:
    """Units of `block`, at most `room` tokens each, that divide it wholly."""
    size = count(text[block.start : block.end])
    if size <= room:
        yield Unit(block.start, block.end, size, _cut_after(text, block))
    elif block.children:
        yield from _inside(block, [u for child in block.children for u in units(text, child, room, count)])
    else:
        yield from _inside(block, list(_pieces(text, block, room, count)))


def _inside(block: Block, parts: list[Unit]) -> Iterator[Unit]:
    """The parts of a block that had to be cut: each cut costs something, the end of the block does not."""
    for part in parts[:-1]:
        yield Unit(part.start, part.end, part.size, max(part.cut, _CUT_AT_BREAK))
    last = parts[-1]
    yield Unit(last.start, last.end, last.size, NEVER if block.kind == "heading" else 0.0)


def _cut_after(text: str, block: Block) -> float:
    if block.kind == "heading":
        return NEVER
    if block.kind != "paragraph":
        return 0.0
    lines = text[block.start : block.end].strip().split("\n")
    if lines[-1].startswith("///") and lines[-1].strip("/ "):
        return _CUT_APART  # opens an admonition: belongs to what follows
    return _CUT_AFTER_INTRODUCTION if lines[-1].endswith((":", "：")) else 0.0


def closes(text: str, block: Block) -> bool:
    """Whether the block only closes an admonition (`///`) and so belongs to what is before it."""
    return block.kind == "paragraph" and not text[block.start : block.end].strip().strip("/")


def tied(unit: Unit) -> Unit:
    """The unit, to be parted from what follows it only where nothing else is left."""
    return Unit(unit.start, unit.end, unit.size, max(unit.cut, _CUT_APART))


def _pieces(text: str, block: Block, room: int, count: Count) -> Iterator[Unit]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=list(_LINES if block.kind in _BY_LINES else _PROSE),
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=False,
        chunk_size=max(1, room // _FINENESS),
        chunk_overlap=0,
        length_function=count,
    )
    position = block.start
    for piece in splitter.split_text(text[block.start : block.end]):
        for part in _slices(piece, room, count):
            end = position + len(part)
            yield Unit(position, end, count(part), _cut_between(part))
            position = end


def _cut_between(piece: str) -> float:
    stripped = piece.rstrip()
    if "\n\n" in piece[len(stripped) :]:
        return _CUT_AT_BREAK
    if stripped.endswith(_OPEN):
        return _CUT_INSIDE
    if stripped.endswith(_STRONG) or "\n" in piece[len(stripped) :]:
        return _CUT_AT_SENTENCE
    return _CUT_INSIDE


def _slices(piece: str, room: int, count: Count) -> Iterator[str]:
    """Cut what has no separator left in it by characters, at most `room` tokens each."""
    size = count(piece)
    while size > room:
        length = max(1, len(piece) * room // size)
        while length > 1 and count(piece[:length]) > room:
            length = length * 3 // 4
        length = _whole(piece, length)
        yield piece[:length]
        piece = piece[length:]
        # Counting the rest anew each time would take the square of its length.
        size = count(piece) if len(piece) < 8 * length else size * len(piece) // (len(piece) + length)
    if piece:
        yield piece


def _whole(piece: str, length: int) -> int:
    """The nearest cut before `length` that parts no letter from its marks and no emoji in two."""
    for cut in range(length, max(0, length - 16), -1):
        if cut < len(piece) and not _joins(piece[cut - 1], piece[cut]):
            return cut
    return length


def _joins(left: str, right: str) -> bool:
    if unicodedata.category(right) in ("Mn", "Me", "Mc") or "\U0001f3fb" <= right <= "\U0001f3ff":
        return True
    return "\u200d" in (left, right) or all("\U0001f1e6" <= c <= "\U0001f1ff" for c in (left, right))
