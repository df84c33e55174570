"""Divides blocks into units that fit a chunk: whole blocks if they do, else rows, items, lines, sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ingest.loaders._markdown import Block
from ingest.splitters import _pieces
from ingest.splitters._packing import NEVER, Unit
from ingest.splitters._shown import Source

Count = Callable[[str], int]

_CUT_APART = 3.0
_CUT_AFTER_INTRODUCTION = 0.5
_CUT_BETWEEN_ITEMS, _CUT_INSIDE_ITEM = 0.2, 0.6
_CODE = frozenset({"fence", "code_block", "html_block"})
_ITEMS = frozenset({"bullet_list", "ordered_list"})
# What is repeated above a continued block takes at most this share of a chunk.
_LEAD_SHARE = 3
# Enclosing lines of code repeated at most, the innermost: each is copied and counted for every line in it.
_ENCLOSING = 20
# Pieces that are together below this share of a chunk are one unit.
_GATHERED = 16


class Divider:
    """Cuts the blocks of one document; sizes are tokens of what the indexes see."""

    def __init__(self, source: Source, count: Count) -> None:
        self._source = source
        self.text = source.text
        self._count = count

    def shown(self, block: Block) -> str:
        """What the indexes see of the whole block."""
        seen = self._source.shown(block, block.start, block.end)
        return self.text[block.start : block.end] if seen is None else seen

    def size(self, block: Block) -> int:
        """Tokens of the whole block."""
        return self._measure(block, block.start, block.end)

    def units(self, block: Block, room: int) -> list[Unit]:
        """Units of `block`, at most `room` tokens each with what leads them, that divide it wholly."""
        size = self.size(block)
        if size <= room:
            return [self._unit(block, block.start, block.end, size, self._cut_after(block))]
        found = self._divided(block, room)
        last = NEVER if block.kind == "heading" else 0.0
        inside = [replace(unit, cut=max(unit.cut, _pieces.CUT_AT_BREAK)) for unit in found[:-1]]
        return [*inside, replace(found[-1], cut=last)]

    def _divided(self, block: Block, room: int) -> list[Unit]:
        if block.kind == "table":
            return self._table(block, room)
        if block.kind == "container" or (block.kind == "blockquote" and self._is_alert(block)):
            return self._container(block, room)
        if block.children:
            items = block.kind in _ITEMS
            found: list[Unit] = []
            for child in block.children:
                parts = self.units(child, room)
                if items:
                    inner = [replace(part, cut=max(part.cut, _CUT_INSIDE_ITEM)) for part in parts[:-1]]
                    parts = [*inner, replace(parts[-1], cut=_CUT_BETWEEN_ITEMS)]
                found += parts
            return found
        return self._leaf(block, room)

    def _leaf(self, block: Block, room: int) -> list[Unit]:
        if block.kind in _CODE:
            return self._code(block, room)
        cut = _pieces.formulas if block.kind == "math_block" else _pieces.prose
        pieces = cut(*self._range(block), room, self._measuring(block))
        return _gathered([self._piece(block, *each) for each in pieces], room)

    def _code(self, block: Block, room: int) -> list[Unit]:
        leads = Leads(self._first_line(block) if block.kind == "fence" else "")
        found: list[Unit] = []
        left = room - room // _LEAD_SHARE
        for start, end, cut in _pieces.lines(*self._range(block), left, self._measuring(block)):
            lead = leads.above(self.text[start:end]) if found else ""
            found.append(self._led(self._piece(block, start, end, cut), lead, room))
        found = _gathered(found, room)
        if block.kind == "fence":
            closing = self.text[block.start : block.end].rstrip()
            mark = self._first_line(block).strip()[:3]
            tail = block.start + closing.rfind("\n") + 1 if closing.endswith(mark) else block.end
            found = _bracketed(found, block.start + len(self._first_line(block)), tail)
        return found

    def _table(self, block: Block, room: int) -> list[Unit]:
        head, *bodies = block.children
        lead = self._shown_whole(head)
        if (used := self._count(lead)) > room // 2:
            lead, used = "", 0
        rows = [row for body in bodies for row in body.children or [body]]
        found = [replace(unit, cut=NEVER) for unit in self.units(head, room)]
        for row in rows:
            parts = self.units(row, room - used)
            found += [self._led(replace(part, cut=max(part.cut, 0.0)), lead, room) for part in parts]
        return found

    def _container(self, block: Block, room: int) -> list[Unit]:
        opener = self._first_line(block)
        used = self._count(opener)
        if used > room // _LEAD_SHARE or not block.children:
            opener, used = "", 0
        found: list[Unit] = []
        for child in block.children:
            found += self.units(child, room - used)
        found = found or [self._piece(block, *each) for each in self._prose(block, room)]
        found = [found[0], *(self._led(unit, opener + unit.lead, room) for unit in found[1:])]
        written = self.text[block.start : block.end].rstrip()
        closing = written.rpartition("\n")[2].strip(" >")
        tail = block.start + written.rfind("\n") + 1 if closing and not closing.strip("/:") else block.end
        return _bracketed(found, block.start + len(self._first_line(block)), tail)

    def _prose(self, block: Block, room: int) -> Iterator[_pieces.Piece]:
        return _pieces.prose(*self._range(block), room, self._measuring(block))

    def _is_alert(self, block: Block) -> bool:
        return self.text[block.start : block.start + 20].lstrip("> \t").startswith("[!")

    def _shown_whole(self, block: Block) -> str:
        return self.shown(block).rstrip("\n") + "\n"

    def _first_line(self, block: Block) -> str:
        end = self.text.find("\n", block.start, block.end)
        return self.text[block.start : block.end if end < 0 else end + 1]

    def _range(self, block: Block) -> tuple[str, int, int]:
        return self.text, block.start, block.end

    def _measuring(self, block: Block) -> _pieces.Measure:
        return lambda start, end: self._measure(block, start, end)

    def _measure(self, block: Block, start: int, end: int) -> int:
        seen = self._source.shown(block, start, end)
        # What is quoted must stay bounded too, however little of it the indexes see.
        least = (end - start) // _pieces.CHARACTERS_PER_TOKEN
        return max(least, self._count(self.text[start:end] if seen is None else seen))

    def _unit(self, block: Block, start: int, end: int, size: int, cut: float) -> Unit:
        return Unit(start, end, size, cut, self._source.shown(block, start, end))

    def _piece(self, block: Block, start: int, end: int, cut: float) -> Unit:
        return self._unit(block, start, end, self._measure(block, start, end), cut)

    def _led(self, unit: Unit, lead: str, room: int) -> Unit:
        """The unit under `lead`, or what of it has room beside the unit."""
        while lead:
            size = self._count(lead)
            if size + unit.size <= room:
                return replace(unit, lead=lead, lead_size=size)
            lead = lead.rstrip("\n").rpartition("\n")[0]
            lead += "\n" if lead else ""
        return replace(unit, lead="", lead_size=0)

    def _cut_after(self, block: Block) -> float:
        if block.kind == "heading":
            return NEVER
        if block.kind != "paragraph":
            return 0.0
        end = self.text[max(block.start, block.end - 500) : block.end].rstrip()
        return _CUT_AFTER_INTRODUCTION if end.endswith((":", "：")) else 0.0


class Leads:
    """Follows the lines of a code block: the lines that open what the next one stands in."""

    def __init__(self, fence: str) -> None:
        self._fence = fence
        self._first = ""
        self._open: list[tuple[int, str]] = []

    def above(self, line: str) -> str:
        """What to repeat above `line`: the fence and its enclosing lines, or the first where it has none."""
        bare = line.strip("\n").split("\n")[0]
        width = _pieces.indent(bare)
        reopened = None
        while self._open and self._open[-1][0] >= width:
            reopened = self._open.pop()
        enclosing = [opening for _, opening in self._open[-_ENCLOSING:]]
        lead = enclosing or ([self._first] if self._first else [])
        # `) -> int:` goes on where its opening line began, and that line says what this is.
        goes_on = reopened is not None and reopened[0] == width and bare.lstrip().startswith((")", "]", "}"))
        if bare.strip():
            self._open.append(reopened if goes_on and reopened else (width, bare[:200]))
            self._first = self._first or bare[:200]
        return self._fence + "".join(f"{each}\n" for each in lead)


def tied(unit: Unit) -> Unit:
    """The unit, to be parted from what follows it only where nothing else is left."""
    return replace(unit, cut=max(unit.cut, _CUT_APART))


def _gathered(units: list[Unit], room: int) -> list[Unit]:
    """Runs of very small pieces as one unit each, so that packing takes no longer for many of them."""
    found: list[Unit] = []
    for unit in units:
        last = found[-1] if found else None
        small = last and last.size + unit.size <= room // _GATHERED
        if last and small and last.shown is unit.shown is None and last.cut > _pieces.CUT_AT_BREAK:
            found[-1] = replace(last, end=unit.end, size=last.size + unit.size, cut=unit.cut)
        else:
            found.append(unit)
    return found


def _bracketed(units: list[Unit], head: int, tail: int) -> list[Unit]:
    """The opening line (up to `head`) never ends a chunk, the closing one (from `tail`) never begins one."""
    found = []
    for number, unit in enumerate(units):
        following = units[number + 1].start if number + 1 < len(units) else -1
        found.append(replace(unit, cut=NEVER) if unit.end <= head or following >= tail else unit)
    return found
