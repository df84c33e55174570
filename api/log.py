"""Structured log lines on standard error: one JSON object each, with the request's id where there is one.

Questions, passages and file names are private: they are in no line unless `api.log_questions` is set.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue
from typing import Any

_OURS = "lectern"
_KEPT = 10_000  # lines that may wait to be written
_LAST_S = 2.0  # for writing what waits at the end
_FRAMES = 12  # innermost places of a failure that are named


class JsonLines(logging.Formatter):
    """A record as one line; of an exception its kind and place, and its message only if `open_`."""

    def __init__(self, *, open_: bool) -> None:
        super().__init__()
        self._open = open_

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage().strip(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line |= describe(record.exc_info[1], open_=self._open)
        return json.dumps(line, ensure_ascii=True, default=str)


def describe(error: BaseException, *, open_: bool) -> dict[str, Any]:
    """Kind and place of a failure; its message may quote a question and is left out unless `open_`."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    said = {"message": str(error)} if open_ else {}
    return {"error": type(error).__name__, **said, "where": where}


class _Lines(logging.Handler):
    """Hands lines to the thread that writes them; those that find no room are dropped."""

    def __init__(self, lines: Queue[str | None]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Full):
            self._lines.put_nowait(self.format(record))


def configure(mode: str, *, open_: bool) -> Callable[[], None]:
    """Send the service's and the server's records to standard error, or drop all but errors.

    A thread of its own writes them: a terminal or pipe that nobody reads must not stop the service.
    Returns what writes the last lines at the end.
    """
    lines: Queue[str | None] = Queue(_KEPT)
    writer = threading.Thread(target=_write, args=(lines,), name="log", daemon=True)
    writer.start()
    handler = _Lines(lines)
    handler.setFormatter(JsonLines(open_=open_))
    level = logging.INFO if mode == "json" else logging.ERROR
    for name in (_OURS, "uvicorn", "opentelemetry"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        # The server tells of every malformed request and every start: only failures are worth a line.
        logger.setLevel(level if name == _OURS else logging.ERROR)

    def finish() -> None:
        with suppress(Full):
            lines.put_nowait(None)
        writer.join(_LAST_S)

    return finish


def _write(lines: Queue[str | None]) -> None:
    with suppress(OSError, ValueError):  # standard error was closed
        while (line := lines.get()) is not None:
            print(line, file=sys.stderr, flush=True)
