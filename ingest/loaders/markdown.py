"""Markdown files: the whole text, with its title and front matter in the metadata."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.loaders._decode import read
from ingest.loaders._front_matter import front_matter
from ingest.loaders._markdown import title
from ingest.loaders.text import MAX_BYTES, empty_warning
from rag.protocols.documents import Loader
from rag.types import Loaded, Warned

SUFFIXES: tuple[str, ...] = (".md", ".markdown")


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of Markdown files of at most `max_bytes` bytes."""
    return MarkdownLoader(max_bytes)


@dataclass(frozen=True)
class MarkdownLoader:
    """Reads one Markdown file; metadata: its front matter, `type` and, where there is one, `title`.

    A `type` of the front matter's own is kept as `front.type`. Front matter that cannot be parsed is
    text, with a warning. The text stays whole, front matter included, so that offsets count in the file
    as it is; the splitter leaves the front matter out of the passages.
    """

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        decoded = read(path, self.max_bytes)
        text = decoded.text
        found = front_matter(text)
        metadata = {"front.type" if name == "type" else name: value for name, value in found.values.items()}
        metadata["type"] = "markdown"
        if named := title(text):
            metadata["title"] = named
        problem = (Warned("front_matter", f"indexed as text: {found.problem}"),) if found.problem else ()
        return Loaded(text, metadata=metadata, warnings=(*decoded.warnings, *empty_warning(text), *problem))
