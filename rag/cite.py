"""Citations: every marker of an answer is tied to exact words of a retrieved passage, or removed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import text
from rag.types import Chunk, Citation, Draft, Hit

_MARKER = re.compile(r"[\[【](\d{1,3})[\]】]")
_GROUP = re.compile(r"[\[【［]\s*(\d{1,3}(?:\s*[,，、-]\s*\d{1,3})*)\s*[\]】］]")
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def cite(draft: Draft, hits: Sequence[Hit]) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text with only good markers left, and one citation per quotation, by marker.

    A quote must stand word for word in the passage its marker names. Where a draft brings no
    quotes, the sentence of that passage nearest to the marked statement is quoted.
    """
    written = draft.text if draft.quotes else _GROUP.sub(_apart, draft.text)
    quotes = draft.quotes or _found_quotes(written, hits)
    citations = [
        citation
        for marker, quote in dict.fromkeys(quotes)
        if (citation := _citation(marker, quote, hits)) is not None
    ]
    known = {citation.marker for citation in citations}
    return _MARKER.sub(lambda found: _kept(found, known), written).strip(), tuple(
        sorted(citations, key=lambda each: (each.marker, each.start))
    )


def _kept(marker: re.Match[str], known: set[int]) -> str:
    """A good marker, nothing for one that points nowhere; `args[0]` is code, as markers count from 1."""
    if int(marker[1]) in known:
        return f"[{int(marker[1])}]"
    before = marker.string[max(0, marker.start() - 1) : marker.start()]
    return marker.group() if int(marker[1]) == 0 and (before.isalnum() or before == "_") else ""


def _apart(group: re.Match[str]) -> str:
    """`[1, 2]`, `[1-3]` and `［1］`, as language models also write, as `[1][2]` and so on."""
    found: list[int] = []
    for first, last in _RANGE.findall(group[1]):
        found += range(int(first), min(int(last or first), int(first) + 20) + 1)
    return "".join(f"[{number}]" for number in found)


def _citation(marker: int, quote: str, hits: Sequence[Hit]) -> Citation | None:
    if not 1 <= marker <= len(hits):
        return None
    chunk = hits[marker - 1].chunk
    at = chunk.text.find(quote)
    if at < 0 or not quote:
        return None
    start = chunk.start + at
    return Citation(marker, chunk.document_id, chunk.page, chunk.heading, start, start + len(quote), quote)


def _found_quotes(answer: str, hits: Sequence[Hit]) -> list[tuple[int, str]]:
    quotes = []
    for statement, markers in _statements(answer):
        for marker in markers:
            if 1 <= marker <= len(hits):
                quote = _nearest_sentence(statement, hits[marker - 1].chunk)
                if quote:
                    quotes.append((marker, quote))
    return quotes


def _statements(answer: str) -> list[tuple[str, list[int]]]:
    """Each statement with the markers that follow it: [n] may stand before or after the full stop."""
    found = []
    start = 0
    for group in re.finditer(rf"(?:\s*{_MARKER.pattern})+[.。!！?？]?", answer):
        statement = answer[start : group.start()]
        sentences = text.sentences(statement)
        if sentences:
            statement = statement[sentences[-1][0] : sentences[-1][1]]
        found.append((statement, [int(each[1]) for each in _MARKER.finditer(group.group())]))
        start = group.end()
    return found


def _nearest_sentence(statement: str, chunk: Chunk) -> str | None:
    """The sentence of the chunk sharing most terms with the statement, by F1; None if none shares any."""
    wanted = set(text.terms(statement))
    best, quote = 0.0, None
    for start, end in text.sentences(chunk.text):
        own = set(text.terms(chunk.text[start:end]))
        shared = len(wanted & own)
        f1 = 2 * shared / (len(wanted) + len(own)) if shared else 0.0
        if f1 > best:
            best, quote = f1, chunk.text[start:end]
    return quote
