"""How far an ingest has come: a bar on a terminal, a quiet line now and then elsewhere.

A thread of its own tells it, for one large file or one long stage would be silence otherwise.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import TracebackType
from typing import Any

from ingest.report import one_line

_EVERY_S = 10.0
_BAR_EVERY_S = 1.0
_SHOWN = 40  # characters of a name


class Progress:
    """Counts `files`, the names of those to be read, in order, and `chunks` embedded, on standard error."""

    def __init__(self, files: Sequence[str], chunks: Callable[[], int], *, quiet: bool = False) -> None:
        self._files = files
        self._chunks = chunks
        self._done = 0
        self._stage = ""
        self._began = time.monotonic()
        self._over = Event()
        self._teller = None if quiet else Thread(target=self._tell, name="progress", daemon=True)
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from tqdm import tqdm

            self._bar = tqdm(total=len(files), unit="file", file=sys.stderr, dynamic_ncols=True)

    def __enter__(self) -> Progress:
        if self._teller is not None:
            self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._teller is not None:
            self._teller.join()
        if self._bar is not None:
            self._bar.set_postfix_str(self._rate(), refresh=False)
            self._bar.close()

    def file(self) -> None:
        """One more file is through."""
        self._done += 1
        if self._bar is not None:
            self._bar.update()

    def say(self, what: str) -> None:
        """Name the stage that follows the files."""
        self._stage = what

    def _tell(self) -> None:
        while not self._over.wait(_EVERY_S if self._bar is None else _BAR_EVERY_S):
            told = ", ".join(part for part in (self._rate(), self._now()) if part)
            if self._bar is not None:
                self._bar.set_postfix_str(told)
            else:
                line = f"{self._done} of {len(self._files)} files, {told}"
                print(line, file=sys.stderr, flush=True)

    def _now(self) -> str:
        """The stage, or the file that everything waits for."""
        done = self._done  # which another thread counts up
        if self._stage or done >= len(self._files):
            return self._stage
        name = one_line(self._files[done])
        return f"at {name if len(name) <= _SHOWN else '…' + name[-_SHOWN:]}"

    def _rate(self) -> str:
        chunks, seconds = self._chunks(), time.monotonic() - self._began
        return f"{chunks} chunks, {chunks / seconds:.0f} chunks/s" if seconds > 0 else f"{chunks} chunks"
