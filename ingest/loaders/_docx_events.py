"""Collects the text of a Word document from a parser's events and writes it as Markdown blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.loaders._compose import flat, heading, item, paragraph, table
from ingest.loaders._docx_parts import Numbering, Styles, Target, W, local, number, value

_DROPPED = frozenset(
    {f"{W}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rPrChange", "pPrChange")}
    | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_BREAKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}
_FALSE = ("0", "false", "off", "none")


@dataclass(slots=True)
class _Paragraph:
    text: list[str] = field(default_factory=list)
    style: str = ""
    level: int = 0
    list_id: str = ""
    depth: int = 0
    notes: list[str] = field(default_factory=list)


class Body(Target):
    """document.xml: `blocks` of Markdown, and the first heading as `title`."""

    def __init__(self, styles: Styles, numbering: Numbering, notes: Mapping[str, Mapping[str, str]]) -> None:
        self.blocks: list[str] = []
        self.title = ""
        self._styles, self._numbering, self._notes = styles, numbering, notes
        self._paragraphs: list[_Paragraph] = []
        self._rows: list[list[list[str]]] = []
        self._cells: list[list[str]] = []
        self._counts: dict[tuple[str, int], int] = {}
        self._dropped = 0
        self._text = self._hidden = self._run = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._dropped or tag in _DROPPED:
            self._dropped += 1
            return
        name = local(tag)
        if name == "p" and tag.startswith(W):
            self._paragraphs.append(_Paragraph())
        elif name == "tbl":
            self._rows.append([])
        elif name == "tr" and self._rows:
            self._rows[-1].append([])
        elif name == "tc":
            self._cells.append([])
        elif name == "r":
            self._run, self._hidden = True, False
        elif name == "t":
            self._text = True
        elif self._paragraphs:
            self._in_paragraph(self._paragraphs[-1], name, attributes)

    def _in_paragraph(self, current: _Paragraph, name: str, attributes: Mapping[str, str]) -> None:
        given = value(attributes)
        if name == "pStyle":
            current.style = given
        elif name == "outlineLvl" and given in tuple("012345678"):
            current.level = int(given) + 1
        elif name == "ilvl":
            current.depth = number(given)
        elif name == "numId":
            current.list_id = given or "0"
        elif name == "vanish" and self._run:
            self._hidden = given not in _FALSE
        elif name in _BREAKS and self._run:
            current.text.append(_BREAKS[name])
        elif name in ("footnoteReference", "endnoteReference"):
            note = self._notes.get(name.removesuffix("Reference"), {}).get(attributes.get(f"{W}id", ""))
            if note and note.strip():
                current.notes.append(flat(note))

    def end(self, tag: str) -> None:
        if self._dropped:
            self._dropped -= 1
            return
        name = local(tag)
        if name == "t":
            self._text = False
        elif name == "r":
            self._run = False
        elif name == "p" and tag.startswith(W) and self._paragraphs:
            self._end_paragraph(self._paragraphs.pop())
        elif name == "tc" and self._cells:
            cell = " ".join(self._cells.pop())
            if self._rows and self._rows[-1]:
                self._rows[-1][-1].append(cell)
        elif name == "tbl" and self._rows:
            rows = [row for row in self._rows.pop() if row]
            self._put(table(rows) if any(any(row) for row in rows) else "")

    def data(self, text: str) -> None:
        if self._text and not self._dropped and not self._hidden and self._paragraphs:
            self._paragraphs[-1].text.append(text)

    def _end_paragraph(self, done: _Paragraph) -> None:
        text = "".join(done.text)
        level = done.level or self._styles.level(done.style)
        list_id = done.list_id or self._styles.list_id(done.style)
        if not text.strip():
            pass
        elif level and not self._cells:
            self.title = self.title or flat(text)
            self._put(heading(level, text))
        elif list_id not in ("", "0") and not self._cells:
            self._put(item(paragraph(text), done.depth, self._marker(list_id, done.depth)))
        else:
            self._put(paragraph(text))
        for note in done.notes:
            self._put(paragraph(f"[Note] {note}"))

    def _marker(self, list_id: str, depth: int) -> str:
        if not self._numbering.counts(list_id, depth):
            return "-"
        for deeper in [key for key in self._counts if key[0] == list_id and key[1] > depth]:
            del self._counts[deeper]
        count = self._counts[list_id, depth] = self._counts.get((list_id, depth), 0) + 1
        return f"{count}."

    def _put(self, block: str) -> None:
        if block.strip():
            (self._cells[-1] if self._cells else self.blocks).append(block)
