"""Recognises which encoding the bytes beyond ASCII are in, by how sensible each reading would be.

What none of the readings known here explains is left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from ingest.loaders._readings import READINGS, SURE, WESTERN_MARKS, Guess, big5, decoded, gb

_SAMPLE = 65_536
_LEAST_SCORE = 0.45
# The part of each line from its first byte beyond ASCII on, with the byte before it.
_BEYOND = re.compile(rb"[\x00-\x09\x0b-\x7f]?[\x80-\xff][^\n]*\n?")


def recognise(data: bytes, hint: str | None = None) -> Guess | None:
    """The encoding of bytes that are not UTF-8; None where no reading makes sense.

    `hint` is the encoding the file itself declares; it decides where its reading is as good as any.
    """
    sample = _sample(data)
    guesses = sorted(_guesses(sample), key=lambda guess: guess.score, reverse=True)
    if hint and (declared := _declared(sample, hint, guesses)):
        return declared
    if guesses and guesses[0].score >= _LEAST_SCORE:
        return guesses[0]
    return _by_library(sample)


def wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte-order mark, by where the zero bytes and the letters lie."""
    head = data[: _SAMPLE - _SAMPLE % 4]
    if len(head) < 4:
        return None
    if len(data) % 4 == 0 and head.count(0) >= len(head) // 4:
        for encoding in ("utf-32-le", "utf-32-be"):
            if (score := _wide_score(head, encoding)) is not None and score > 0.9:
                return encoding
    best: tuple[float, str] = max(
        (_wide_score(head[: len(head) & ~1], encoding) or 0.0, encoding)
        for encoding in ("utf-16-le", "utf-16-be")
    )
    return best[1] if best[0] > 0.9 else None


def _sample(data: bytes) -> bytes:
    pieces, room = [], _SAMPLE
    for match in _BEYOND.finditer(data):
        start, end = match.span()
        pieces.append(data[start : min(end, start + room)])
        room -= len(pieces[-1])
        if room <= 0:
            break
    return b"".join(pieces)


def _guesses(sample: bytes) -> Iterator[Guess]:
    for reading in READINGS.values():
        if guess := reading(sample):
            yield guess


def _declared(sample: bytes, hint: str, guesses: list[Guess]) -> Guess | None:
    try:
        name = codecs.lookup(hint).name
        "".encode(name)  # LookupError where the name is that of no text encoding
        text = codecs.getincrementaldecoder(name)("strict").decode(sample)
    except (LookupError, UnicodeError):
        return None
    name = {
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "iso8859-1": "cp1252",
        "shift_jis": "cp932",
        "euc_kr": "cp949",
        "big5": "big5hkscs",
    }.get(name, name)
    same = next((guess for guess in guesses if guess.encoding == name), None)
    best = guesses[0].score if guesses else 0.0
    if same is not None:
        return same if same.score >= max(_LEAST_SCORE, best - 0.3) else None
    sensible = not any("\x80" <= each <= "\x9f" for each in text)
    return Guess(name, 0.7, len(text)) if sensible and best < SURE else None


def _wide_score(data: bytes, encoding: str) -> float | None:
    """Share of characters that text is made of: ASCII, Latin and Greek letters, CJK."""
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(data)
    except UnicodeDecodeError:
        return None
    plain = sum(
        each in "\t\n\r" or " " <= each <= "~" or "\u00a0" <= each <= "\u052f"
        or "\u3000" <= each <= "\u30ff" or "\uff00" <= each <= "\uff5e" or "\u2010" <= each <= "\u2027"
        or "\u2600" <= each <= "\u27bf" or "\U0001f000" <= each <= "\U0001faff" or each == "\ufe0f"
        or 0.4 * gb(each) + 0.6 * big5(each) >= 0.3
        for each in text
    )  # fmt: skip
    return plain / len(text) if text else None


def _by_library(sample: bytes) -> Guess | None:
    """charset-normalizer's opinion: Cyrillic, Greek, Central European and other single bytes."""
    from charset_normalizer import from_bytes

    match = from_bytes(sample, threshold=0.15).best()
    if match is None or match.encoding.startswith(("ascii", "utf")) or match.alphabets == []:
        return None
    text, errors = decoded(sample, match.encoding)
    beyond = [each for each in text if each > "\x7f"]
    letters = sum(each.isalpha() or each in WESTERN_MARKS for each in beyond)
    if errors or not beyond or letters < 0.8 * len(beyond):
        return None
    return Guess(match.encoding, 0.6 * (1 - match.chaos), len(beyond))
