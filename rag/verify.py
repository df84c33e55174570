"""Is every sentence of an answer borne out by what it cites? Those that are not are dropped or marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag import text
from rag.cite import cite
from rag.claims import missing, sources
from rag.types import Citation, Draft, Hit

Policy: TypeAlias = Literal["keep", "mark", "drop"]
MARK = "[?]"

_MARKERS = re.compile(r"\s*(?:\[\d{1,3}\]\s*)*\[\d{1,3}\]")
_NUMBERS = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A sentence of an answer, its markers left out, and what of it its quotes do not hold; `lacking` is
    empty for a sentence that cites nothing at all.
    """

    sentence: str
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """An answer's text after the check; `unsupported` has what was found, kept or not."""

    text: str
    citations: tuple[Citation, ...]
    unsupported: tuple[Unsupported, ...]


def verified(draft: Draft, hits: Sequence[Hit], policy: Policy = "mark") -> Verified:
    """The draft with its citations tied (`rag.cite`) and its sentences held against them.

    A sentence that is not borne out is kept, marked with `[?]` behind it, or dropped, its citations with
    it where nothing else needs them; the text is then empty if none is left.
    """
    answer, citations = cite(draft, hits)
    quotes = quotes_of(citations)
    found: list[Unsupported] = []
    pieces: list[str] = []
    at = 0
    for start, end, markers in _sentences(answer):
        fault = _fault(answer[start:end], markers, quotes)
        gap, sentence = answer[at:start], answer[start:end]
        at = end
        if fault is None or policy == "keep":
            pieces += [gap, sentence]
        elif policy == "mark":
            pieces += [gap, sentence, f" {MARK}"]
        found += [fault] if fault else []
    checked = "".join(pieces).strip()
    known = {int(number) for number in _NUMBERS.findall(checked)}
    left = tuple(each for each in citations if each.marker in known) if policy == "drop" else citations
    return Verified(checked, left, tuple(found))


def unsupported(answer: str, quotes: Mapping[int, Sequence[str]]) -> list[Unsupported]:
    """The sentences of a finished answer that the quotes of their markers do not bear out."""
    faults = (_fault(answer[start:end], markers, quotes) for start, end, markers in _sentences(answer))
    return [fault for fault in faults if fault is not None]


def quotes_of(citations: Sequence[Citation]) -> dict[int, list[str]]:
    """What stands behind each marker: the quotes, and the headings they stand under."""
    found: dict[int, list[str]] = {}
    for citation in citations:
        found.setdefault(citation.marker, []).extend((citation.quote, *citation.heading))
    return found


def _fault(written: str, markers: Sequence[int], quotes: Mapping[int, Sequence[str]]) -> Unsupported | None:
    sentence = _MARKERS.sub("", written).replace(MARK, "").strip()
    if not text.terms(sentence) or (not markers and sentence.endswith((":", "："))):
        return None  # says nothing, or only leads in what follows
    held = [quote for marker in dict.fromkeys(markers) for quote in quotes.get(marker, ())]
    if not held:
        return Unsupported(sentence, ())
    if any(_squeezed(sentence) in _squeezed(quote) for quote in held):
        return None
    lacking = missing(sentence, sources(held))
    return Unsupported(sentence, tuple(lacking)) if lacking else None


def _squeezed(written: str) -> str:
    return " ".join(written.split())


def _sentences(answer: str) -> list[tuple[int, int, list[int]]]:
    """Ranges of the sentences, the markers behind their full stops with them, and the markers each is held
    against: its own, or those next after it in its paragraph, or the last before it there.
    """
    ranges: list[tuple[int, int]] = []
    for start, end in text.sentences(answer):
        lead = _MARKERS.match(answer, start, end)
        first = start
        if lead and ranges and not _apart(answer, ranges[-1][1], start) and not _marked(answer, ranges[-1]):
            ranges[-1] = (ranges[-1][0], lead.end())
            first = lead.end() + len(answer[lead.end() : end]) - len(answer[lead.end() : end].lstrip())
        if first < end:
            ranges.append((first, end))
    own = [[int(number) for number in _NUMBERS.findall(answer[start:end])] for start, end in ranges]
    return [(start, end, _held(at, ranges, own, answer)) for at, (start, end) in enumerate(ranges)]


def _marked(answer: str, span: tuple[int, int]) -> bool:
    return bool(_NUMBERS.search(answer[slice(*span)]))


def _apart(answer: str, end: int, start: int) -> bool:
    """Whether a paragraph ends between two sentences."""
    return "\n\n" in answer[end:start]


def _held(at: int, ranges: Sequence[tuple[int, int]], own: Sequence[list[int]], answer: str) -> list[int]:
    for step, others in ((1, range(at, len(ranges))), (-1, range(at, -1, -1))):
        for other in others:
            before, after = sorted((other - step, other))
            if other != at and _apart(answer, ranges[before][1], ranges[after][0]):
                break
            if own[other]:
                return own[other]
    return []
