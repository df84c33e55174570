"""One model, many askers: they take turns in the order in which they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from rag.errors import Cancelled

_LOOK_S = 0.05  # how often one who waits looks whether it is still wanted


class Turns:
    """A lock that is handed on first come, first served, which `threading.Lock` does not promise."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._line: deque[Event] = deque()  # the first one has the turn

    @property
    def waiting(self) -> int:
        """How many stand in line behind the one whose turn it is."""
        with self._guard:
            return max(0, len(self._line) - 1)

    @contextmanager
    def turn(self, cancelled: Event | None = None) -> Iterator[None]:
        """Hold the turn. Raises Cancelled if `cancelled` is set before it has come."""
        mine = Event()
        with self._guard:
            self._line.append(mine)
            if self._line[0] is mine:
                mine.set()
        try:
            while not mine.wait(_LOOK_S if cancelled is not None else None):
                check(cancelled)
            check(cancelled)
            yield
        finally:
            with self._guard:
                self._line.remove(mine)
                if self._line:
                    self._line[0].set()


def check(cancelled: Event | None) -> None:
    """Raise Cancelled if it is set."""
    if cancelled is not None and cancelled.is_set():
        raise Cancelled("the question was given up before it was answered")
