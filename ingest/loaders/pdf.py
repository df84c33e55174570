"""PDF files: the text of every page with its exact range, parsed in a process of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from ingest.loaders._pdf_process import Limits, PdfProcess
from rag.protocols import Loader
from rag.text import normalise
from rag.types import Loaded, Page, Warned

SUFFIXES: tuple[str, ...] = (".pdf",)
_BETWEEN_PAGES = "\n\n"
_TITLE_LIMIT = 200
# Titles that name the program or the source file instead of the document.
_NO_TITLE = re.compile(
    r"(untitled|slide|document|powerpoint|microsoft word)\b.*|.*\.[a-z]{2,4}", re.IGNORECASE | re.DOTALL
)
# pdfium puts U+FFFE (formerly U+0002) for a hyphen at a line's end and drops the line break.
# A soft hyphen is one where the line ends and a plain one elsewhere. Bounded: a page may be one word.
_BROKEN_WORD = re.compile("(\\w{0,64})(?:[\ufffe\x02]\\s*|\u00ad[ \t]*\r?\n)(?=(\\w{0,64}))")
_MARKS = re.compile("[\ufffe\x02\u00ad]")


def build(
    memory_mb: int = 2048, seconds: float = 60.0, max_pages: int = 10_000, password: str = ""
) -> Loader:
    """A loader of PDF files.

    One file may take `memory_mb` megabytes of address space, `seconds` of wall time and `max_pages`
    pages; `password` is tried on every protected file.
    """
    return PdfLoader(Limits(seconds, memory_mb, max_pages), password)


class PdfLoader:
    """Reads one PDF file; metadata: `type` and, where the file has a sane one, `title`.

    A page without text has an empty range (`start == end`).
    """

    def __init__(self, limits: Limits, password: str = "") -> None:
        self._process = PdfProcess(limits)
        self._password = password

    def load(self, path: Path) -> Loaded:
        answer = self._process.parse(path, self._password)
        text, pages = join([clean(page) for page in answer["pages"]])
        metadata = {"type": "pdf"}
        if title := sane_title(answer["title"]):
            metadata["title"] = title
        return Loaded(text, pages, metadata, _warnings(pages, answer["broken"]))

    def close(self) -> None:
        """End the parser process; it also ends with this object and with the program."""
        self._process.close()


def clean(page: str) -> str:
    """A page's text as a document stores it: normalised, broken words joined, no blank ends."""
    if _MARKS.search(page):
        words = set(re.findall(r"\w+(?:-\w+)*", page.lower()))
        page = _MARKS.sub("-", _BROKEN_WORD.sub(lambda match: _mend(match, words), page))
    page = normalise(page)
    while page != (page := page.strip().strip("\ufeff")):
        pass
    return page


def _mend(match: re.Match[str], words: set[str]) -> str:
    """The part before the break, with its hyphen only where that seems the word's own.

    `words` are the page's others, in lower case: as they are written so is this one.
    """
    left, right = match[1], match[2]
    if not left or not right:
        return f"{left}-"
    if f"{left}{right}".lower() in words:
        return left
    if f"{left}-{right}".lower() in words or not (left[-1].isalpha() and right[0].islower()):
        return f"{left}-"
    return left


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


def _warnings(pages: Sequence[Page], broken: Sequence[int]) -> tuple[Warned, ...]:
    found = []
    if broken:
        found.append(Warned("broken_pages", f"{listed(broken)} could not be read"))
    if empty := [page.number for page in pages if page.start == page.end and page.number not in set(broken)]:
        verb = "has" if len(empty) == 1 else "have"
        found.append(Warned("empty_pages", f"{listed(empty)} {verb} no text (scanned images?)"))
    if not pages:
        found.append(Warned("empty", "the file has no pages"))
    return tuple(found)


def listed(numbers: Sequence[int]) -> str:
    """Page numbers for people: "pages 3, 5-7"."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ]
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"page{'s' if len(numbers) > 1 else ''} {text}"
