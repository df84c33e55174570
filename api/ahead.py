"""What of an answer is certain before it is finished, for clients that cannot take back what they got.

OpenAI's deltas are only ever appended. So a piece of the draft is sent once the check of citations
(`rag.verify`) leaves everything up to there as it is written; from the first doubt on the text waits for the
check of the whole. Within a paragraph a sentence without a marker is held against the next one that has
one: the text can be parted behind a marked sentence, and between paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.text import sentences
from rag.types import Draft, Hit
from rag.verify import Policy, verified

# Markers as language models write them: [1], [1, 2], [1-3], 【1】. Those of the check are [1][2].
_GROUP = re.compile(r"[\[【［]\s*(\d{1,3}(?:\s*[,，、-]\s*\d{1,3})*)\s*[\]】］]")
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_LEAD = re.compile(rf"(?:\s*{_GROUP.pattern})+")
# What stands before the first word of a sentence, markers of the one before among it, whole or begun.
_NO_WORD = re.compile(r"(?:\s|[\[【［][\d\s,，、-]*(?:[\]】］]|\Z))*")
_WORD = re.compile(r"\w")
_FENCED = re.compile(r"^[ \t]*(```+|~~~+)[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
# What comes later decides whether this begins a tag, which the check takes apart.
_OPEN_TAG = re.compile(r"<[A-Za-z][^<>]*\Z")


class Ahead:
    """Follows one draft while it is written."""

    def __init__(self, hits: Sequence[Hit], policy: Policy) -> None:
        """`hits` as the generator sees them; `policy` is the engine's for unsupported sentences."""
        self._hits = hits
        self._policy = policy
        self._draft = ""
        self._looked = 0
        self._sent = ""

    def add(self, piece: str) -> str:
        """What has become certain of the text before `piece`; joined, the start of the checked answer."""
        found = self._certain()
        self._draft += piece
        return found

    def _certain(self) -> str:
        cut = _cut(self._draft)
        if cut <= self._looked:
            return ""
        self._looked = cut
        written = self._draft[:cut].strip()
        checked = verified(Draft(written), self._hits, self._policy).text
        if not (_agree(written, checked) and checked.startswith(self._sent)):
            return ""
        found = checked[len(self._sent) :]
        self._sent = checked
        return found


def _agree(written: str, checked: str) -> bool:
    """Whether the check changed nothing but the form of markers."""
    same_words = _GROUP.sub("", written).split() == _GROUP.sub("", checked).split()
    return same_words and list(_numbers(written)) == list(_numbers(checked))


def _numbers(text: str) -> Iterator[int]:
    for group in _GROUP.findall(text):
        for first, last in _RANGE.findall(group):
            yield from range(int(first), int(last or first) + 1)


def _cut(draft: str) -> int:
    """The last place up to which the check of `draft` does not depend on how it goes on; 0 without one."""
    blocks = [found.span() for found in _FENCED.finditer(draft)]
    spans = sentences(draft)
    for at in range(len(spans) - 2, -1, -1):
        end = _end(draft, *spans[at], *spans[at + 1])
        if not end or any(start <= spans[at][0] < stop for start, stop in blocks):
            continue
        if not _OPEN_TAG.search(draft, 0, end):
            return end
    return 0


def _end(draft: str, start: int, end: int, following: int, stop: int) -> int:
    """Where a sentence ends, markers behind its full stop with it; 0 where what follows still counts."""
    lead = _LEAD.match(draft, end)
    apart = "\n\n" in draft[end:following]
    marked = _GROUP.search(draft, start, end) is not None
    if lead and not apart and not marked:
        end, marked = lead.end(), True
    begun = _NO_WORD.match(draft, end, stop)
    if begun is None or not _WORD.search(draft, begun.end(), stop):
        return 0  # the next sentence has not begun, so that this one may go on
    return end if marked or apart else 0
