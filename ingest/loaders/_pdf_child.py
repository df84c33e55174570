"""The process that parses PDF files, so that a hostile one takes down nothing but itself.

Run as a script by `ingest.loaders._pdf_process`, it answers requests from stdin on stdout, each a
4-byte big-endian length and that much JSON, and ends when stdin does.
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

# After the parent's own limit: only a process whose parent is gone meets this one.
_GRACE_SECONDS = 5.0


def main(memory_mb: int) -> None:
    """Serve requests until stdin ends.

    Each has "path", "passwords", "max_pages", "seconds" and what "task" needs: "read" (with
    "drop_heads"), "rectangles" (with "drop_heads", "page", "start", "end") or "picture" (with "page").
    """
    # The very code of the parent, wherever else this project may be installed.
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import pypdfium2  # noqa: F401 - loaded before the limit, which then counts the files alone

    from ingest.loaders import _pdf_read  # noqa: F401

    serve(_answer, memory_mb)


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], memory_mb: int) -> None:
    """Answer requests from stdin on stdout, each within its own "seconds", until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # A library that prints must not write into the answers.
    os.dup2(2, 1)
    # Ctrl-C is for the parent to act on; this process ends when the parent closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory(memory_mb)
    set_alarm = _alarm()
    while (request := receive(sys.stdin.buffer)) is not None:
        set_alarm(request["seconds"] + _GRACE_SECONDS)
        send(answers, answer(request))
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
    from ingest.loaders._pdf_read import Refused

    try:
        return _carry_out(request)
    except MemoryError:
        return {"error": "memory"}
    except RecursionError:
        return {"error": "is nested too deeply to be parsed: save the file anew"}
    except Refused as error:
        return {"error": str(error)}


def _carry_out(request: dict[str, Any]) -> dict[str, Any]:
    import pypdfium2

    from ingest.loaders import _pdf_read

    document = _open(request["path"], request["passwords"])
    try:
        count = len(document)
        if count > request["max_pages"]:
            raise _pdf_read.Refused(
                f"has {count:,} pages, more than the limit of {request['max_pages']:,}:"
                " split it or raise pdf.max_pages"
            )
        if request["task"] == "read":
            return _pdf_read.read(document, drop_heads=request["drop_heads"])
        if request["task"] == "picture":
            return _pdf_read.picture(document, request["page"])
        place = request["page"], request["start"], request["end"]
        return {"rectangles": _pdf_read.rectangles(document, *place, drop_heads=request["drop_heads"])}
    except pypdfium2.PdfiumError as error:
        raise _pdf_read.Refused(f"cannot be parsed: {error}") from None
    finally:
        document.close()


def _open(path: str, passwords: list[str]) -> Any:
    """The opened file. Most protected files open without a password; those given are tried in order."""
    import pypdfium2

    from ingest.loaders._pdf_read import Refused

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror or error}") from None
    for password in [None, *passwords]:
        try:
            return pypdfium2.PdfDocument(data, password=password)
        except pypdfium2.PdfiumError as error:
            reason = error
            if "password" not in str(error).lower():
                break
    raise Refused(_reason(data, reason, len(passwords))) from None


def _reason(data: bytes, error: Exception, passwords: int) -> str:
    """The parser's reason in plain words."""
    said = str(error).lower()
    if "password" in said:
        if passwords == 1:
            return "is password-protected and the password given does not open it: set pdf.password"
        if passwords:
            return (
                f"is password-protected and none of the {passwords} passwords given opens it: add its own"
                " to pdf.passwords"
            )
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
