"""The bounded line before the model: a fixed number of workers, and a fair order among clients.

Clients take turns (round robin), so that one with many questions does not make another with a single
one wait behind all of them. What finds no room is refused at once, with an estimate of when to return.
All of it happens on the event loop's thread; only the calls themselves run on the workers.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")

_LONGEST_RETRY = 60  # seconds
_MEMORY = 0.1  # share of the newest call in the running mean of how long calls take


class Full(Exception):
    """There is no room. `own` tells that it is the client's own share that is full."""

    def __init__(self, own: bool, retry_after: int) -> None:
        super().__init__("the client's share of the queue is full" if own else "the queue is full")
        self.own = own
        self.retry_after = retry_after


class Lane:
    """`workers` calls at once, `places` waiting; one client holds at most `share` of both together."""

    def __init__(self, name: str, *, workers: int, places: int, share: int) -> None:
        self._workers = workers
        self._places = places
        self._share = share
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._held: Counter[str] = Counter()
        self._mean = 0.0
        self.running = 0
        self.waiting = 0

    async def run(self, client: str, call: Callable[[], Result]) -> Result:
        """The result of `call`, run on a worker when it is this client's turn. Raises Full at once.

        Cancelled while it waits, it gives up its place; cancelled while the call runs, the place stays
        taken until the call returns, because the worker does.
        """
        self._check_room(client)
        loop = asyncio.get_running_loop()
        self._held[client] += 1
        try:
            if self.running < self._workers:
                self.running += 1
            else:
                await self._turn(client, loop)
        except BaseException:
            self._release(client)
            raise
        began = time.monotonic()
        work = self._pool.submit(copy_context().run, call)  # its spans belong to the request
        work.add_done_callback(lambda _: _on(loop, self._finish, client, began))
        return await _result(work)

    def close(self) -> None:
        """Take no more calls; what runs is left to end by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check_room(self, client: str) -> None:
        if self._held[client] >= self._share:
            raise Full(own=True, retry_after=self._retry_after())
        if self.running >= self._workers and self.waiting >= self._places:
            self._forget(client)
            raise Full(own=False, retry_after=self._retry_after())

    def _retry_after(self) -> int:
        return max(1, min(_LONGEST_RETRY, math.ceil(self._mean * (self.waiting + 1) / self._workers)))

    async def _turn(self, client: str, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until a worker is handed over; it is counted as running already."""
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its turn came in the same moment
                self._hand_over()
            else:
                self._leave_line(client, turn)
            raise

    def _leave_line(self, client: str, turn: asyncio.Future[None]) -> None:
        own = self._waiting.get(client)
        if own is not None and turn in own:
            own.remove(turn)
            self.waiting -= 1
            if not own:
                del self._waiting[client]

    def _finish(self, client: str, began: float) -> None:
        self._mean += _MEMORY * (time.monotonic() - began - self._mean)
        self._release(client)
        self._hand_over()

    def _hand_over(self) -> None:
        """Give the worker that became free to the client whose turn it is."""
        if not self._waiting:
            self.running -= 1
            return
        client, own = next(iter(self._waiting.items()))
        turn = own.popleft()
        self.waiting -= 1
        if own:
            self._waiting.move_to_end(client)
        else:
            del self._waiting[client]
        if turn.cancelled():  # it left in this very moment and is no longer in line
            self._hand_over()
        else:
            turn.set_result(None)

    def _release(self, client: str) -> None:
        self._held[client] -= 1
        self._forget(client)

    def _forget(self, client: str) -> None:
        if not self._held[client]:
            del self._held[client]


async def _result(work: Future[Result]) -> Result:
    wrapped = asyncio.wrap_future(work)
    # Nobody may be left to ask for it: an error of an abandoned call is not worth a warning.
    wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await wrapped


def _on(
    loop: asyncio.AbstractEventLoop, call: Callable[[str, float], None], client: str, began: float
) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(call, client, began)
