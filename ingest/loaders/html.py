"""HTML pages: headings, lists, tables and code as Markdown, without navigation, scripts and hidden text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ingest.loaders._compose import check_tags, join
from ingest.loaders._decode import as_written, finish, read_bytes
from ingest.loaders._extra import need
from ingest.loaders._html_events import Page
from ingest.loaders.text import empty_warning
from rag.errors import DocumentError
from rag.protocols.documents import Loader
from rag.types import Loaded

SUFFIXES: tuple[str, ...] = (".html", ".htm", ".xhtml")
MAX_BYTES = 50_000_000
_CHARSET = re.compile(
    rb"""<(?:meta\b[^>]{0,300}?\bcharset|\?xml\b[^>]{0,300}?\bencoding)\s*=\s*["']?\s*([\w.:-]+)""",
    re.IGNORECASE,
)
_PIECE = 1 << 16


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of HTML files of at most `max_bytes` bytes; needs the extra `html`."""
    return HtmlLoader(max_bytes)


@dataclass(frozen=True)
class HtmlLoader:
    """Reads one HTML file; metadata: `type` "markdown" (what the text is), `format` "html", `title`.

    The encoding is UTF-8 if the bytes are, else what the page declares if that makes sense of them,
    else what is recognised.
    """

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        data = read_bytes(path, self.max_bytes)
        declared = _CHARSET.search(data[:4096])
        source = as_written(data, declared[1].decode("ascii", "ignore") if declared else None)
        page = parse(source.text)
        found = finish(join(page.blocks()))
        metadata = {"type": "markdown", "format": "html"}
        if page.title:
            metadata["title"] = page.title
        warnings = (*source.warnings, *found.warnings, *empty_warning(found.text))
        return Loaded(found.text, metadata=metadata, warnings=warnings)


def parse(text: str) -> Page:
    """The page's blocks, read event by event: no tree is built, so depth costs nothing.

    Raises DocumentError where lxml is not installed or gives the page up.
    """
    etree = need("lxml.etree", "html")
    check_tags(text.count("<"))
    page = Page()
    parser = etree.HTMLParser(
        target=page, encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        for start in range(0, len(text), _PIECE):
            parser.feed(text[start : start + _PIECE].encode("utf-8", "replace"))
        parser.close()
    except etree.LxmlError as error:
        raise DocumentError(
            f"cannot be parsed as HTML ({str(error).splitlines()[0]}): save it anew"
        ) from None
    return page
