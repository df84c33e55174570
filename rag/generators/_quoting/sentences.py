"""The pieces of a passage that units are made of: sentences, with what a sentence's end hides put right.

A sentence finder knows prose. Here list numbers, rows, references at the beginning of a line and displayed
formulas are brought together with the sentences they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag import text
from rag.generators._quoting.blocks import Block

LONGEST = 600  # characters of a piece of prose
CLAUSES = 200  # characters; up to here, clauses parted by a Chinese semicolon are one sentence

_NUMBER = re.compile(r"\d{1,3}[.)、][ \t]*")
# Pictures, labels, inclusions and references by number: they speak to the program that sets the page.
_DIRECTIVE = re.compile(
    r"!\[[^\]]*\]\([^)\n]*\)(?:\{[^}\n]*\})?|!\[[^\]]*\]\[[^\]\n]*\]|<img\b[^>]*>|\{[*%].*?[*%]\}"
    r"|:(?:label|eqlabel|numref|eqref|ref|cite\w*|width|height):`[^`\n]*`"
    r"|^[ \t]*:[a-z_-]+:(?:`[^`\n]*`)?[ \t]*$"
    r"|^[ \t]*(?:\.\. (?:figure|image|include|literalinclude)::|--8<--).*$",
    re.MULTILINE,
)
_REFERENCE = re.compile(r":(?:numref|eqref|ref):`[^`\n]*`")
_FORMULA = re.compile(r"^[ \t]*\$\$(?:[^$]|\$(?!\$))*\$\$", re.MULTILINE)
_STOPPED = re.compile(r"[.!?。！？；;…][\"'”’」』）)\]*_~]*\Z")
# `电话：021-5555`, `Admin page: 192.168.0.1`: a name, a colon and what it is.
_LABELLED = re.compile(
    r"^[ \t]*[*_`]{0,3}[^\W\d](?:[^\s:：.,;!?。，、；！？|$]| (?=\S)){0,30}(?<=[\w)）*_`])"
    r"(?:：|:(?=[ \t*_`])|(?<=[\u3400-\u9fff]):(?![:/\\]))[ \t*_`]*[^\s*_`]",
    re.MULTILINE,
)
_CLAUSE_MARKS = ",，、"
# What closes a bracket or emphasis that the sentence before opened.
_CLOSING = re.compile(r"[*_~]*[\])）】」』”’][\])）】」』”’*_~]*\s*")
_EMPHASIS = re.compile(r"[*_~]{1,3}\s+")
_PART = 300  # characters; so much at once of a text that has no end of a sentence for more than LONGEST


def pieces(passage: str, plain: str, fenced: Sequence[Block]) -> list[tuple[int, int]]:
    """The sentences' ranges without directives around them, all those of a fenced block or of a displayed
    formula as one. `plain` is the passage as `without_directives` leaves it.
    """
    found: list[tuple[int, int]] = []
    for start, end in _sentences(passage, fenced):
        block = block_at(start, fenced)
        if block is not None:
            if not found or found[-1] != (block.start, block.end):
                found.append((block.start, block.end))
        elif bare := plain[start:end].strip():
            first = start + plain[start:end].index(bare)
            last = first + len(bare)
            first = start if _REFERENCE.match(passage, start) else _past_closing(passage, first, last)
            first = found.pop()[0] if found and _goes_on(passage, found[-1], first, last) else first
            found.append((first, last))
    return found


def without_directives(passage: str, fenced: Sequence[Block]) -> str:
    """The passage with spaces for its directives outside of blocks, so that places stay what they are."""
    return _DIRECTIVE.sub(
        lambda found: found.group() if block_at(found.start(), fenced) else " " * len(found.group()), passage
    )


def block_at(place: int, fenced: Sequence[Block]) -> Block | None:
    """The block in which the place stands."""
    return next((block for block in fenced if block.start <= place < block.end), None)


def is_formula(passage: str, start: int) -> bool:
    """Whether a displayed formula begins there."""
    return passage.startswith("$$", start)


def is_unfinished(passage: str, end: int) -> bool:
    """Whether what ends there lacks the stop of a sentence, as what leads to a formula does."""
    return _STOPPED.search(passage[max(0, end - 8) : end]) is None


def is_labelled(written: str) -> bool:
    """Whether it is a line such as `电话：021-5555`: a label and what it is, without a stop."""
    return (
        "\n" not in written and _LABELLED.match(written) is not None and is_unfinished(written, len(written))
    )


def _sentences(passage: str, fenced: Sequence[Block]) -> Iterator[tuple[int, int]]:
    at = 0
    for formula in _FORMULA.finditer(passage):
        if block_at(formula.start(), fenced) is None and formula.start() >= at:
            yield from _between(passage, at, formula.start())
            start = passage.index("$$", formula.start())
            yield start, formula.end()
            at = formula.end()
    yield from _between(passage, at, len(passage))


def _between(passage: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for first, last in text.sentences(passage[start:end]):
        yield from _lines(passage, start + first, start + last)


def _lines(passage: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentence, or its lines where several are labelled: notes write them without a stop."""
    labels = [start + label.start() for label in _LABELLED.finditer(passage[start:end])]
    cuts = [at for at in labels if at > start and passage[start:at].rstrip()[-1:] not in _CLAUSE_MARKS]
    for first, last in pairwise((start, *cuts, end) if len(labels) > 1 else (start, end)):
        yield from _parts(passage, first, last)


def _parts(passage: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentence, or runs of its lines or words where notes and transcripts go on without a stop."""
    while end - start > LONGEST:
        limit = start + _PART
        cut = max(passage.rfind("\n", start + 1, limit), start)
        if cut == start:
            cut = max(passage.rfind(" ", start + 1, limit), start)
        cut = limit if cut == start else cut
        yield start, cut
        start = cut
    yield start, end


def _past_closing(passage: str, first: int, last: int) -> int:
    closing = _CLOSING.match(passage, first, last)
    if closing is None and first and not passage[first - 1].isspace():
        closing = _EMPHASIS.match(passage, first, last)
    return closing.end() if closing and closing.end() < last else first


def _goes_on(passage: str, piece: tuple[int, int], first: int, last: int) -> bool:
    """Whether `passage[first:last]` belongs to the piece before it: that is a list's number, whose full
    stop ends no sentence, a part of the same row of a table, a clause of the same line that ends in a
    semicolon, or a sentence that a line with a reference at its beginning goes on.
    """
    start, end = piece
    in_row = passage[start] == "|" and "\n" not in passage[start:last]
    if in_row or _NUMBER.fullmatch(passage, start, first):
        return True
    if _REFERENCE.match(passage, first):
        goes_on = is_unfinished(passage, end) and passage[end - 1] not in ":："
        return goes_on and passage[end:first].count("\n") == 1
    return passage[end - 1] == "；" and "\n" not in passage[end:first] and last - start <= CLAUSES
