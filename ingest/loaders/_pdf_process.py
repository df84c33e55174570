"""The parent's side of the PDF parser: child processes kept over many files, bounded in time and memory."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Program:
    """A script that serves requests, and how its failures are told."""

    script: str
    name: str
    seconds_setting: str
    memory_setting: str


PARSER = Program(wire.__file__, "PDF parser", "pdf.seconds", "pdf.memory_mb")


class PdfProcess:
    """Asks a child process about files; starts it when needed and again after it died.

    Every call may come from any thread; those of one object wait for each other.
    """

    def __init__(self, limits: Limits, program: Program = PARSER) -> None:
        self._limits = limits
        self._program = program
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stop: weakref.finalize[..., Any] | None = None

    def parse(self, path: Path, passwords: Sequence[str] = ()) -> dict[str, Any]:
        """What `_pdf_read.read` gives. Raises DocumentError; the next file finds the parser ready."""
        return self.ask("read", path, passwords, drop_heads=False)

    def ask(self, task: str, path: Path, passwords: Sequence[str], **more: Any) -> dict[str, Any]:
        """The answer to one of the tasks that `_pdf_child` knows. Raises DocumentError with the reason."""
        return self.send(
            {
                "task": task,
                "path": str(path),
                "passwords": [each for each in passwords if each],
                "max_pages": self._limits.max_pages,
                **more,
            }
        )

    def send(self, request: dict[str, Any]) -> dict[str, Any]:
        """The program's answer to a request. Raises DocumentError with the reason."""
        with self._lock:
            answer = self._ask({**request, "seconds": self._limits.seconds})
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
        command = [sys.executable, "-P", self._program.script, str(self._limits.memory_mb)]
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.close()
        self._child, self._stop = child, weakref.finalize(self, _end, child)
        return child

    def _death(self, status: int, late: bool) -> str:
        program = self._program
        if late:
            return (
                f"took the {program.name} more than {self._limits.seconds:g} seconds:"
                f" save the file anew or raise {program.seconds_setting}"
            )
        try:
            how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        except ValueError:
            how = f"signal {-status}"
        return (
            f"crashed the {program.name} ({how}): it is damaged, or needs more than"
            f" {self._limits.memory_mb} MB; save the file anew or raise {program.memory_setting}"
        )

    def _needs_memory(self) -> str:
        return (
            f"needs more than {self._limits.memory_mb} MB in the {self._program.name}:"
            f" save the file anew or raise {self._program.memory_setting}"
        )


class PdfPool:
    """Several processes side by side, each with its own limits; started when they are needed."""

    def __init__(self, limits: Limits, processes: int) -> None:
        self._all = [PdfProcess(limits) for _ in range(processes)]
        # Last in, first out: a folder of few files starts no more processes than it needs.
        self._idle: queue.LifoQueue[PdfProcess] = queue.LifoQueue()
        for process in reversed(self._all):
            self._idle.put(process)

    def ask(self, task: str, path: Path, passwords: Sequence[str], **more: Any) -> dict[str, Any]:
        """`PdfProcess.ask` of whichever process is free, waiting for one where all are busy."""
        process = self._idle.get()
        try:
            return process.ask(task, path, passwords, **more)
        finally:
            self._idle.put(process)

    def close(self) -> None:
        """End the processes; each also ends with this object and with the program."""
        for process in self._all:
            process.close()


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
