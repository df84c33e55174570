"""The listening socket: a connection there is no room for is answered 503 as soon as it is taken up.

It never becomes a connection of the server: a few system calls answer it, a fraction of what a request
costs, so that a crowd of thousands is told within a second while honest requests go on.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import deque
from contextlib import suppress
from typing import Any

from api.guard import Guard

_LINGER_S = 5.0  # what a refused client has to send the rest of its request and to read the refusal
_AT_ONCE = 256  # connections refused, or closed, before the event loop gets to other work
_SWEEP_S = 0.5
_SPARE_FILES = 256  # open files for all else: the index, the model, jobs
_AT_ONCE_OR_NOT = getattr(socket, "MSG_DONTWAIT", 0)
_DRAINED = 1 << 16  # bytes of a request nobody reads


def plain(status: int, phrase: str, detail: str, *headers: str) -> bytes:
    """A whole response for a connection whose request is not, or cannot be, read."""
    problem = {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


BUSY = plain(503, "Service Unavailable", "too many connections: come back in a second", "Retry-After: 1")


class Listener(socket.socket):
    """Takes up the connections the guard has room for and refuses the others."""

    def __init__(self, listening: socket.socket, guard: Guard, leaving: Leaving) -> None:
        """Takes over the descriptor of `listening`, which is of no use afterwards."""
        super().__init__(fileno=listening.detach())
        self._guard = guard
        self._leaving = leaving

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection there is room for. Raises BlockingIOError where none waits."""
        for _ in range(_AT_ONCE):
            connection, peer = super().accept()
            address = str(peer[0]) if isinstance(peer, tuple) else "local"
            if self._guard.expect(address):
                return connection, peer
            self._leaving.refuse(connection)
        raise BlockingIOError  # the loop asks again after its other work


class Leaving:
    """Refused connections, closed once their clients had time to read why; `most` are open files to spare.

    Closing at once would reset a connection while the rest of its request is on its way, and the
    client might never see the refusal.
    """

    def __init__(self, most: int) -> None:
        self._most = max(most - _SPARE_FILES, _AT_ONCE)
        self._lingering: deque[tuple[float, socket.socket]] = deque()  # oldest first
        self._closing: asyncio.TimerHandle | None = None

    def refuse(self, connection: socket.socket) -> None:
        """Answer 503; nothing that the client sends is looked at."""
        try:
            connection.send(BUSY, _AT_ONCE_OR_NOT)
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has gone already
            connection.close()
            return
        loop = asyncio.get_running_loop()
        self._lingering.append((loop.time() + _LINGER_S, connection))
        if len(self._lingering) > self._most:
            _close(self._lingering.popleft()[1])
        if self._closing is None:
            self._closing = loop.call_later(_SWEEP_S, self._close_late, loop)

    def _close_late(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(_AT_ONCE):
            if not self._lingering:
                self._closing = None
                return
            if self._lingering[0][0] > loop.time():
                self._closing = loop.call_later(_SWEEP_S, self._close_late, loop)
                return
            _close(self._lingering.popleft()[1])
        self._closing = loop.call_later(0, self._close_late, loop)


def _close(connection: socket.socket) -> None:
    """What has arrived is taken out first: closing over it would send a reset."""
    with suppress(OSError):
        connection.recv(_DRAINED, _AT_ONCE_OR_NOT)
    connection.close()


def allow_files(wanted: int) -> None:
    """Raise this process's limit of open files to the hard one, or to `wanted` where there is none.

    Every connection is an open file, and the usual limit of 1,024 is soon reached.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        aim = wanted if hard == resource.RLIM_INFINITY else hard
        if soft != resource.RLIM_INFINITY and soft < aim:
            resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))


def most_files() -> int:
    """Files this process may have open."""
    if os.name != "posix":
        return 2048
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 16
