"""Takes out what is no character of a text: control codes, stray byte-order marks, half surrogates.

What this returns is normal as `rag.text.normalise` makes it, by whole-text operations: character by
character a large file would take fifty times the memory.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rag.types import Warned

# A terminal's colour codes: without the escape character their rest would stay as words.
_TERMINAL = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\)|[@-Z\\^_])")
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c]")
# In practice a C1 code is a letter of Windows-1252 that was read as Latin-1.
_C1 = re.compile(r"[\x80-\x9f]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
# Embeddings, overrides and isolates reorder what is shown: in code they can hide what runs.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text without control characters, and what was found in it."""

    text: str
    warnings: tuple[Warned, ...] = ()


def clean(text: str) -> Cleaned:
    """Normal text: line feeds only, NFC, no control codes; C1 codes stand as the letters they were.

    Warnings: "control_characters" with their number, "bidi_controls" with their lines' number.
    """
    text = text.removeprefix("\ufeff")
    if "\r" in text or "\x0b" in text or "\x0c" in text:
        text = _BREAKS.sub("\n", text)
    text, terminal = _TERMINAL.subn("", text) if "\x1b" in text else (text, 0)
    first = _CONTROLS.search(text)
    line = text.count("\n", 0, first.start()) + 1 if first else 0
    warnings: list[Warned] = []
    if first:
        text = _C1.sub(_as_letter, text)
        text, removed = _CONTROLS.subn("", text)
        if removed:
            warnings.append(Warned("control_characters", f"{_counted(removed)} removed, from line {line} on"))
    if terminal:
        warnings.append(Warned("control_characters", f"{terminal} colour and cursor codes removed"))
    if bidi := _BIDI.search(text):
        at = text.count("\n", 0, bidi.start()) + 1
        warnings.append(
            Warned("bidi_controls", f"line {at}: characters that change the order in which text is shown")
        )
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return Cleaned(text, tuple(warnings))


def _as_letter(match: re.Match[str]) -> str:
    """The character that Windows-1252 has at this place, or nothing."""
    return match[0].encode("latin-1").decode("cp1252", "ignore")


def _counted(number: int) -> str:
    return "1 control character" if number == 1 else f"{number} control characters"
