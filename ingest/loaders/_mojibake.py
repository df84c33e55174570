"""Finds text that was saved after being read in the wrong encoding, and undoes it where that is certain.

UTF-8 read as a single-byte encoding is ftfy's work, nothing but its encoding step; GBK or Big5 read as
Latin-1 and UTF-8 read as GBK are judged here. Code blocks, code spans and addresses are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.loaders._readings import score
from rag.types import Warned

# Two characters in a row that are neither ASCII nor CJK: all single-byte mojibake has them.
_SUSPECT = re.compile("[^\x00-\x7f\u2e80-\uffff\U00010000-\U0010ffff]{2}|[\x80-\x9f]")
_LATIN_RUN = re.compile(
    "[\u00a0-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122\x80-\x9f]{4,}"
)
# What UTF-8 Chinese becomes in GBK begins with these, for its lead bytes are E4 to E9 and EF.
_UTF8_AS_GBK = re.compile("[^\x00-\x7f]{4,}")
_GBK_SUSPECT = re.compile("[鍙鍚鎴鏄涓鐨浣锛銆绗鏂寮璇浠涔枃瑁鑳娆鍦鏈缂缁杩鍒娣澹鍔鐢閫鏉鎿杈\ue000-\uf8ff]")
_LOST = re.compile("锟斤拷|锟斤|烫烫烫|屯屯屯|\ufffd")
_QUOTES = re.compile("[“”‘’]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# Runs of ticks are taken whole: tried tick by tick, a line of them takes cubic time.
_KEPT = re.compile(r"(?<!`)(`++)(?:(?!\1).)+\1|\b[a-z][a-z0-9+.-]{1,20}://\S+|\bwww\.\S+", re.IGNORECASE)
# One pattern for all: each search must end at the next place to look at.
_ANY = re.compile(f"{_SUSPECT.pattern}|{_GBK_SUSPECT.pattern}|{_LOST.pattern}")
_PIECE = 20_000


@dataclass(frozen=True, slots=True)
class Repaired:
    """The text, mended where it could be, and what a person should know of it."""

    text: str
    warnings: tuple[Warned, ...] = ()


def repair(text: str, *, mend: bool = True) -> Repaired:
    """Undo mojibake line by line; with `mend` off only report it. Warnings: kind "mojibake"."""
    if text.isascii():
        return Repaired(text)
    mended: list[int] = []
    garbled: list[int] = []
    pieces: list[str] = []
    done = 0
    for number, start, end in _suspects(text):
        line = text[start:end]
        new = _mended(line)
        if new != line:
            mended.append(number)
        if new != line and mend:
            pieces += [text[done:start], new]
            done = end
        if _is_garbled(new):
            garbled.append(number)
    pieces.append(text[done:])
    return Repaired("".join(pieces), tuple(_warnings(mended, garbled, mend)))


def _suspects(text: str) -> Iterator[tuple[int, int, int]]:
    """Number, from 1, and range of each line (of a very long one, each piece) to look at, but for code."""
    fences = _Fences(text)
    position, number, counted = 0, 1, 0
    while match := _ANY.search(text, position):
        found = match.start()
        # Never further than a piece, or a very long line would be searched through for each of its pieces.
        least = max(position, found - _PIECE // 2)
        start = max(text.rfind("\n", least, found) + 1, least)
        end = text.find("\n", found, start + _PIECE)
        end = min(len(text), start + _PIECE) if end < 0 else end
        number += text.count("\n", counted, start)
        counted = start
        if not fences.hold(start):
            yield number, start, end
        position = end


class _Fences:
    """Whether a place lies in a fenced code block; asked in ascending order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._fence = ""

    def hold(self, start: int) -> bool:
        while self._position < start:
            end = self._text.find("\n", self._position)
            end = len(self._text) if end < 0 else end
            if match := _FENCE.match(self._text, self._position, end):
                if not self._fence:
                    self._fence = match[1]
                elif match[1].startswith(self._fence):
                    self._fence = ""
            self._position = end + 1
        return bool(self._fence)


def _mended(line: str) -> str:
    """The line with all but its code spans and addresses mended."""
    pieces: list[str] = []
    position = 0
    for kept in _KEPT.finditer(line):
        pieces += [_mended_piece(line[position : kept.start()]), kept[0]]
        position = kept.end()
    pieces.append(_mended_piece(line[position:]))
    return "".join(pieces)


def _mended_piece(piece: str) -> str:
    from ftfy import TextFixerConfig, fix_encoding

    piece = _LATIN_RUN.sub(_from_latin, piece)
    if _GBK_SUSPECT.search(piece):
        piece = _UTF8_AS_GBK.sub(_from_gbk, piece)
    if not _SUSPECT.search(piece):
        return piece
    return str(fix_encoding(piece, TextFixerConfig(explain=False)))


def _from_latin(match: re.Match[str]) -> str:
    """Chinese that was read as Windows-1252 or Latin-1, if these bytes are that beyond doubt."""
    try:
        data = b"".join(_byte(each) for each in match[0])
    except UnicodeEncodeError:
        return match[0]
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return match[0]  # ftfy's case
    for encoding in ("gb18030", "big5hkscs"):
        if score(data, encoding) > 0.8 and score(data, "cp1252") < 0.5:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    return match[0]


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def _from_gbk(match: re.Match[str]) -> str:
    """UTF-8 that was read as GBK: real Chinese text is not valid UTF-8 in GBK by chance."""
    text = _through_gbk(match[0])
    return match[0] if "\ufffd" in text or not _reads_well(text) else text


def _through_gbk(run: str) -> str:
    return run.encode("gb18030", "ignore").decode("utf-8", "replace")


def _reads_well(text: str) -> bool:
    return len(text) >= 3 and score(text.encode("gb18030", "ignore"), "gb18030") > 0.7


def _is_garbled(line: str) -> bool:
    line = _KEPT.sub("", line)
    if _LOST.search(line) or (
        _GBK_SUSPECT.search(line) and any(map(_lost_in_gbk, _UTF8_AS_GBK.finditer(line)))
    ):
        return True
    if not _SUSPECT.search(line):
        return False
    from ftfy.badness import is_bad

    # Quotation marks beside letters with marks of their own are how Sanskrit or Pinyin is quoted.
    return bool(is_bad(_QUOTES.sub("", line)))


def _lost_in_gbk(match: re.Match[str]) -> bool:
    """Whether this is UTF-8 read as GBK that lost some of its bytes on the way."""
    text = _through_gbk(match[0])
    return text.count("\ufffd") <= 0.35 * len(text) and _reads_well(text.replace("\ufffd", ""))


def _warnings(mended: list[int], garbled: list[int], mend: bool) -> Iterator[Warned]:
    if mended:
        what = "repaired" if mend else "garbled by a wrong encoding, left as it stands"
        yield Warned("mojibake", f"{_lines(mended)} {what}")
    told = set() if mend else set(mended)
    rest = [number for number in garbled if number not in told]
    if rest:
        yield Warned("mojibake", f"{_lines(rest)} garbled beyond repair: take the text from its source")


def _lines(numbers: list[int]) -> str:
    numbers = sorted(set(numbers))
    shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
    return f"{len(numbers)} line{'s' * (len(numbers) > 1)} ({shown})"
