"""Turns the bytes of a text file into text, or says exactly why they are not text."""

from __future__ import annotations

import codecs
from pathlib import Path

from rag.errors import DocumentError
from rag.text import normalise

# Longest mark first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65_536
# Control characters that text files do hold: tab, line feed, form feed, return, escape (coloured logs).
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_BINARY_SHARE = 0.05


def read_text(path: Path, max_bytes: int) -> str:
    """The file's text, normalised. UTF-8, or UTF-16 and UTF-32 with a byte-order mark.

    Raises DocumentError: unreadable, longer than `max_bytes`, binary, or in another encoding.
    """
    data = read_bytes(path, max_bytes)
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    if encoding == "utf-8" and _is_binary(data):
        raise DocumentError("looks like a binary file, not text: remove it or convert it to text")
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(_complaint(data, len(mark) + error.start, encoding)) from None
    # A second mark would survive one pass of normalise and be dropped by the next.
    return normalise(text).lstrip("\ufeff")


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The file's bytes. Raises DocumentError where it cannot be read or is longer than `max_bytes`."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from None
    if len(data) > max_bytes:
        raise DocumentError(f"is larger than the limit of {max_bytes:,} bytes: split the file")
    return data


def _is_binary(data: bytes) -> bool:
    if b"\0" in data:
        return True
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > _BINARY_SHARE * len(sample)


def _complaint(data: bytes, offset: int, encoding: str) -> str:
    name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
    found = f"0x{data[offset]:02X}" if offset < len(data) else "the end of the file"
    where = f"byte {offset} ({found})"
    if encoding == "utf-8":
        line = data.count(b"\n", 0, offset) + 1
        where = f"line {line}, {where}"
    hint = " (it seems to be GB18030 or GBK)" if encoding == "utf-8" and _seems_chinese(data) else ""
    return f"{where} is not valid {name}{hint}: save the file as UTF-8"


def _seems_chinese(data: bytes) -> bool:
    """Whether the bytes read as GB18030 and mostly as everyday Han characters outside ASCII."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    beyond = [character for character in text if character > "\x7f"]
    han = sum("\u4e00" <= character <= "\u9fff" for character in beyond)
    return han > 0.5 * len(beyond)
