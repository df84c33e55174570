"""A long Markdown text in parts that parse alike: the parser needs 140 to 200 bytes for each of a text's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Texts up to this many characters are parsed whole.
PART = 1_000_000
_MUCH = 4_000_000  # so many characters later a text without a safe place is cut at any line
_SAFE = re.compile(r"#{1,6}[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]")
# What follows the ticks of a fence has none: ```code``` stands within words.
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_OPENS = re.compile(r"(?:/{3,}|:{3,})[ \t]*[^\s/:]")
_CLOSES = re.compile(r"(?:/{3,}|:{3,})[ \t]*$")
_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")


@dataclass(frozen=True, slots=True)
class Part:
    """`text[start:end)`, whole lines; `head` is that of the table, or the opening line of the fence, that its
    first line goes on with.
    """

    start: int
    end: int
    head: str = ""


def parts(text: str, start: int, size: int = PART) -> Iterator[Part]:
    """The text from `start` on in parts of about `size` characters, in order.

    Cut before headings, top-level list items and rows of tables, never inside a fence, a container or a
    comment: what stands in a part is parsed as it would be in the whole, but that a list becomes several.
    """
    if len(text) - start <= size:
        yield Part(start, len(text))
        return
    lines = _Lines(text)
    begin, head, at = start, "", start
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if at - begin >= size and (lines.may_cut(at) or at - begin >= size + _MUCH):
            yield Part(begin, at, head)
            begin, head = at, lines.opener or (lines.head if text.startswith("|", at) else "")
        lines.read(at, end)
        at = end
    yield Part(begin, at, head)


class _Lines:
    """Follows what is open while lines are read one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._fence = ""
        self._open = 0
        self._comment = False
        self._last, self._above = "", 0
        self.opener = ""  # the line that opens the fence that is being read
        self.head = ""  # the two lines above the rows of the table that is being read

    def may_cut(self, at: int) -> bool:
        """Whether the line at `at` may begin a part."""
        if self._fence or self._open or self._comment:
            return False
        return bool(_SAFE.match(self._text, at)) or bool(self.head and self._text.startswith("|", at))

    def read(self, at: int, end: int) -> None:
        """Go on over the line `[at, end)`."""
        line = self._text[at : min(end, at + 1000)]
        if mark := _FENCE.match(line):
            if not self._fence:
                self._fence, self.opener = mark[1], self._text[at:end]
            elif line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
                self._fence = self.opener = ""
        elif not self._fence:
            self._read(line, end)
        self._last, self._above = line, at

    def _read(self, line: str, end: int) -> None:
        if _CLOSES.match(line):
            self._open = max(0, self._open - 1)
        elif _OPENS.match(line):
            self._open += 1
        if "<!--" in line or "-->" in line:
            self._comment = line.rfind("<!--") > line.rfind("-->")
        if "|" not in line:
            self.head = ""
        elif not self.head and "|" in self._last and "-" in line and _RULE.match(line):
            self.head = self._text[self._above : end]  # a head may be longer than what is looked at
