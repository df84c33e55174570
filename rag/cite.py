"""Citations: every marker of an answer is tied to exact words of a retrieved passage, or removed.

So is what would act on whoever reads the answer: links, images, tags, and addresses of no cited passage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import text
from rag.facts.claims import missing, sources
from rag.facts.headings import headings_at
from rag.facts.inactive import inactive
from rag.types import Chunk, Citation, Draft, Hit

_MARKER = re.compile(r"[\[【](\d{1,3})[\]】]")
_GROUP = re.compile(r"[\[【［]\s*(\d{1,3}(?:\s*[,，、-]\s*\d{1,3})*)\s*[\]】］]")
# White space is read from its beginning only: tried at each of its places, a long run would take for ever.
_MARKERS = re.compile(rf"(?:(?<!\s)\s+)?{_MARKER.pattern}(?:\s*{_MARKER.pattern})*[.。!！?？]?")
# What may stand before a marker and states nothing; a full stop left from the statement before is none.
_LEAD_IN = re.compile(
    r"\b(?:according to|as (?:stated|described|shown|explained|noted) in|based on|from|per|see|in|sources?"
    r"|passage|document|documents|the)\b"
    r"|根据|根據|依据|依據|按照|参见|參見|来自|來自|在|据|據|如|文档|文件|段落|资料|[\W_]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[\[【](\d+)[\]】]")
_QUOTES = 3  # of one passage for one statement
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def cite(draft: Draft, hits: Sequence[Hit]) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text with only good markers left and nothing active, and one citation per quotation.

    A quote must stand word for word in the passage its marker names. Where a draft brings no
    quotes, the sentence of that passage nearest to the marked statement is quoted, and up to two more
    that hold what it claims besides. Citations come in the order of the draft's quotes, best first, or
    else in that of the text.
    """
    written = draft.text if draft.quotes else _GROUP.sub(_apart, draft.text)
    quotes = draft.quotes or _found_quotes(written, hits)
    citations = tuple(
        citation
        for marker, quote in dict.fromkeys(quotes)
        if (citation := _citation(marker, quote, hits)) is not None
    )
    known = {citation.marker for citation in citations}
    kept = _MARKER.sub(lambda found: _kept(found, known), written).strip()
    passages = [hits[marker - 1].chunk.text for marker in sorted(known)]
    return inactive(kept, [form for passage in passages for form in _forms(passage)]), citations


def _forms(passage: str) -> tuple[str, str, str]:
    """A passage as it is and as a quotation of it writes its [12] in prose and in code: addresses, too."""
    return passage, _NUMBER.sub(r"［\1］", passage), _NUMBER.sub(r"[ \1]", passage)


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
    headings = headings_at(chunk, at)
    return Citation(marker, chunk.document_id, chunk.page, headings, start, start + len(quote), quote)


def _found_quotes(answer: str, hits: Sequence[Hit]) -> list[tuple[int, str]]:
    return [
        (marker, quote)
        for statement, markers in _statements(answer)
        for marker in markers
        if 1 <= marker <= len(hits)
        for quote in _bearing_out(statement, hits[marker - 1].chunk)
    ]


def _statements(answer: str) -> list[tuple[str, list[int]]]:
    """Each statement with its markers: they follow it, before or after the full stop, or lead it in, as
    in "According to [1], ...".
    """
    found = []
    start = 0
    groups = list(_MARKERS.finditer(answer))
    for at, group in enumerate(groups):
        stop = groups[at + 1].start() if at + 1 < len(groups) else None
        statement = _last_sentence(answer[start : group.start()])
        if not _LEAD_IN.sub("", statement).strip():
            statement = _first_sentence(answer[group.end() : stop])
        found.append((statement, [int(each[1]) for each in _MARKER.finditer(group.group())]))
        start = group.end()
    return found


def _last_sentence(written: str) -> str:
    ranges = text.sentences(written)
    return written[slice(*ranges[-1])] if ranges else ""


def _first_sentence(written: str) -> str:
    ranges = text.sentences(written)
    return written[slice(*ranges[0])].lstrip(",，:： ") if ranges else ""


def _bearing_out(statement: str, chunk: Chunk) -> list[str]:
    """The nearest sentence of the chunk, and others that hold claims of the statement it lacks.

    Another sentence must bear out more than that: a year that happens to stand in it is not enough.
    """
    nearest = _nearest_sentence(statement, chunk)
    if nearest is None:
        return []
    quotes = [nearest]
    lacking = missing(statement, sources(quotes))
    pool = [chunk.text[start:end] for start, end in text.sentences(chunk.text)] if lacking else []
    while lacking and len(quotes) < _QUOTES:
        rest = set(text.terms(statement)).difference(*map(text.terms, [*quotes, " ".join(lacking)]))
        more = [each for each in pool if each not in quotes and not rest.isdisjoint(text.terms(each))]
        left = {each: missing(statement, sources([*quotes, each])) for each in more}
        best = min(left, key=lambda each: len(left[each]), default=None)
        if best is None or len(left[best]) >= len(lacking):
            break
        quotes.append(best)
        lacking = left[best]
    return quotes


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
