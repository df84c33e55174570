"""From a file to chunks: what a loader and a splitter must offer."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from rag.types import Chunk, Document, Loaded


class Loader(Protocol):
    """Reads one kind of file."""

    def load(self, path: Path) -> Loaded:
        """Text, pages and warnings of the file. Raises DocumentError with the reason."""
        ...


class Splitter(Protocol):
    """Cuts a document into chunks, in order of where they begin and of where they end.

    A chunk may repeat the end of the one before it; the hits of a search show such text once.
    """

    @property
    def fingerprint(self) -> str:
        """Names every setting that shapes the chunks: another fingerprint, other chunks."""
        ...

    def split(self, document: Document) -> list[Chunk]: ...
