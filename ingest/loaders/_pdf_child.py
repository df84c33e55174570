"""The process that parses PDF files, so that a hostile one takes down nothing but itself.

Run as a script by `ingest.loaders._pdf_process`, it stands on the standard library and pypdfium2
alone. It answers requests from stdin on stdout, each a 4-byte big-endian length and that much JSON,
and ends when stdin does.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

MAX_CHARACTERS = 50_000_000
# After the parent's own limit: only a process whose parent is gone meets this one.
_GRACE_SECONDS = 5.0


class Refused(Exception):
    """A file that is not parsed to the end; `str` says why."""


def main(memory_mb: int) -> None:
    """Serve requests {"path", "password", "max_pages", "seconds"} until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # A library that prints must not write into the answers.
    os.dup2(2, 1)
    import pypdfium2  # noqa: F401 - loaded before the limit, which then counts the files alone

    # Ctrl-C is for the parent to act on; this process ends when the parent closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory(memory_mb)
    set_alarm = _alarm()
    while (request := receive(sys.stdin.buffer)) is not None:
        set_alarm(request["seconds"] + _GRACE_SECONDS)
        send(answers, _answer(request))
        set_alarm(0)


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    """Write one message and flush."""
    body = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any] | None:
    """Read one message; None where the stream ends before it is whole."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    body = stream.read(size)
    return dict(json.loads(body)) if len(body) == size else None


def _limit_memory(memory_mb: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the one on time still holds
        return
    size = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _alarm() -> Callable[[float], object]:
    if not hasattr(signal, "setitimer"):
        return lambda _seconds: None
    return lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return _parse(request)
    except MemoryError:
        return {"error": "memory"}
    except Refused as error:
        return {"error": str(error)}


def _parse(request: dict[str, Any]) -> dict[str, Any]:
    import pypdfium2

    try:
        data = Path(request["path"]).read_bytes()
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror or error}") from None
    try:
        document = pypdfium2.PdfDocument(data, password=request["password"] or None)
    except pypdfium2.PdfiumError as error:
        raise Refused(_reason(data, error, request["password"])) from None
    try:
        pages, broken = _pages(document, request["max_pages"])
        return {"pages": pages, "broken": broken, "title": document.get_metadata_dict().get("Title", "")}
    finally:
        document.close()


def _pages(document: Any, max_pages: int) -> tuple[list[str], list[int]]:
    import pypdfium2

    count = len(document)
    if count > max_pages:
        raise Refused(
            f"has {count:,} pages, more than the limit of {max_pages:,}: split it or raise pdf.max_pages"
        )
    texts: list[str] = []
    broken: list[int] = []
    room = MAX_CHARACTERS
    for index in range(count):
        try:
            texts.append(_page_text(document, index))
        except pypdfium2.PdfiumError:
            texts.append("")
            broken.append(index + 1)
        room -= len(texts[-1])
        if room < 0:
            raise Refused(f"has more than {MAX_CHARACTERS:,} characters of text: split it")
    return texts, broken


def _page_text(document: Any, index: int) -> str:
    page = document[index]
    try:
        return str(page.get_textpage().get_text_range())
    finally:
        # Closes its text page too; kept open, every page read would stay in memory.
        page.close()


def _reason(data: bytes, error: Exception, password: str) -> str:
    """The parser's reason in plain words."""
    said = str(error).lower()
    if "password" in said:
        if password:
            return "is password-protected and the password given does not open it: set pdf.password"
        return "is password-protected: set pdf.password or save an unprotected copy"
    if "security" in said:
        return "is protected by a scheme this parser does not know: save an unprotected copy"
    if not data:
        return "is an empty file: restore it from its source"
    if b"%PDF-" not in data[:1024]:
        return "is not a PDF file (it has no %PDF header): check what it really is"
    return "is a damaged PDF file that cannot be opened: restore it or save it anew"


if __name__ == "__main__":
    main(int(sys.argv[1]))
