"""What becomes of a document's secrets: replaced, only reported, or the document left out."""

from __future__ import annotations

import hashlib
import hmac
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, get_args

from ingest.secrets.find import PLACEHOLDER, Secret, find, numbered
from ingest.secrets.spans import Span
from rag.errors import SettingError

Policy = Literal["redact", "flag", "skip"]
_ROUNDS = 8
_RUN = re.compile("[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A document's text after the policy, and what was found; `found` counts in the text before it.

    `skipped`: the document is not to be indexed, and `text` is empty. `text` never shows in a repr.
    `starts`, `ends` and `shifts`: the replaced ranges of the text before, and how far all after each moved.
    """

    text: str = field(repr=False)
    found: tuple[Secret, ...]
    skipped: bool = False
    starts: tuple[int, ...] = field(default=(), repr=False)
    ends: tuple[int, ...] = field(default=(), repr=False)
    shifts: tuple[int, ...] = field(default=(), repr=False)

    def moved(self, offset: int) -> int:
        """Where in `text` the character stands that stood at `offset` before; never decreases.

        An offset inside a secret gives the end of its placeholder.
        """
        at = bisect_right(self.starts, offset - 1) - 1
        if at < 0:
            return offset
        return max(offset, self.ends[at]) + self.shifts[at]


def apply(text: str, policy: Policy, key: bytes) -> Redacted:
    """Find the secrets of a document's text and do with them what `policy` says.

    "redact" puts a placeholder `[redacted:KIND:DIGEST]` for each; DIGEST is the first six hexadecimal
    digits of HMAC-SHA256 under `key`, so that one secret has one placeholder in all files of an index,
    and even a guessable secret cannot be tried out without the index's key. A password or key that was
    found is replaced wherever it stands again in the document. "flag" leaves the text as it is; "skip"
    gives an empty one if anything was found.

    Raises SettingError for another policy or an empty key.
    """
    if policy not in get_args(Policy):
        raise SettingError(f"secrets = {policy!r} is not one of {', '.join(get_args(Policy))}")
    if not key:
        raise SettingError("the key for placeholders is empty: make one with secrets.token_bytes(32)")
    found, redacted = _settled(text, key)
    if not found or policy == "flag":
        return Redacted(text, tuple(found))
    if policy == "skip":
        return Redacted("", tuple(found), skipped=True)
    return redacted


def _settled(text: str, key: bytes) -> tuple[list[Secret], Redacted]:
    """Redacts until nothing more is found: a secret may show only once its neighbour is gone."""
    found: list[Secret] = []
    redacted = Redacted(text, ())
    for _ in range(_ROUNDS):
        new = _again(redacted.text, find(redacted.text))
        if not new:
            break
        found = sorted([*found, *_before(new, redacted, text)], key=lambda secret: secret.start)
        redacted = _replaced(text, found, key)
    return found, redacted


def _again(text: str, found: list[Secret]) -> list[Secret]:
    """The secrets, and every other place where one of their values stands by itself."""
    values = {text[one.start : one.end]: one.kind for one in found if _distinct(text[one.start : one.end])}
    if not values:
        return found
    taken = [(one.start, one.end) for one in found]
    taken += [match.span() for match in PLACEHOLDER.finditer(text)]
    taken.sort()
    starts = [start for start, _ in taken]
    free: list[Span] = []
    for start, value in _places(text, values):
        end = start + len(value)
        at = bisect_right(starts, end - 1) - 1
        if at < 0 or taken[at][1] <= start:
            free.append(Span(values[value], start, end))
    return _apart([*found, *numbered(text, sorted(free, key=lambda span: span.start))])


def _places(text: str, values: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Where one of the values begins that stands by itself, and which; the text is read once for them all.

    A run of letters and digits inside such a value is a whole run in the text: each run is looked up.
    """
    by_run: dict[str, list[tuple[int, str]]] = {}
    for value in values:
        run = max(_RUN.finditer(value), key=lambda match: len(match[0]), default=None)
        if run is not None:
            by_run.setdefault(run[0], []).append((run.start(), value))
        else:  # full-width letters, seldom enough to be searched for one by one
            yield from ((match.start(), value) for match in re.finditer(re.escape(value), text))
    for match in _RUN.finditer(text) if by_run else ():
        for offset, value in by_run.get(match[0], ()):
            start = match.start() - offset
            end = start + len(value)
            alone = not (_RUN.match(text, end) or (start > 0 and _RUN.match(text, start - 1)))
            if start >= 0 and alone and text.startswith(value, start):
                yield start, value


def _distinct(value: str) -> bool:
    """Whether a value is nothing but itself elsewhere too: no word and no short number."""
    digits = any(c.isdigit() for c in value)
    return len(value) >= 6 and digits and (len(value) >= 12 or any(not c.isdigit() for c in value))


def _apart(found: Iterable[Secret]) -> list[Secret]:
    kept: list[Secret] = []
    for one in sorted(found, key=lambda secret: (secret.start, -secret.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _before(found: Iterable[Secret], redacted: Redacted, text: str) -> list[Secret]:
    """The same secrets, counted in the original text; none of them touches a placeholder."""
    ends = [redacted.moved(end) for end in redacted.ends]
    shifts = redacted.shifts
    places = []
    for one in found:
        at = bisect_right(ends, one.start) - 1
        shift = shifts[at] if at >= 0 else 0
        places.append(Span(one.kind, one.start - shift, one.end - shift))
    return numbered(text, places)


def _replaced(text: str, found: list[Secret], key: bytes) -> Redacted:
    pieces, at, changes = [], 0, []
    for one in found:
        mark = f"[redacted:{one.kind}:{_digest(text[one.start : one.end], key)}]"
        pieces += [text[at : one.start], mark]
        changes.append(len(mark) - (one.end - one.start))
        at = one.end
    starts, ends = tuple(one.start for one in found), tuple(one.end for one in found)
    return Redacted(
        "".join([*pieces, text[at:]]), tuple(found), False, starts, ends, tuple(accumulate(changes))
    )


def _digest(value: str, key: bytes) -> str:
    return hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:6]
