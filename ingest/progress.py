"""How far an ingest has come: a bar on a terminal, a quiet line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

_EVERY_S = 10.0


class Progress:
    """Counts files and embedded chunks on standard error."""

    def __init__(self, files: int, *, quiet: bool = False) -> None:
        self._files = files
        self._done = 0
        self._began = self._spoke = time.monotonic()
        self._quiet = quiet
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from tqdm import tqdm

            self._bar = tqdm(total=files, unit="file", file=sys.stderr, dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def file(self, chunks: int) -> None:
        """One more file is through; `chunks` were embedded so far."""
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(self._rate(chunks), refresh=False)
            self._bar.update()
        elif not self._quiet and time.monotonic() - self._spoke >= _EVERY_S:
            self._spoke = time.monotonic()
            print(f"{self._done} of {self._files} files, {self._rate(chunks)}", file=sys.stderr)

    def say(self, what: str) -> None:
        """Name the stage that follows the files."""
        if self._bar is not None:
            self._bar.set_postfix_str(what)

    def _rate(self, chunks: int) -> str:
        seconds = time.monotonic() - self._began
        return f"{chunks} chunks, {chunks / seconds:.0f} chunks/s" if seconds > 0 else f"{chunks} chunks"
