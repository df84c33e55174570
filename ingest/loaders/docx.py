"""Word documents: headings, lists, tables and notes as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

from ingest.loaders._compose import check_tags, join, title_of
from ingest.loaders._decode import finish
from ingest.loaders._docx_events import Body
from ingest.loaders._docx_parts import Core, Notes, Numbering, Styles
from ingest.loaders._extra import need
from ingest.loaders.text import empty_warning
from rag.errors import DocumentError
from rag.protocols.documents import Loader
from rag.types import Loaded

SUFFIXES: tuple[str, ...] = (".docx",)
MAX_BYTES = 200_000_000
# Of one part unpacked: a few kilobytes can hold gigabytes.
_MAX_PART = 200_000_000
_PIECE = 1 << 16
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of .docx files of at most `max_bytes` bytes; needs the extra `docx`."""
    return DocxLoader(max_bytes)


@dataclass(frozen=True)
class DocxLoader:
    """Reads one .docx file; metadata: `type` "markdown" (what the text is), `format` "docx", `title`.

    Deleted revisions, comments, page headers and footers are left out; inserted revisions, text
    boxes, footnotes and endnotes are in.
    """

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        etree = need("lxml.etree", "docx")
        with _package(path, self.max_bytes) as package:
            styles = _parse(etree, package, "word/styles.xml", Styles())
            numbering = _parse(etree, package, "word/numbering.xml", Numbering())
            notes = {
                kind: _parse(etree, package, f"word/{kind}s.xml", Notes()).texts
                for kind in ("footnote", "endnote")
            }
            if "word/document.xml" not in package.namelist():
                raise DocumentError("is a ZIP archive but no Word document: check what it really is")
            body = _parse(etree, package, "word/document.xml", Body(styles, numbering, notes))
            core = _parse(etree, package, "docProps/core.xml", Core())
        found = finish(join(body.blocks))
        metadata = {"type": "markdown", "format": "docx"}
        if title := title_of(core.title) or title_of(body.title):
            metadata["title"] = title
        return Loaded(found.text, metadata=metadata, warnings=(*found.warnings, *empty_warning(found.text)))


@contextmanager
def _package(path: Path, max_bytes: int) -> Iterator[ZipFile]:
    """The opened archive; whatever is the matter with it comes out as a DocumentError."""
    import zlib
    from zipfile import BadZipFile

    try:
        with path.open("rb") as file:
            _check(file, path.stat().st_size, max_bytes)
            with ZipFile(file) as package:
                yield package
    except (BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise DocumentError("is a damaged .docx file: restore it or save it anew") from error
    except (RuntimeError, NotImplementedError) as error:
        raise DocumentError("is packed in a way that cannot be read (encrypted?): save it anew") from error
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from None


def _check(file: BinaryIO, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        limit = f"{max_bytes:,} bytes"
        raise DocumentError(f"is larger than the limit of {limit}: split it or raise ingest.max_bytes")
    head = file.read(4)
    file.seek(0)
    if head == _OLD_OFFICE:
        raise DocumentError("is password-protected or an old .doc file: save it as .docx without a password")
    if head[:2] != b"PK":
        raise DocumentError("is not a .docx file: check what it really is")


def _parse(etree: Any, package: ZipFile, part: str, target: Any) -> Any:
    """Feed one part to a target, event by event; the target as it is where there is no such part."""
    if part not in package.namelist():
        return target
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, huge_tree=False)
    room, tags = _MAX_PART, 0
    try:
        with package.open(part) as stream:
            while piece := stream.read(_PIECE):
                if (room := room - len(piece)) < 0:
                    raise DocumentError(f"unpacks to more than {_MAX_PART:,} bytes: it is refused as a bomb")
                check_tags(tags := tags + piece.count(b"<"))
                parser.feed(piece)
        parser.close()
    except etree.LxmlError as error:
        reason = (str(error).splitlines() or ["bad XML"])[0]
        raise DocumentError(f"{part} inside it cannot be parsed ({reason}): save it anew") from None
    return target
