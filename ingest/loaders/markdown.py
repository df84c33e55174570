"""Markdown files: the whole text, with its title in the metadata."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.loaders._decode import read_text
from ingest.loaders._markdown import title
from ingest.loaders.text import MAX_BYTES, empty_warning
from rag.protocols import Loader
from rag.types import Loaded

SUFFIXES: tuple[str, ...] = (".md", ".markdown")


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of Markdown files of at most `max_bytes` bytes."""
    return MarkdownLoader(max_bytes)


@dataclass(frozen=True)
class MarkdownLoader:
    """Reads one Markdown file; metadata: `type` and, where there is one, `title`.

    The text stays whole, front matter included, so that offsets count in the file as it is; the
    splitter leaves the front matter out of the passages.
    """

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        text = read_text(path, self.max_bytes)
        metadata = {"type": "markdown"}
        if found := title(text):
            metadata["title"] = found
        return Loaded(text, metadata=metadata, warnings=empty_warning(text))
