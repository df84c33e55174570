"""Pages of original files as pictures, a citation marked: drawn in a child process and kept a while."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from api import library, originals
from api.errors import RefusedError
from rag.config import Settings
from rag.sections import Pdf

_SECONDS = 20.0
_MOST_BYTES = 32 << 20  # of one picture, and of all that are kept
_MOST_QUOTED = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of a document, `width` pixels wide, with these (start, end) ranges of its text marked."""

    document_id: str
    number: int
    ranges: tuple[tuple[int, int], ...]
    width: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file; `rectangles` are (x0, y0, x1, y1) in shares of the page; `pages` those of the file."""

    png: bytes
    rectangles: tuple[tuple[float, ...], ...]
    pages: int


class Pictures:
    """Those drawn last, by what was wanted and the digest of its document; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: OrderedDict[tuple[str, Wanted], Picture] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def picture(self, wanted: Wanted) -> Picture:
        """The page. Raises RefusedError: 404 no such document or page, 410 the file has changed, 422 it
        cannot be drawn.
        """
        quotes = _quotes(self._settings, wanted)
        document = library.stored(self._settings, wanted.document_id)
        # Opened although the picture may be known: a file that has changed is no longer shown.
        stream, _ = originals.open_original(self._settings, wanted.document_id)
        with stream:
            key = (document.digest, wanted)
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
            passwords = _passwords(self._settings.pdf, Path(document.source))
            drawn = draw(self._settings.pdf, passwords, stream, wanted, quotes)
        self._keep(key, drawn)
        return drawn

    def _keep(self, key: tuple[str, Wanted], drawn: Picture) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = drawn
                self._held += len(drawn.png)
            while self._held > _MOST_BYTES:
                self._held -= len(self._kept.popitem(last=False)[1].png)


def _quotes(settings: Settings, wanted: Wanted) -> list[tuple[str, float]]:
    """What is to be marked on the page, each with the share of the page's text before it."""
    told = library.text_of(settings, wanted.document_id, 0, 0)
    if told["metadata"].get("type") != "pdf":
        raise _no_page("this document has no pages that could be drawn")
    page = next((each for each in told["pages"] if each["number"] == wanted.number), None)
    if page is None:
        raise _no_page(f"this document has {len(told['pages'])} pages")
    if not wanted.ranges or page["start"] == page["end"]:
        return []
    text = library.text_of(settings, wanted.document_id, page["start"], page["end"])["text"]
    quotes = []
    for start, end in wanted.ranges:
        first = max(start - page["start"], 0)
        stop = min(max(end - page["start"], 0), first + _MOST_QUOTED)
        if quote := text[first:stop]:
            quotes.append((quote, first / len(text)))
    return quotes


def _passwords(pdf: Pdf, path: Path) -> list[str]:
    """In the order in which the loader tries them."""
    own = [password for pattern, password in pdf.file_passwords.items() if path.match(pattern)]
    return [each for each in (*own, pdf.password, *pdf.passwords) if each]


def draw(
    pdf: Pdf,
    passwords: Sequence[str],
    stream: BinaryIO,
    wanted: Wanted,
    quotes: Sequence[tuple[str, float]],
) -> Picture:
    """The page of the file, with `quotes` (text, share of the page's text before it) marked.

    Raises RefusedError (422) where it cannot be drawn within the limits.
    """
    seconds = min(_SECONDS, pdf.seconds)
    request = {
        "file": stream.fileno(),
        "passwords": passwords,
        "number": wanted.number,
        "quotes": quotes,
        "width": wanted.width,
        "memory_mb": pdf.memory_mb,
        "seconds": seconds,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "api.pages.child"],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[stream.fileno()],
            timeout=seconds + 2,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _undrawable(f"it takes more than {seconds:g} seconds") from error
    return _read(done)


def _read(done: subprocess.CompletedProcess[bytes]) -> Picture:
    head, _, png = done.stdout.partition(b"\n")
    if done.returncode or not head or len(png) > _MOST_BYTES:
        raise _undrawable("the file is damaged or asks for too much")
    told: dict[str, Any] = json.loads(head)
    if reason := told.get("error"):
        raise _undrawable(reason)
    return Picture(png, tuple(tuple(each) for each in told["rectangles"]), told["pages"])


def _no_page(detail: str) -> RefusedError:
    return RefusedError(404, "no-page", detail)


def _undrawable(reason: str) -> RefusedError:
    return RefusedError(422, "undrawable", f"this page cannot be drawn: {reason}; its text is still here")
