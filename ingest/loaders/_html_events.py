"""Collects the text of an HTML page from a parser's events and writes it as Markdown blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.loaders._compose import fence, flat, heading, item, paragraph, table, title_of

_DROPPED = frozenset(
    "script style nav noscript template iframe object embed svg canvas audio video select datalist "
    "dialog map footer button textarea".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure "
    "header hr html legend li main ol p section summary table tbody td tfoot th thead tr ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_TABLE = frozenset({"table", "caption", "td", "th"})
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LANGUAGE = re.compile(r"\b(?:language|lang|highlight(?:-source)?)-([\w+#.]{1,20})")
# The little marks that documentation tools put beside headings.
_PERMALINK = frozenset({"headerlink", "anchor", "hash-link", "permalink", "anchorjs-link"})
_LEAST_MAIN = 200
_MOST_IN_CELL = 8


@dataclass(slots=True)
class _Block:
    text: str
    main: bool


@dataclass(slots=True)
class _Table:
    """A table being read: where its blocks and its open cell's begin, its rows so far."""

    first: int
    cell: int
    rows: list[list[str]] = field(default_factory=list)
    # Whether it arranges a page rather than data: its blocks then stand as they are.
    layout: bool = False


class Page:
    """The target of an lxml parser; `blocks()` and `title` once it is closed."""

    def __init__(self) -> None:
        self.title = ""
        self._found: list[_Block] = []
        self._text: list[str] = []
        self._dropped: list[str] = []
        self._pre = 0
        self._language = ""
        self._main = 0
        self._lists: list[tuple[str, int]] = []
        self._marker = ""
        self._tables: list[_Table] = []
        self._in_title = False
        self._first_heading = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._dropped:
            if tag == self._dropped[0]:
                self._dropped.append(tag)
            return
        if tag in _DROPPED or _is_hidden(attributes):
            # What the parser never closes would drop the rest of the page.
            if tag not in _VOID:
                self._dropped.append(tag)
            return
        self._open(tag, attributes)

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _BLOCKS or tag in _HEADINGS or tag in _LISTS or tag == "pre":
            self._flush()
        if tag == "main" or attributes.get("role") == "main":
            self._main += 1
        if tag == "title":
            self._in_title = True
        elif tag == "br":
            self._text.append("\n")
        elif tag == "img":
            self._text.append(flat(attributes.get("alt", "")))
        elif tag in ("pre", "code"):
            self._open_code(tag, attributes)
        elif tag in _LISTS:
            self._lists.append((tag, 0))
        elif tag == "li" and self._lists:
            kind, count = self._lists[-1]
            self._lists[-1] = (kind, count + 1)
            self._marker = f"{count + 1}." if kind == "ol" else "-"
        else:
            self._open_table(tag)

    def _open_code(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "code" and not self._pre:
            self._text.append("`")
            return
        self._pre += tag == "pre"
        self._language = self._language or _language(attributes)

    def _open_table(self, tag: str) -> None:
        if tag == "table":
            self._mark_layout()
            self._tables.append(_Table(len(self._found), len(self._found)))
        elif self._tables and tag == "tr":
            self._tables[-1].rows.append([])
        elif self._tables and tag in ("td", "th"):
            self._tables[-1].cell = len(self._found)

    def _mark_layout(self) -> None:
        """Of the innermost table; those around it were marked when it began."""
        if self._tables:
            self._tables[-1].layout = True

    def end(self, tag: str) -> None:
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.pop()
            return
        if tag == "title":
            self._in_title = False
        elif tag == "code" and not self._pre:
            self._close_code()
        elif tag in _HEADINGS:
            self._end_heading(_HEADINGS[tag])
        elif tag in _BLOCKS or tag in _LISTS or tag == "pre":
            self._flush()
            self._end_block(tag)
        if tag == "main":
            self._main = max(0, self._main - 1)

    def _end_block(self, tag: str) -> None:
        if tag in _TABLE and self._tables:
            self._end_table_part(tag)
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)
        elif tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._marker = ""

    def data(self, text: str) -> None:
        if self._dropped:
            return
        if self._in_title:
            self.title += text
        else:
            self._text.append(text if self._pre else text.replace("\n", " "))

    def close(self) -> Page:
        self._flush()
        while self._tables:
            self._end_table_part("table")
        self.title = title_of(self.title) or title_of(self._first_heading)
        return self

    def blocks(self) -> list[str]:
        """The page's main part where it names one that holds text, else all of it."""
        main = [block.text for block in self._found if block.main]
        return main if sum(map(len, main)) >= _LEAST_MAIN else [block.text for block in self._found]

    def _flush(self) -> None:
        """End the block that is open."""
        text = "".join(self._text)
        self._text.clear()
        if self._pre:
            self._put(fence(text, self._language))
            self._language = ""
        elif not text.strip(" \t\n\u00a0"):
            return
        elif self._lists and self._marker:
            self._put(item(paragraph(text), len(self._lists) - 1, self._marker))
            self._marker = ""
        else:
            self._put(paragraph(text))

    def _put(self, text: str) -> None:
        if text:
            self._found.append(_Block(text, self._main > 0))

    def _close_code(self) -> None:
        if self._text and self._text[-1] == "`":
            self._text.pop()
        else:
            self._text.append("`")

    def _end_heading(self, level: int) -> None:
        text = flat("".join(self._text))
        self._text.clear()
        if not self._first_heading:
            self._first_heading = text
        self._mark_layout()
        self._put(heading(level, text))

    def _end_table_part(self, tag: str) -> None:
        current = self._tables[-1]
        if tag == "caption":
            current.first = len(self._found)
        elif tag == "table":
            self._tables.pop()
            if not current.layout and any(any(row) for row in current.rows):
                del self._found[current.first :]
                self._put(table([row for row in current.rows if row]))
        elif not current.layout:
            texts = [block.text for block in self._found[current.cell :]]
            current.layout = len(texts) > _MOST_IN_CELL or any(text.startswith("```") for text in texts)
            if not current.rows:
                current.rows.append([])
            current.rows[-1].append(" ".join(texts))


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if attributes.get("role") == "navigation" or not _PERMALINK.isdisjoint(
        attributes.get("class", "").split()
    ):
        return True
    return bool(_HIDDEN_STYLE.search(attributes.get("style", "")))


def _language(attributes: Mapping[str, str]) -> str:
    match = _LANGUAGE.search(attributes.get("class", ""))
    return match[1].lower() if match else ""
