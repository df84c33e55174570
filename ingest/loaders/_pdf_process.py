"""The parent's side of the PDF parser: one child process kept over many files, bounded in time and memory."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.loaders import _pdf_child as wire
from rag.errors import DocumentError


@dataclass(frozen=True)
class Limits:
    """What one file may take: wall seconds, megabytes of address space, pages."""

    seconds: float
    memory_mb: int
    max_pages: int


class PdfProcess:
    """Asks a child process to parse files; starts it when needed and again after it died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stop: weakref.finalize[..., Any] | None = None

    def parse(self, path: Path, password: str) -> dict[str, Any]:
        """{"pages": texts as the parser gave them, "broken": page numbers, "title"}.

        Raises DocumentError with the reason; the next file finds the parser ready again.
        """
        request = {
            "path": str(path),
            "password": password,
            "max_pages": self._limits.max_pages,
            "seconds": self._limits.seconds,
        }
        with self._lock:
            answer = self._ask(request)
        if reason := answer.get("error"):
            raise DocumentError(self._needs_memory() if reason == "memory" else reason)
        return answer

    def close(self) -> None:
        """End the child. Also done when this object is collected and when the interpreter ends."""
        if self._stop is not None:
            self._stop()
        self._child = self._stop = None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        child = self._child
        if child is None or child.poll() is not None:
            child = self._start()
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            child.kill()

        timer = threading.Timer(self._limits.seconds, kill)
        timer.start()
        try:
            answer = _exchange(child, request)
        except BaseException:
            # Interrupted: its answer would otherwise be taken for the next file's.
            self.close()
            raise
        finally:
            timer.cancel()
            timer.join()
        if answer is None:
            status = child.wait()
            self.close()
            raise DocumentError(self._death(status, killed.is_set()))
        if killed.is_set():
            self.close()
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: this folder's own modules (text, markdown, pdf) must not stand in for anyone else's.
        command = [sys.executable, "-P", wire.__file__, str(self._limits.memory_mb)]
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.close()
        self._child, self._stop = child, weakref.finalize(self, _end, child)
        return child

    def _death(self, status: int, late: bool) -> str:
        if late:
            return (
                f"took the PDF parser more than {self._limits.seconds:g} seconds:"
                " save the file anew or raise pdf.seconds"
            )
        try:
            how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        except ValueError:
            how = f"signal {-status}"
        return (
            f"crashed the PDF parser ({how}): it is damaged, or needs more than"
            f" {self._limits.memory_mb} MB; save the file anew or raise pdf.memory_mb"
        )

    def _needs_memory(self) -> str:
        return (
            f"needs more than {self._limits.memory_mb} MB to parse: save the file anew or raise pdf.memory_mb"
        )


def _exchange(child: subprocess.Popen[bytes], request: dict[str, Any]) -> dict[str, Any] | None:
    if child.stdin is None or child.stdout is None:
        raise ValueError("the child was started without pipes")
    try:
        wire.send(child.stdin, request)
        return wire.receive(child.stdout)
    except OSError:
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            # What was still to be written to a dead child cannot be.
            with contextlib.suppress(OSError):
                pipe.close()
    child.wait()
