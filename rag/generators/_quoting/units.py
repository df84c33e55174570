"""What of a passage may be quoted: sentences, table rows, list items, code blocks, and lists with what
introduces them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag import text
from rag.generators._quoting.blocks import Block, blocks
from rag.generators._quoting.tables import header, is_header, open_ended
from rag.types import Hit

LONGEST = 600  # characters; a unit beyond is quoted up to here, to the end of a line or a word
_CLAUSES = 200  # characters; up to here, clauses parted by a Chinese semicolon are one sentence

_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)、])\s")
_NUMBER = re.compile(r"\d{1,3}[.)、][ \t]*")
_NO_ANSWER = re.compile(r"\s*(?:#|---|///|:::)")
# Pictures, labels, inclusions and references by number: they speak to the program that sets the page.
_DIRECTIVE = re.compile(
    r"!\[[^\]]*\]\([^)\n]*\)(?:\{[^}\n]*\})?|!\[[^\]]*\]\[[^\]\n]*\]|<img\b[^>]*>|\{[*%].*?[*%]\}"
    r"|:(?:label|eqlabel|numref|eqref|ref|cite\w*|width|height):`[^`\n]*`"
    r"|^[ \t]*:[a-z_-]+:(?:`[^`\n]*`)?[ \t]*$"
    r"|^[ \t]*(?:\.\. (?:figure|image|include|literalinclude)::|--8<--).*$",
    re.MULTILINE,
)
_LINE_OF_ITS_OWN = re.compile(r"\s*(?:[-*+•>|]|\d{1,3}[.)、]\s|$)| {4}|\t")
_SOFT_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_UNSPACED = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef”’]"
_CHINESE_BREAK = re.compile(rf"(?<={_UNSPACED})[ \t]*\n[ \t]*(?={_UNSPACED})")
_QUESTION = re.compile(r"[?？][\s*_\"'”’)\]」』）】]*\Z")


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece of the passage that `marker` counts to (from 1): `chunk.text[start:end] == text`.

    `before` is the sentence before it, under the passage's headings, and `after` the one after it: they
    tell what a pronoun in it means and are never quoted with it. `written` is the text as Markdown that
    stands by itself: a block that the passage or the unit cuts has both its fences there. `header` is that
    of the table whose row this is, and the line of dashes under it.
    """

    marker: int
    start: int
    end: int
    text: str
    before: str
    after: str
    written: str
    header: str = ""

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
        """Whether it stands on lines of its own: a list's item, a table's row, code, or several lines."""
        return "\n" in self.written or bool(_ITEM.match(self.text)) or self.text.startswith("|")

    @property
    def asks(self) -> bool:
        """Whether it is a question and so no answer to one."""
        return bool(_QUESTION.search(self.text))


def units(marker: int, hit: Hit) -> Iterator[Unit]:
    """The units of a hit's passage that say something, in order; those of a list overlap the list."""
    passage = hit.chunk.text
    headings = "\n".join(hit.chunk.heading)
    fenced = blocks(passage)
    plain = _without_directives(passage, fenced)
    ranges = _ranges(passage, plain, fenced)
    for at, (start, _) in enumerate(ranges):
        before = passage[slice(*ranges[at - 1])] if at else ""
        after = passage[slice(*ranges[at + 1])] if at + 1 < len(ranges) else ""
        stop = _shortened(passage, start, _introduced(passage, ranges, at, fenced))
        own = passage[start:stop]
        row = own.startswith("|") and "\n" not in own
        if row and is_header(passage, stop):
            continue
        if not _NO_ANSWER.match(own) and text.terms(plain[start:stop]):
            written = _written(passage, start, stop, fenced)
            above = header(passage, start) if row else ""
            yield Unit(marker, start, stop, own, f"{headings}\n{before}", after, written, above)


def _without_directives(passage: str, fenced: Sequence[Block]) -> str:
    """The passage with spaces for its directives outside of blocks, so that places stay what they are."""
    return _DIRECTIVE.sub(
        lambda found: found.group() if _block_at(found.start(), fenced) else " " * len(found.group()), passage
    )


def _block_at(place: int, fenced: Sequence[Block]) -> Block | None:
    return next((block for block in fenced if block.start <= place < block.end), None)


def _ranges(passage: str, plain: str, fenced: Sequence[Block]) -> list[tuple[int, int]]:
    """The sentences' ranges without directives around them, all those of a fenced block as one."""
    found: list[tuple[int, int]] = []
    for start, end in text.sentences(passage):
        block = _block_at(start, fenced)
        if block is not None:
            if not found or found[-1] != (block.start, block.end):
                found.append((block.start, block.end))
        elif bare := plain[start:end].strip():
            first = start + plain[start:end].index(bare)
            last = first + len(bare)
            first = found.pop()[0] if found and _goes_on(passage, found[-1], first, last) else first
            found.append((first, last))
    return found


def _goes_on(passage: str, piece: tuple[int, int], first: int, last: int) -> bool:
    """Whether `passage[first:last]` belongs to the piece before it: that is a list's number, whose full
    stop ends no sentence, a part of the same row of a table, or a clause of the same line that ends in a
    semicolon.
    """
    start, end = piece
    in_row = passage[start] == "|" and "\n" not in passage[start:last]
    if in_row or _NUMBER.fullmatch(passage, start, first):
        return True
    return passage[end - 1] == "；" and "\n" not in passage[end:first] and last - start <= _CLAUSES


def _introduced(passage: str, ranges: Sequence[tuple[int, int]], at: int, fenced: Sequence[Block]) -> int:
    """Where the unit ends: one that ends in a colon takes the list, table or code that follows along."""
    start, end = ranges[at]
    if passage[end - 1] not in ":：":
        return end
    for follower, (first, last) in enumerate(ranges[at + 1 :]):
        block = _block_at(first, fenced)
        listed = bool(_ITEM.match(passage, first)) or passage[first] == "|"
        if last - start > LONGEST or not (listed or (block is not None and follower == 0)):
            return end
        end = last
    return end


def _written(passage: str, start: int, stop: int, fenced: Sequence[Block]) -> str:
    block = _block_at(stop - 1, fenced)
    if block is None:
        return _running(passage[start:stop])
    if block.start <= start:
        return block.written(passage, stop)
    return f"{passage[start : block.start].rstrip()}\n\n{block.written(passage, stop)}"


def _running(written: str) -> str:
    """Prose on one line, whatever lines its file breaks it into; lists, tables and quotations as they are."""
    lines = written.split("\n")
    if any(_LINE_OF_ITS_OWN.match(line) for line in lines[1:]):
        return written
    # Between Chinese characters a line break is no space.
    return _SOFT_BREAK.sub(" ", _CHINESE_BREAK.sub("", written))


def _shortened(passage: str, start: int, end: int) -> int:
    if end - start <= LONGEST:
        return end
    for border in ("\n", " "):
        cut = passage.rfind(border, start + LONGEST // 2, start + LONGEST)
        if cut > 0:
            return cut
    return start + LONGEST
