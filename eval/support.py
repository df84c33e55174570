"""Do the citations of an answer bear it out? Citation precision and recall without a language model.

The two measures follow ALCE (Gao et al. 2023, "Enabling Large Language Models to Generate Text with
Citations", section 3.3), which asks a language-inference model whether a passage entails a statement.
Here the test is lexical and can be checked by eye: the quote must hold every number of the statement
and at least half of its terms. It sees neither negation nor who did what to whom, and it cannot see
support across languages or in other words altogether: it finds citations that have nothing to do with
their statement, not those that subtly contradict it. A generator that only quotes scores 1 by
construction; the measures are for those that write in their own words.

A statement is a sentence, or the part of one up to a marker: the same cut by which `rag.cite` looks
for quotes. A whole quotation in front of its marker is one statement, of however many clauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.squad_text import folded
from rag import text
from rag.types import Answer, Citation

_ENOUGH = 0.5  # the share of a statement's terms that a quote must hold
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)*|\d+(?:\.\d+)*")
_AS_QUOTED = str.maketrans("［］", "[]")
_LIST_MARK = re.compile(r"^\s*(?:(?:[-*+•#>]+|\d{1,3}[.)、])\s*)+(?!\d)")


@dataclass(frozen=True, slots=True)
class Statement:
    """What an answer says in one place and, one for each marker there, the quotes it rests on."""

    text: str
    citations: tuple[Citation, ...]


def statements(answer: Answer) -> list[Statement]:
    """The statements of an answer in order, cited or not; headings' and lists' marks are left out.

    A marker may belong to several quotes of its passage: the one nearest to the statement is taken.
    """
    found: list[Statement] = []
    for written, markers in _marked(answer):
        cited = [_nearest(written, answer.citations, marker) for marker in markers]
        found.append(Statement(written, tuple(cited)))
    return found


def supports(statement: str, quote: str) -> bool:
    """Whether every number of the statement, and half of its distinct terms, stand in the quote.

    A statement without terms (`rag.text.terms`) says nothing that could be supported.
    """
    wanted = set(text.terms(statement))
    if not wanted or not numbers(statement) <= numbers(quote):
        return False
    return len(wanted & set(text.terms(quote))) >= _ENOUGH * len(wanted)


def numbers(written: str) -> set[str]:
    """The numbers in digits, without separators of thousands: {"1974", "6.5"}."""
    return {each.replace(",", "") for each in _NUMBER.findall(folded(written))}


def citation_values(answer: Answer) -> dict[str, float]:
    """{"citation_precision", "citation_recall", "statements_supported"} of one answer, each in [0, 1];
    undefined ones are absent.

    Precision: of the quotes cited, the share that supports the statement they are attached to; a quote
    attached to none supports none. Recall: of the statements that a passage before the generator
    supports, the share with a quote that does. Of an answer that is all invention neither is defined:
    "statements_supported", of all its statements the share with a quote that supports it, is then 0.
    """
    if answer.abstained:
        return {}
    found = statements(answer)
    values = {}
    attached = [supports(each.text, cited.quote) for each in found for cited in each.citations]
    used = {cited for each in found for cited in each.citations}
    attached += [False for cited in dict.fromkeys(answer.citations) if cited not in used]
    if attached:
        values["citation_precision"] = sum(attached) / len(attached)
    borne_out = [any(supports(each.text, cited.quote) for cited in each.citations) for each in found]
    if found:
        values["statements_supported"] = sum(borne_out) / len(found)
    passages = _shown(answer)
    supported = [
        cited
        for each, cited in zip(found, borne_out, strict=True)
        if cited or any(supports(each.text, passage) for passage in passages)
    ]
    if supported:
        values["citation_recall"] = sum(supported) / len(supported)
    return values


def unmarked(answer: Answer) -> str:
    """The answer's text without the markers of its citations."""
    markers = _markers(answer)
    return markers.sub(" ", answer.text) if markers else answer.text


def _marked(answer: Answer) -> Iterator[tuple[str, list[int]]]:
    """Each statement with its markers: those that follow it, before or after its full stop."""
    groups = _markers(answer)
    waiting: tuple[str, list[int]] | None = None
    start = 0
    for group in groups.finditer(answer.text) if groups else ():
        own = [int(number) for number in re.findall(r"\d+", group.group())]
        said = _said(answer.text[start : group.start()], own, answer.citations)
        start = group.end()
        if said:
            if waiting:
                yield waiting
            yield from ((sentence, []) for sentence in said[:-1])
            waiting = said[-1], own
        elif waiting:
            waiting[1].extend(own)
    if waiting:
        yield waiting
    yield from ((sentence, []) for sentence in _sentences(answer.text[start:]))


def _said(written: str, markers: Sequence[int], citations: Sequence[Citation]) -> list[str]:
    """The sentences in front of markers; a quotation of one of these at the end is one of them."""
    squeezed = _squeezed(written)
    quoted = [_squeezed(each.quote) for each in citations if each.marker in markers]
    left = max((len(quote) for quote in quoted if squeezed.endswith(quote)), default=0)
    if not left:
        return _sentences(written)
    at = len(written)
    while left:
        at -= 1
        left -= not written[at].isspace()
    return [*_sentences(written[:at]), _LIST_MARK.sub("", written[at:]).strip()]


def _squeezed(written: str) -> str:
    """Without white space, and a document's own [12] as the document has it."""
    return "".join(written.split()).translate(_AS_QUOTED)


def _markers(answer: Answer) -> re.Pattern[str] | None:
    """Runs of those [n] that are citations, with a full stop behind them; None without citations."""
    known = sorted({citation.marker for citation in answer.citations})
    if not known:
        return None
    one = rf"\s*\[(?:{'|'.join(map(str, known))})\]"
    return re.compile(rf"(?:{one})+[.。!！?？]?")


def _sentences(written: str) -> list[str]:
    """The sentences that say something: a list's number or a lone mark is none."""
    pieces = (_LIST_MARK.sub("", written[start:end]).strip() for start, end in text.sentences(written))
    return [piece for piece in pieces if any(not term.isdigit() for term in text.terms(piece))]


def _nearest(statement: str, citations: Sequence[Citation], marker: int) -> Citation:
    """The quote of this marker that shares most terms with the statement, by F1; the first of equals."""
    wanted = set(text.terms(statement))

    def near(citation: Citation) -> float:
        own = set(text.terms(citation.quote))
        return len(wanted & own) / max(1, len(wanted) + len(own))

    return max((each for each in citations if each.marker == marker), key=near)


def _shown(answer: Answer) -> list[str]:
    """The passages the generator had before it: a model may have had no room for the last ones."""
    shown = len(answer.passages) - answer.usage.get("passages_left_out", 0)
    return [hit.chunk.text for hit in answer.passages[:shown]]
