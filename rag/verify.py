"""Is every sentence of an answer borne out by what it cites? Those that are not are dropped or marked."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag import text
from rag.cite import cite
from rag.facts.claims import missing, sources
from rag.facts.inactive import unlinked, visible
from rag.types import Citation, Draft, Hit

Policy: TypeAlias = Literal["keep", "mark", "drop"]
MARK = "[?]"

# White space is read from its beginning only: tried at each of its places, a long run would take for ever.
_MARKERS = re.compile(r"(?:(?<!\s)\s+)?(?:\[\d{1,3}\]\s*)*\[\d{1,3}\]")
_NUMBERS = re.compile(r"\[(\d{1,3})\]")
_FENCED = re.compile(r"^[ \t]*(`{3,}+|~{3,}+)[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_LATIN = re.compile(r"[A-Za-z0-9]+")
# What an answer writes otherwise than its quote, so that nothing in it is active or poses as a marker.
_AS_QUOTED = str.maketrans("［］【】＜", "[][]<")
_NOT_COMPARED = re.compile(r"\s|`|~|[\[［]\?[\]］]")


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
    verbatim = _verbatim(answer, quotes)
    for start, end, markers in _sentences(answer):
        fault = _fault(answer, start, end, markers, quotes, verbatim)
        gap, sentence = answer[at:start], answer[start:end]
        at = end
        if fault is None or policy == "keep":
            pieces += [gap, sentence]
        elif policy == "mark":
            # Behind a fence the block would not be closed, and the mark would be code.
            pieces += [gap, sentence, f"\n\n{MARK}" if _ends_fenced(sentence) else f" {MARK}"]
        found += [fault] if fault else []
    checked = "".join(pieces).strip()
    known = {int(number) for number in _NUMBERS.findall(checked)}
    left = tuple(each for each in citations if each.marker in known) if policy == "drop" else citations
    return Verified(checked, left, tuple(found))


def unsupported(answer: str, quotes: Mapping[int, Sequence[str]]) -> list[Unsupported]:
    """The sentences of a finished answer that the quotes of their markers do not bear out."""
    verbatim = _verbatim(answer, quotes)
    faults = (
        _fault(answer, start, end, markers, quotes, verbatim) for start, end, markers in _sentences(answer)
    )
    return [fault for fault in faults if fault is not None]


def quotes_of(citations: Sequence[Citation]) -> dict[int, list[str]]:
    """What stands behind each marker: the quotes, and the headings they stand under."""
    found: dict[int, list[str]] = {}
    for citation in citations:
        found.setdefault(citation.marker, []).extend((citation.quote, *citation.heading))
    return found


def _fault(
    answer: str,
    start: int,
    end: int,
    markers: Sequence[int],
    quotes: Mapping[int, Sequence[str]],
    verbatim: Sequence[tuple[int, int]],
) -> Unsupported | None:
    sentence = _MARKERS.sub("", answer[start:end]).replace(MARK, "").strip()
    if not text.terms(sentence) or (not markers and sentence.endswith((":", "："))):
        return None  # says nothing, or only leads in what follows
    if _is_verbatim(answer, start, end, verbatim):
        return None
    held = [quote for marker in dict.fromkeys(markers) for quote in quotes.get(marker, ())]
    if not held:
        return Unsupported(sentence, ())
    if any(_within(sentence, quote) for quote in held):
        return None
    lacking = missing(sentence, sources(held))
    return Unsupported(sentence, tuple(lacking)) if lacking else None


def _verbatim(answer: str, quotes: Mapping[int, Sequence[str]]) -> list[tuple[int, int]]:
    """Ranges of the answer that are a whole quote followed by its own marker, marker included.

    They need no sentence: a quote's own numbers in brackets, abbreviations and code make the answer fall
    into other sentences than the document.
    """
    places = _compared(answer)
    plain = "".join(each for each, _ in places)
    found = []
    for marker, quote in ((marker, quote) for marker, own in quotes.items() for quote in own):
        for written in dict.fromkeys((quote, unlinked(quote))):
            wanted = _squeezed(written)
            at = plain.find(f"{wanted}[{marker}]") if wanted else -1
            while at >= 0:
                stop = at + len(wanted)
                start, end = places[at][1], places[stop - 1][1] + 1
                if _words(answer[start:end]) == _words(written):
                    found.append((start, places[stop + len(str(marker)) + 1][1] + 1))
                at = plain.find(f"{wanted}[{marker}]", at + 1)
    return found


def _is_verbatim(answer: str, start: int, end: int, verbatim: Sequence[tuple[int, int]]) -> bool:
    rest = list(answer[start:end])
    for first, last in verbatim:
        inside = range(max(start, first) - start, min(end, last) - start)
        for at in inside:
            rest[at] = " "
    return not any(each.isalnum() for each in _MARKERS.sub("", "".join(rest)))


def _within(sentence: str, quote: str) -> bool:
    """Whether the sentence stands word for word in the quote, give or take white space."""
    return _squeezed(sentence) in _squeezed(quote) and set(_words(sentence)) <= set(_words(quote))


def _words(written: str) -> list[str]:
    """Latin words and numbers, for "now here" is not "nowhere"."""
    return _LATIN.findall(visible(written))


def _squeezed(written: str) -> str:
    return "".join(each for each, _ in _compared(written))


def _compared(written: str) -> list[tuple[str, int]]:
    """The characters in which a quote and its words in an answer agree, and where they stand."""
    left_out = {at for found in _NOT_COMPARED.finditer(written) for at in range(*found.span())}
    quoted = enumerate(written.translate(_AS_QUOTED))
    return [(each, at) for at, each in quoted if at not in left_out and visible(each)]


def _ends_fenced(sentence: str) -> bool:
    return sentence.rpartition("\n")[2].lstrip().startswith(("```", "~~~"))


def _blocks_whole(answer: str) -> Iterator[tuple[int, int]]:
    """The ranges of the sentences, those of a fenced block as one."""
    blocks = deque(found.span() for found in _FENCED.finditer(answer))
    begun = -1
    for start, end in text.sentences(answer):
        while blocks and blocks[0][1] <= start:
            blocks.popleft()
        if not blocks or start < blocks[0][0]:
            yield start, end
        elif blocks[0][0] != begun:
            begun = blocks[0][0]
            yield blocks[0]


def _sentences(answer: str) -> list[tuple[int, int, list[int]]]:
    """Ranges of the sentences, the markers behind their full stops with them, and the markers each is held
    against: its own, or those next after it in its paragraph, or the last before it there.
    """
    ranges: list[tuple[int, int]] = []
    for start, end in _blocks_whole(answer):
        lead = _MARKERS.match(answer, start, end)
        first = start
        if lead and ranges and not _apart(answer, ranges[-1][1], start) and not _marked(answer, ranges[-1]):
            ranges[-1] = (ranges[-1][0], lead.end())
            first = lead.end() + len(answer[lead.end() : end]) - len(answer[lead.end() : end].lstrip())
        if first < end:
            ranges.append((first, end))
    own = [[int(number) for number in _NUMBERS.findall(answer[start:end])] for start, end in ranges]
    held = _held(ranges, own, answer)
    return [(start, end, markers) for (start, end), markers in zip(ranges, held, strict=True)]


def _marked(answer: str, span: tuple[int, int]) -> bool:
    return bool(_NUMBERS.search(answer[slice(*span)]))


def _apart(answer: str, end: int, start: int) -> bool:
    """Whether a paragraph ends between two sentences."""
    return "\n\n" in answer[end:start]


def _held(ranges: Sequence[tuple[int, int]], own: Sequence[list[int]], answer: str) -> list[list[int]]:
    """Of each sentence its own markers, or else the next ones, or else the last ones of its paragraph."""
    held = list(own)
    neighbours = range(len(held) - 1)
    joined = [not _apart(answer, ranges[at][1], ranges[at + 1][0]) for at in neighbours]
    for at in reversed(neighbours):
        if not held[at] and joined[at]:
            held[at] = held[at + 1]
    for at in neighbours:
        if not held[at + 1] and joined[at]:
            held[at + 1] = held[at]
    return held
