"""Tells files that are no text at all, and what they are where their first bytes say it."""

from __future__ import annotations

_SAMPLE = 65_536
# Text files do hold backspace, tab, line feed, form feed, return, the old end-of-file mark and escape.
_CONTROLS = bytes(set(range(32)) - {8, 9, 10, 11, 12, 13, 26, 27})
_BINARY_SHARE = 0.05
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive or an Office file"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file"),
    (b"%PDF-", "a PDF file"),
)


def what_binary(data: bytes) -> str:
    """Why these bytes are no text, in plain words; "" where they may be text."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return f"looks like a binary file ({name}), not text: give it the name of its kind or remove it"
    samples = [data[:_SAMPLE]]
    if len(data) > 2 * _SAMPLE:
        middle = len(data) // 8 * 4  # a multiple of 4, so that no character of UTF-16 or UTF-32 is cut
        samples.append(data[middle : middle + _SAMPLE])
    for sample in samples:
        controls = len(sample) - len(sample.translate(None, _CONTROLS))
        if controls > _BINARY_SHARE * len(sample) and not _is_wide(sample):
            return "looks like a binary file, not text: remove it or convert it to text"
    return ""


def _is_wide(sample: bytes) -> bool:
    from ingest.loaders._encoding import wide

    return wide(sample) is not None
