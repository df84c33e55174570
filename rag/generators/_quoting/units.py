"""What of a passage may be quoted: sentences, table rows, list items, code blocks, and lists with what
introduces them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag import text
from rag.facts.headings import headings_at
from rag.facts.inactive import unlinked
from rag.generators._quoting.blocks import Block, blocks
from rag.generators._quoting.sentences import (
    LONGEST,
    block_at,
    is_formula,
    is_labelled,
    is_unfinished,
    pieces,
    without_directives,
)
from rag.generators._quoting.tables import header, is_header, open_ended
from rag.types import Hit

_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)、])\s")
_NO_ANSWER = re.compile(r"\s*(?:#|---|///|:::|\$\$)")
_LINE_OF_ITS_OWN = re.compile(r"\s*(?:[-*+•>|]|\$\$|\d{1,3}[.)、]\s|$)| {4}|\t")
_SOFT_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_UNSPACED = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef”’]"
_CHINESE_BREAK = re.compile(rf"(?<={_UNSPACED})[ \t]*\n[ \t]*(?={_UNSPACED})")
_INDENT = ("    ", "\t")
_TASK = re.compile(r"练习|練習|习题|習題|思考题|思考題|exercise|homework", re.IGNORECASE)
_TASKS = re.compile(rf"(?:[\d.]+ )?(?:课后|課後)?(?:{_TASK.pattern})s?", re.IGNORECASE)
_QUESTION = re.compile(r"[?？][\s*_\"'”’)\]」』）】]*\Z")


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece of the passage that `marker` counts to (from 1): `chunk.text[start:end] == text`.

    `before` is the sentence before it, under the passage's headings, and `after` the one after it: they
    tell what a pronoun in it means and are never quoted with it. `written` is the text as Markdown that
    stands by itself: a block that the passage or the unit cuts has both its fences there. `header` is that
    of the table whose row this is, and the line of dashes under it. `task`: it stands under a heading such
    as Exercises.
    """

    marker: int
    start: int
    end: int
    text: str
    before: str
    after: str
    written: str
    header: str = ""
    task: bool = False

    @property
    def quotes(self) -> tuple[tuple[int, str], ...]:
        """What is cited: its text, and the header that says what the cells of a row are."""
        own = ((self.marker, self.text),)
        return (*own, (self.marker, self.header.split("\n")[0])) if self.header else own

    def shown(self, before: Unit | None) -> str:
        """What an answer shows of it behind the unit `before`: `written`, a row under its table's header
        unless that has been shown.
        """
        above = f"{self.header}\n" if self.header and not self.continues(before) else ""
        whole = f"{above}{self.written}"
        return open_ended(whole) if self.header or "\n|" in whole else whole

    def continues(self, before: Unit | None) -> bool:
        """Whether it is a row of the same table as the unit `before`."""
        return bool(before and self.header and (before.marker, before.header) == (self.marker, self.header))

    @property
    def apart(self) -> bool:
        """Whether it stands on lines of its own: an item, a row, a labelled line, code, or several lines."""
        alone = bool(_ITEM.match(self.text)) or self.text.startswith("|") or is_labelled(self.text)
        return "\n" in self.written or alone

    @property
    def asks(self) -> bool:
        """Whether it is a question and so no answer to one."""
        return bool(_QUESTION.search(self.text))

    @property
    def asked(self) -> str:
        """The question right before it, which it answers; "" where there is none."""
        line = self.before.rpartition("\n")[2]
        return line if _QUESTION.search(line) else ""

    @property
    def code(self) -> bool:
        """Whether it is code without a word of explanation: fenced, or its lines indented as code is."""
        first, *lines = self.written.split("\n")
        if first.startswith(("```", "~~~")):
            return True
        return bool(lines) and not _ITEM.match(first) and all(line.startswith(_INDENT) for line in lines)


def units(marker: int, hit: Hit) -> Iterator[Unit]:
    """The units of a hit's passage that say something, in order; those of a list overlap the list."""
    passage = hit.chunk.text
    headings = "\n".join(hit.chunk.heading)
    fenced = blocks(passage)
    plain = without_directives(passage, fenced)
    ranges = pieces(passage, plain, fenced)
    tasks = _TASK.search(f"{headings}\n{passage}") is not None
    told = 0
    for at, (start, _) in enumerate(ranges):
        before = passage[slice(*ranges[at - 1])] if at else ""
        after = passage[slice(*ranges[at + 1])] if at + 1 < len(ranges) else ""
        if start < told:
            continue  # code without the line that introduces it
        stop = _shortened(passage, start, _introduced(passage, ranges, at, fenced))
        if at + 1 < len(ranges) and block_at(ranges[at + 1][0], fenced) and stop >= ranges[at + 1][1]:
            told = ranges[at + 1][1]
        own = passage[start:stop]
        row = own.startswith("|") and "\n" not in own
        if row and is_header(passage, stop):
            continue
        if not _NO_ANSWER.match(own) and text.terms(plain[start:stop]):
            written = _written(passage, start, stop, fenced)
            above = header(passage, start) if row else ""
            task = tasks and any(map(_TASKS.fullmatch, headings_at(hit.chunk, start)))
            yield Unit(marker, start, stop, own, f"{headings}\n{before}", after, written, above, task)


def _introduced(passage: str, ranges: Sequence[tuple[int, int]], at: int, fenced: Sequence[Block]) -> int:
    """Where the unit ends: one that ends in a colon takes the list, table or code that follows along, and
    one without a stop the formula.
    """
    start, end = ranges[at]
    first, last = ranges[at + 1] if at + 1 < len(ranges) else (end, end)
    if is_formula(passage, first) and is_unfinished(passage, end) and last - start <= LONGEST:
        return last
    if passage[end - 1] not in ":：":
        return end
    for follower, (first, last) in enumerate(ranges[at + 1 :]):
        block = block_at(first, fenced)
        listed = bool(_ITEM.match(passage, first)) or passage[first] == "|"
        if last - start > LONGEST or not (listed or (block is not None and follower == 0)):
            return end
        end = last
    return end


def _written(passage: str, start: int, stop: int, fenced: Sequence[Block]) -> str:
    block = block_at(stop - 1, fenced)
    if block is None:
        return _running(passage[start:stop])
    if block.start <= start:
        return block.written(passage, stop)
    return f"{passage[start : block.start].rstrip()}\n\n{block.written(passage, stop)}"


def _running(written: str) -> str:
    """Prose on one line, whatever lines its file breaks it into; lists, tables and quotations as they are."""
    lines = written.split("\n")
    if any(_LINE_OF_ITS_OWN.match(line) for line in lines[1:]):
        return unlinked(written)
    # Between Chinese characters a line break is no space.
    return unlinked(_SOFT_BREAK.sub(" ", _CHINESE_BREAK.sub("", written)))


def _shortened(passage: str, start: int, end: int) -> int:
    """Where the unit is cut if it is long, as code may be: at the end of a line or a word."""
    if end - start <= LONGEST:
        return end
    for border in ("\n", " "):
        cut = passage.rfind(border, start + LONGEST // 2, start + LONGEST)
        if cut > 0:
            return cut
    return start + LONGEST
