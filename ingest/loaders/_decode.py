"""Turns the bytes of a text file into normal text, and says what had to be done for it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from ingest.loaders._binary import what_binary
from ingest.loaders._controls import clean
from ingest.loaders._encoding import recognise, wide
from ingest.loaders._lines import decode_mixed, sort_lines
from ingest.loaders._mojibake import repair
from ingest.loaders._readings import PROBABLE
from rag.errors import DocumentError
from rag.types import Warned

MAX_BYTES = 200_000_000
# Longest mark first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65_536
# Beyond this share of characters that cannot be read a file is refused.
_MOST_LOST = 0.005
_NAMES = {
    "gb18030": "GB18030", "big5hkscs": "Big5", "cp932": "Shift_JIS", "euc_jp": "EUC-JP", "cp949": "EUC-KR",
    "cp1252": "Windows-1252", "iso8859-1": "Latin-1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text, normalised, and what a person should know of how it was read."""

    text: str
    warnings: tuple[Warned, ...] = ()


def read(path: Path, max_bytes: int = MAX_BYTES) -> Decoded:
    """The file's text, whatever its encoding.

    Warnings: "encoding" (it is not UTF-8, or some bytes of it are not), "mojibake",
    "control_characters", "bidi_controls". Raises DocumentError: unreadable, longer than `max_bytes`,
    binary, or in no encoding that can be told.
    """
    return decode(read_bytes(path, max_bytes))


def read_text(path: Path, max_bytes: int) -> str:
    """The text alone, as `read` gives it."""
    return read(path, max_bytes).text


def decode(data: bytes, *, declared: str | None = None, mend: bool = True) -> Decoded:
    """The text of these bytes; `declared` is the encoding that the file itself names, if it does.

    With `mend` off, mojibake is reported and left. Raises DocumentError as `read` does.
    """
    read_as = as_written(data, declared)
    finished = finish(read_as.text, mend=mend)
    return Decoded(finished.text, (*read_as.warnings, *finished.warnings))


def as_written(data: bytes, declared: str | None = None) -> Decoded:
    """The bytes as characters, not yet normal text: `finish` what is taken from them."""
    return Decoded(*_text(data, declared))


def finish(text: str, *, mend: bool = True) -> Decoded:
    """Normal text (`rag.text.normalise`) without mojibake and control characters, and what was done."""
    # Mojibake first: half of it looks like control characters.
    repaired = repair(text, mend=mend)
    cleaned = clean(repaired.text)
    return Decoded(cleaned.text, (*repaired.warnings, *cleaned.warnings))


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The file's bytes. Raises DocumentError where it cannot be read or is longer than `max_bytes`."""
    try:
        with path.open("rb") as file:
            # The size is asked first, so that what is refused is not read; a growing file ends there too.
            size = path.stat().st_size
            data = file.read(max_bytes + 1) if size <= max_bytes else b""
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from None
    if max(size, len(data)) > max_bytes:
        raise DocumentError(
            f"is larger than the limit of {max_bytes:,} bytes: split the file or raise ingest.max_bytes"
        )
    return data


def _text(data: bytes, declared: str | None) -> tuple[str, tuple[Warned, ...]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            if encoding == "utf-8":
                data = data[len(mark) :]
                break
            return _marked(data[len(mark) :], encoding)
    if what := what_binary(data):
        raise DocumentError(what)
    if unmarked := _unmarked(data, declared):
        text, lost = _lossy(data, unmarked)
        return text, (_encoding(f"read as {_named(unmarked)} without a byte-order mark (sure)"), *lost)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        return _not_utf8(data, error, declared)


def _unmarked(data: bytes, declared: str | None) -> str | None:
    """UTF-16 or UTF-32 where the bytes are that; without a NUL only where nothing else reads well."""
    if data.find(0, 0, _SAMPLE) >= 0:
        return wide(data)
    if len(data) < 8 or len(data) % 2 or declared or _is_utf8(data[:_SAMPLE]):
        return None
    narrow = recognise(data)
    return None if narrow and narrow.score >= PROBABLE else wide(data)


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end >= _SAMPLE  # a character cut in two by the end of the sample
    return True


def _marked(data: bytes, encoding: str) -> tuple[str, tuple[Warned, ...]]:
    text, lost = _lossy(data, encoding)
    return text, (_encoding(f"read as {_named(encoding)}, which its byte-order mark names"), *lost)


def _not_utf8(data: bytes, error: UnicodeDecodeError, declared: str | None) -> tuple[str, tuple[Warned, ...]]:
    if (joined := _surrogates_joined(data)) is not None:
        return joined, (_encoding("UTF-8 with halves of surrogate pairs (CESU-8): joined where they pair"),)
    where = f"line {data.count(10, 0, error.start) + 1}, byte {error.start} (0x{data[error.start]:02X})"
    lines = sort_lines(data)
    guess = recognise(lines.bytes_of(data), declared) if lines.foreign else None
    # Of a few odd bytes in much UTF-8 nothing can be told, and nothing should be made up.
    if guess and guess.certainty == "a guess" and lines.utf8 > 10 * len(lines.foreign):
        guess = None
    if guess is None:
        return _replaced(data, where)
    name = f"{_named(guess.encoding)} ({guess.certainty})"
    if lines.utf8 <= 0.1 * len(lines.foreign):
        text, lost = _lossy(data, guess.encoding)
        return text, (_encoding(f"read as {name}: save it as UTF-8"), *lost)
    text = decode_mixed(data, lines.foreign, guess.encoding)
    count, first = len(lines.foreign), lines.foreign[0].number
    detail = f"{count} line{'s' * (count > 1)} from line {first} on read as {name}, the others as UTF-8"
    return text, (_encoding(detail), *_checked(text, data))


def _surrogates_joined(data: bytes) -> str | None:
    """UTF-8 as some databases and Java write it: a character beyond U+FFFF as its two surrogates."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _replaced(data: bytes, where: str) -> tuple[str, tuple[Warned, ...]]:
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    if lost > max(1, _MOST_LOST * len(text)):
        raise DocumentError(
            f"{where} is not valid UTF-8, and no other encoding makes sense of the file: save it as UTF-8"
        )
    return text, (_encoding(f"{where} is not valid UTF-8: {_lost(lost)}"),)


def _lossy(data: bytes, encoding: str) -> tuple[str, tuple[Warned, ...]]:
    text = data.decode(encoding, "replace")
    return text, _checked(text, b"" if encoding.startswith("utf") else data)


def _checked(text: str, data: bytes) -> tuple[Warned, ...]:
    lost = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    if lost <= 0:
        return ()
    line = text.count("\n", 0, text.index("\ufffd")) + 1
    if lost > max(1, _MOST_LOST * len(text)):
        raise DocumentError(f"is damaged: {lost} characters from line {line} on cannot be read: restore it")
    return (_encoding(f"line {line}: {_lost(lost)}"),)


def _lost(count: int) -> str:
    what = (
        "1 character that cannot be read is" if count == 1 else f"{count} characters that cannot be read are"
    )
    return f"{what} replaced by \ufffd"


def _encoding(detail: str) -> Warned:
    return Warned("encoding", detail)


def _named(encoding: str) -> str:
    if encoding.startswith("utf"):
        return encoding.upper().removesuffix("-LE").removesuffix("-BE")
    return _NAMES.get(encoding, encoding.replace("_", "-"))
