"""Plain text files: the text as it stands, no structure read into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.loaders._decode import MAX_BYTES, read
from rag.protocols.documents import Loader
from rag.types import Loaded, Warned

__all__ = ["MAX_BYTES", "SUFFIXES", "TextLoader", "build", "empty_warning"]

SUFFIXES: tuple[str, ...] = (".txt", ".text", ".log", ".rst", ".adoc", ".org", ".tex", ".srt", ".vtt")


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of plain text files of at most `max_bytes` bytes."""
    return TextLoader(max_bytes)


@dataclass(frozen=True)
class TextLoader:
    """Reads one plain text file; metadata: `type`."""

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        decoded = read(path, self.max_bytes)
        warnings = (*decoded.warnings, *empty_warning(decoded.text))
        return Loaded(decoded.text, metadata={"type": "text"}, warnings=warnings)


def empty_warning(text: str) -> tuple[Warned, ...]:
    """What to tell of a file in which there is nothing to find."""
    return () if text.strip() else (Warned("empty", "the file has no text"),)
