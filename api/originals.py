"""The file a document was read from, handed out only while it is what was read.

It must lie in a folder that was ingested, reached without a symbolic link, and `python -m ingest
--dry-run` must find it unchanged: what shapes a document's digest is known to `ingest` alone. That is
remembered for as long as the file's times and size stay the same.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from api import library
from api.child import command, environment
from api.errors import RefusedError
from rag.config import Settings
from rag.protocols.stores import StoredDocument

_BLOCK = 1 << 16
_CHECK_S = 60.0
_REMEMBERED = 1000
_PLAIN = (".md", ".markdown", ".txt", ".text", ".log", ".rst", ".adoc", ".org", ".tex", ".srt", ".vtt")

# The digest that a file in this state was found to have.
_verified: dict[tuple[object, ...], str] = {}


def open_original(settings: Settings, document_id: str) -> tuple[BinaryIO, int]:
    """The file, to be closed by the caller, and its size in bytes. Raises RefusedError (404, 410)."""
    document = library.stored(settings, document_id)
    file = Path(document.source)
    if not document.source or not any(_within(file, root) for root in library.roots(settings)):
        raise _changed()
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise _changed() from error
    stream = os.fdopen(descriptor, "rb")
    try:
        status = os.fstat(descriptor)
        _verify(settings, document, file, status)
    except BaseException:
        stream.close()
        raise
    return stream, status.st_size


def media_type(document_id: str) -> str:
    """What browsers are told it is: nothing that they would run."""
    suffix = Path(document_id).suffix.lower()
    if suffix == ".pdf":
        return "application/pdf"
    return "text/plain; charset=utf-8" if suffix in _PLAIN else "application/octet-stream"


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The file piece by piece, closed at the end."""
    with stream:
        while block := stream.read(_BLOCK):
            yield block


def _within(file: Path, root: Path) -> bool:
    """Whether `file` lies in `root`, no matter which links its name goes through; a root may be a file."""
    try:
        return file.is_relative_to(root) and file.resolve().is_relative_to(root.resolve())
    except OSError:
        return False


def _verify(settings: Settings, document: StoredDocument, file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _changed()
    state = (str(file), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if _verified.get(state) == document.digest:
        return
    arguments = ["ingest", str(file), "--dry-run", "--json", "--quiet"]
    with command(arguments) as line:
        done = subprocess.run(  # noqa: S603 - our own program; a path is an argument, not a shell's word
            line,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_CHECK_S,
            check=False,
        )
    try:
        report = json.loads(done.stdout)
        unchanged = report["unchanged"] == 1 and not report["written"] and not report["moved"]
    except (ValueError, KeyError) as error:
        raise _changed() from error
    if not unchanged or file.stat().st_ino != status.st_ino:
        raise _changed()
    if len(_verified) >= _REMEMBERED:
        _verified.clear()
    _verified[state] = document.digest


def _changed() -> RefusedError:
    detail = "the original file is gone or not what was ingested: its text is still here, without original"
    return RefusedError(410, "no-original", detail)
