"""Which connections there are, which may come, and which have to go.

A sweep looks at every connection twice a second. Where there are too many, one that the sweep found
idle makes room for the newcomer.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from typing import Protocol

_SWEEP_S = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """`silence_s` for a client to send or read; `connections` in all and for each address."""

    silence_s: float
    connections: int
    per_address: int


class Connection(Protocol):
    """What the guard knows of a connection."""

    @property
    def expendable(self) -> bool:
        """Whether it has been idle for so long that it may be cut to make room for another."""
        ...

    def examine(self, now: float) -> None:
        """Note what the client is doing, and cut it if it has been at that for too long."""
        ...

    def cut(self) -> None:
        """Drop the connection at once, its place included."""
        ...

    def give_way(self) -> None:
        """Give the place up at once, telling the client so if it has not begun to ask."""
        ...


class Guard:
    """Knows every connection of the process, admits new ones and cuts those that stall."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._open: dict[str, dict[Connection, None]] = {}  # by address, oldest first
        self._count = 0
        self._idle: dict[str, deque[Connection]] = {}  # as of the last sweep, oldest first
        self._expected: Counter[str] = Counter()  # let in, but not yet connections of the server
        self._sweeping: asyncio.TimerHandle | None = None

    def expect(self, address: str) -> bool:
        """Whether one more connection may come, an idle one being cut if need be; a place is kept for it."""
        if self._sweeping is None:
            self._sweep()
        own = len(self._open.get(address, ())) + self._expected[address]
        if own >= self.bounds.per_address and not self._make_room(address):
            return False
        full = self._count + self._expected.total() >= self.bounds.connections
        if full and not self._make_room(None):
            return False
        self._expected[address] += 1
        return True

    def admit(self, connection: Connection, address: str) -> None:
        """Take an expected connection in."""
        self._expected[address] = max(0, self._expected[address] - 1)
        self._open.setdefault(address, {})[connection] = None
        self._count += 1

    def release(self, connection: Connection, address: str) -> None:
        """A connection is closed."""
        own = self._open.get(address)
        if own is not None and connection in own:
            del own[connection]
            self._count -= 1
            if not own:
                del self._open[address]

    def _make_room(self, address: str | None) -> bool:
        """Cut the oldest connection that the last sweep found idle, of this address or of any."""
        idle = [address] if address is not None else list(self._idle)
        for each in idle:
            own = self._idle.get(each)
            while own:
                connection = own.popleft()
                if connection.expendable:
                    connection.give_way()
                    return True
        return False

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_SWEEP_S, self._sweep)
        now = loop.time()
        self._idle.clear()
        for address, own in list(self._open.items()):
            for connection in list(own):
                connection.examine(now)
            self._idle[address] = deque(each for each in own if each.expendable)
        self._expected.clear()  # whoever is still expected never came, or comes at once
