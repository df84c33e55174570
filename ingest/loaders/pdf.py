"""PDF files: running text in reading order with the exact range of every page, parsed in child processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from ingest.loaders import _pdf_ocr
from ingest.loaders._pdf_process import Limits, PdfPool, PdfProcess, Program
from ingest.loaders._pdf_report import Findings
from rag.errors import DocumentError
from rag.protocols.documents import Loader
from rag.text import normalise
from rag.types import Heading, Loaded, Page

SUFFIXES: tuple[str, ...] = (".pdf",)
# Changes whenever the same file read with the same settings would give another text.
VERSION = 3
Box = tuple[float, float, float, float]
_BETWEEN_PAGES = "\n\n"
_TITLE_LIMIT = 200
_MOST_PROCESSES = 4
# Titles that name the program or the source file instead of the document.
_NO_TITLE = re.compile(
    r"(untitled|slide|document|powerpoint|microsoft word)\b.*|.*\.[a-z]{2,4}", re.IGNORECASE | re.DOTALL
)
_OCR = Program(_pdf_ocr.__file__, "OCR program", "pdf.ocr_seconds", "pdf.ocr_memory_mb")
_OCR_MISSING = '; `pip install -e ".[ocr]"` and ingest again to have them read by OCR'
_OCR_IN_VAIN = "; OCR found none either"
_OCR_OFF = '; set pdf.ocr = "auto" to have them read by OCR'


def build(
    memory_mb: int = 2048,
    seconds: float = 60.0,
    max_pages: int = 10_000,
    processes: int = 0,
    password: str = "",
    passwords: list[str] | None = None,
    file_passwords: dict[str, str] | None = None,
    running_heads: Literal["keep", "drop"] = "keep",
    ocr: Literal["auto", "off"] = "auto",
    ocr_seconds: float = 60.0,
    ocr_memory_mb: int = 4096,
) -> Loader:
    """A loader of PDF files that any number of threads may call.

    One file may take `memory_mb` megabytes of address space, `seconds` of wall time and `max_pages`
    pages. `processes` files are parsed at once (0: one a processor, four at most). A protected file
    is tried with the passwords of the patterns in `file_passwords` that match its path's end
    ("reports/*.pdf"), then with `password`, then with each of `passwords`. `running_heads` "drop"
    leaves out running heads, feet and page numbers. With `ocr` "auto", and the extra `ocr`
    installed, pages without text are read by OCR, each within `ocr_seconds` and `ocr_memory_mb`.
    """
    return PdfLoader(
        Limits(seconds, memory_mb, max_pages),
        processes=processes,
        passwords=[password, *(passwords or ())],
        file_passwords=file_passwords or {},
        drop_heads=running_heads == "drop",
        ocr_limits=Limits(ocr_seconds, ocr_memory_mb, max_pages) if ocr == "auto" else None,
    )


class PdfLoader:
    """Reads PDF files; metadata: `type`, where the file has a sane one `title`, and of OCR what it read.

    A page without text has an empty range (`start == end`).
    """

    def __init__(
        self,
        limits: Limits,
        *,
        processes: int = 0,
        passwords: Sequence[str] = (),
        file_passwords: Mapping[str, str] | None = None,
        drop_heads: bool = False,
        ocr_limits: Limits | None = None,
    ) -> None:
        self._pool = PdfPool(limits, processes or min(_MOST_PROCESSES, os.cpu_count() or 1))
        self._passwords = [each for each in passwords if each]
        self._file_passwords = dict(file_passwords or {})
        self._drop_heads = drop_heads
        self._remedy = _OCR_OFF
        self._ocr: PdfProcess | None = None
        if ocr_limits:
            self._ocr = PdfProcess(ocr_limits, _OCR) if _pdf_ocr.available() else None
            self._remedy = _OCR_IN_VAIN if self._ocr else _OCR_MISSING

    @property
    def fingerprint(self) -> str:
        """Names what decides which text a file gives: another fingerprint, another text."""
        ocr, heads = "yes" if self._ocr else "no", "drop" if self._drop_heads else "keep"
        return f"pdf/{VERSION} ocr={ocr} running_heads={heads}"

    def load(self, path: Path) -> Loaded:
        """Text, pages, outline and warnings of the file. Raises DocumentError with the reason."""
        answer = self._pool.ask("read", path, self._passwords_of(path), drop_heads=self._drop_heads)
        findings = Findings(broken=answer["broken"], garbled=answer["garbled"], remedy=self._remedy)
        texts = [normal(text) for text in answer["pages"]]
        if self._ocr is not None:
            for number in [at for at, text in enumerate(texts, start=1) if not text]:
                if number not in answer["broken"]:
                    texts[number - 1] = self._recognise(self._ocr, path, number, findings)
        text, pages = join(texts)
        metadata = {"type": "pdf", **findings.metadata()}
        if title := sane_title(answer["title"]):
            metadata["title"] = title
        headings = [
            Heading(min(pages[page - 1].start + offset, pages[page - 1].end), level, title)
            for page, offset, level, title in answer["headings"]
        ]
        return Loaded(text, pages, metadata, findings.warnings(pages), tuple(headings))

    def rectangles(self, path: Path, page: Page, start: int, end: int) -> list[Box]:
        """Where `document.text[start:end]` stands on `page`: (x0, y0, x1, y1), one for each line.

        In points from the top left corner of the page as it is shown. The file must be the one
        that was read; what of the range lies on other pages is left out. Raises DocumentError.
        """
        first, last = max(start, page.start) - page.start, min(end, page.end) - page.start
        if first >= last:
            return []
        passwords = self._passwords_of(path)
        place = {"page": page.number, "start": first, "end": last, "drop_heads": self._drop_heads}
        found = self._pool.ask("rectangles", path, passwords, **place)["rectangles"]
        if not found and self._ocr is not None:
            picture = self._pool.ask("picture", path, passwords, page=page.number)
            found = self._ocr.send({**picture, "start": first, "end": last})["rectangles"]
        return [(x0, y0, x1, y1) for x0, y0, x1, y1 in found]

    def close(self) -> None:
        """End the processes; they also end with this object and with the program."""
        self._pool.close()
        if self._ocr is not None:
            self._ocr.close()

    def _passwords_of(self, path: Path) -> list[str]:
        own = [password for pattern, password in self._file_passwords.items() if path.match(pattern)]
        return [*own, *self._passwords]

    def _recognise(self, ocr: PdfProcess, path: Path, number: int, findings: Findings) -> str:
        """The text OCR finds on a page, "" where there is none; what it did is noted in `findings`."""
        try:
            picture = self._pool.ask("picture", path, self._passwords_of(path), page=number)
            answer = ocr.send({**picture, "start": 0, "end": 0})
        except DocumentError as error:
            findings.failures[number] = str(error)
            return ""
        if text := normal(answer["text"]):
            findings.confidences[number] = answer["confidence"]
        return text


def rectangles(path: Path, page: Page, start: int, end: int, password: str = "") -> list[Box]:
    """`PdfLoader.rectangles` of a loader with the usual limits. Raises DocumentError."""
    loader = PdfLoader(Limits(60.0, 2048, 10_000), processes=1, passwords=[password])
    try:
        return loader.rectangles(path, page, start, end)
    finally:
        loader.close()


def normal(page: str) -> str:
    """A page's text as a document stores it: normalised, no blank ends."""
    if not page.isascii() or not page.replace("\n", "").isprintable():
        page = normalise(page)
    while page != (page := page.strip().strip("\ufeff")):
        pass
    return page


def join(texts: Iterable[str]) -> tuple[str, tuple[Page, ...]]:
    """The document's text from its pages', and the exact range of each."""
    pages: list[Page] = []
    position = 0
    texts = list(texts)
    for number, text in enumerate(texts, start=1):
        pages.append(Page(number, position, position + len(text)))
        position += len(text) + len(_BETWEEN_PAGES)
    return _BETWEEN_PAGES.join(texts), tuple(pages)


def sane_title(title: str) -> str:
    """The title in the file's properties, or "" where it is no title."""
    title = " ".join(normalise(title).split())
    if len(title) > _TITLE_LIMIT or not any(c.isalpha() for c in title) or _NO_TITLE.fullmatch(title):
        return ""
    return title
