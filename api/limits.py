"""HTTP connections with limits that the server itself does not have: time, number, and header size.

The server waits for ever for a client that sends or reads nothing. Here those are cut that take too
long with what is theirs to do: sending headers or a body, reading a reply, closing. Waiting for an
answer is the service's time, not the client's. How many there may be is `api.listener`'s business.
"""

from __future__ import annotations

import array
import asyncio
from contextlib import suppress
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.access import HEADER_LIMIT
from api.guard import Guard
from api.listener import BUSY, plain

_SLOWEST = 4096  # bytes a second; a body that comes more slowly is cut
_LINGER_S = 2.0  # what a client that had to make room has to read so
_SETTLED = 2  # sweeps that must have found a connection idle before it may have to make room


def limited(shared: Guard) -> type[asyncio.Protocol]:
    """The protocol class for the server, all of whose connections `shared` watches."""

    class Limited(LimitedProtocol):
        guard = shared

    return Limited


_LATE = plain(408, "Request Timeout", "the request did not arrive in time: send it whole")
_BAD = plain(
    400,
    "Bad Request",
    "this is no valid HTTP request (characters outside ASCII in an address must be percent-encoded), "
    f"or its headers are larger than {HEADER_LIMIT} bytes",
)


class _Lingering:
    """A transport that, closed while the client still sends, gives it time to read the reply.

    Closing with data unread resets the connection, and the client may never see why.
    """

    def __init__(self, transport: asyncio.Transport, connection: LimitedProtocol) -> None:
        self._transport = transport
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close, or linger."""
        if not self._connection.linger(self._transport):
            self._transport.close()


class LimitedProtocol(H11Protocol):
    """One connection. `examine` is called by the sweep; everything else by the server."""

    guard: Guard

    def __init__(self, **server: Any) -> None:
        super().__init__(**server)
        self._address = "local"
        self._phase: tuple[str, object] = ("", None)
        self._since = 0.0
        self._sweeps = 0
        self._received = self._received_before = 0
        self._lingers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counted from now on."""
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self._address = str(peer[0])
        self.guard.admit(self, self._address)
        super().connection_made(cast(asyncio.Transport, _Lingering(transport, self)))

    def linger(self, transport: asyncio.Transport) -> bool:
        """Close for writing alone if the client is still sending; False if that is of no use."""
        sending = self.conn.their_state in (h11.SEND_BODY, h11.ERROR)
        if self._lingers or not sending or transport.is_closing():
            return False
        try:
            transport.write_eof()
            transport.resume_reading()
        except (OSError, RuntimeError):  # the client has gone already
            return False
        self._lingers = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection's place is free again."""
        self.guard.release(self, self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counted, so that a trickle is told from a stream."""
        self._received += len(data)
        if not self._lingers:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says the same in one shape
        """What is no HTTP is answered with a problem document and the connection closed."""
        self.transport.write(_BAD)
        self.transport.close()

    @property
    def expendable(self) -> bool:
        """Whether it has been idle for so long that it may be cut to make room for another."""
        idle = self._phase[0] in ("headers", "body", "reading", "closing") and self._sweeps >= _SETTLED
        return idle and not self._is_waiting_to_be_read()

    def _is_waiting_to_be_read(self) -> bool:
        """Whether the client has sent what a busy service did not read yet: then it is not the idle one."""
        unread = array.array("i", [0])
        with suppress(ImportError, OSError, AttributeError, ValueError):  # or it is closed
            import fcntl
            import termios

            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, unread)
        return unread[0] > 0 and self._phase[0] in ("headers", "body")

    def cut(self) -> None:
        """Drop the connection at once, its place included."""
        self.guard.release(self, self._address)
        self.transport.abort()

    def give_way(self) -> None:
        """Give the place up at once; a client that has sent nothing yet, being slow itself, is told 503."""
        if self._received or self.transport.is_closing():
            self.cut()
            return
        self.guard.release(self, self._address)
        self._lingers = True  # what it sends now is not read
        self.transport.write(BUSY)
        with suppress(OSError, RuntimeError):
            self.transport.write_eof()
        asyncio.get_running_loop().call_later(_LINGER_S, self.transport.abort)

    def examine(self, now: float) -> None:
        """Note what the client is doing, and cut it if it has been at that for too long."""
        phase = self._doing()
        if phase != self._phase:
            self._phase, self._since, self._sweeps = phase, now, 0
            self._received_before = self._received
            return
        self._sweeps += 1
        spent = now - self._since
        if phase[0] == "answering" or spent <= self.guard.bounds.silence_s:
            return
        if phase[0] == "body" and self._received - self._received_before > _SLOWEST * spent:
            self._since, self._received_before = now, self._received
        elif phase[0] in ("headers", "body") and self.conn.trailing_data[0] + self._unfinished():
            self.transport.write(_LATE)
            self.transport.close()
        else:
            self.cut()

    def _unfinished(self) -> bytes:
        """Something if a request has begun that was not answered."""
        begun = self.cycle is not None and not self.cycle.response_started
        return b"." if begun else b""

    def _doing(self) -> tuple[str, object]:
        """What the client is expected to do now, and for which of its requests."""
        cycle = cast(Any, self.cycle)
        if self._lingers or self.transport.is_closing():
            return "closing", None
        if self.flow.write_paused:
            return "reading", cycle
        if cycle is None or (cycle.response_complete and self.conn.their_state is not h11.SEND_BODY):
            return "headers", cycle
        if self.conn.their_state is h11.SEND_BODY:
            return ("late" if cycle.response_complete else "body"), cycle
        return "answering", cycle
