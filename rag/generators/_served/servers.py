"""Several servers of the same model: each question goes to the least busy one that answers.

A server with which no connection comes about, or that says it is not ready, is left out for a while and
then looked at before it is asked again. A question moves on to the next server only if it has heard
nothing yet; one that broke off in the middle is told, since its beginning was shown already.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from rag.generators._served.chat import Chat
from rag.generators._served.failures import NoServer
from rag.protocols.models import OnText

_LEFT_OUT_S = 5.0
_LOOK_S = 2.0  # for which a server that was out is given to answer


@dataclass(slots=True, eq=False)
class _Server:
    chat: Chat
    asking: int = 0
    turns: int = 0
    out_until: float = 0.0


class Servers:
    """The servers that the settings name. Safe to share between threads."""

    def __init__(self, chats: Sequence[Chat]) -> None:
        self._servers = [_Server(chat) for chat in chats]
        self._lock = Lock()

    @property
    def first(self) -> Chat:
        """The one named first, for what all of them have in common."""
        return self._servers[0].chat

    @property
    def addresses(self) -> str:
        """All of them, for people."""
        return ", ".join(server.chat.address for server in self._servers)

    def attempts(self) -> Iterator[_Attempt]:
        """Servers to try one after the other, the least busy first, until one is heard.

        Use each as a context manager; the last one's failure is raised.
        """
        tried: list[_Server] = []
        while True:
            server = self._choose(tried)
            tried.append(server)
            last = len(tried) == len(self._servers)
            if not self._is_there(server, last):
                continue
            attempt = _Attempt(self, server, last)
            yield attempt
            if not attempt.failed:
                return

    def _choose(self, tried: Sequence[_Server]) -> _Server:
        """The least busy of those not tried; those that are out come last."""
        with self._lock:
            left = [server for server in self._servers if server not in tried]
            now = time.monotonic()
            return min(left, key=lambda each: (now < each.out_until, each.asking, each.turns))

    def _is_there(self, server: _Server, last: bool) -> bool:
        """Whether a server that was out answers again. Raises NoServer if it does not and is the last."""
        if not server.out_until or len(self._servers) == 1:
            return True
        try:
            server.chat.look(_LOOK_S)
        except NoServer:
            server.out_until = time.monotonic() + _LEFT_OUT_S
            if last:
                raise
            return False
        return True

    def begin(self, server: _Server) -> None:
        """Note that a question goes there."""
        with self._lock:
            server.asking += 1
            server.turns += 1

    def end(self, server: _Server, *, out: bool) -> None:
        """Note that a question came back from there; `out`: nobody answered."""
        with self._lock:
            server.asking -= 1
            server.out_until = time.monotonic() + _LEFT_OUT_S if out else 0.0


class _Attempt:
    """One server being asked."""

    def __init__(self, servers: Servers, server: _Server, last: bool) -> None:
        self.failed = False
        self.heard = False
        self._servers, self._server, self._last = servers, server, last

    def told(self, on_text: OnText | None) -> OnText | None:
        """`on_text`, noting that something was heard."""
        if on_text is None:
            return None

        def heard(text: str) -> None:
            self.heard = True
            on_text(text)

        return heard

    @contextmanager
    def chat(self) -> Iterator[Chat]:
        """The server's chat. A server that is not there is noted, and raised only where it is the last."""
        out = False
        self._servers.begin(self._server)
        try:
            yield self._server.chat
        except NoServer:
            out = True
            if self._last or self.heard:
                raise
            self.failed = True
        finally:
            self._servers.end(self._server, out=out)
