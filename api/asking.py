"""Runs a request's work in a lane, and gives it up when the client leaves or the deadline passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Event as Flag
from typing import Generic, TypeVar

from starlette.requests import ClientDisconnect, Request

from api.errors import LateError
from api.queue import Lane

Result = TypeVar("Result")
Step = TypeVar("Step")

HEARTBEAT_S = 10.0  # a stream that is silent for so long says that it lives


async def perform(request: Request, lane: Lane, call: Callable[[Flag], Result], deadline_s: float) -> Result:
    """The result of `call`, which gets a flag that is set once nobody waits for it any more.

    Raises Full, LateError, ClientDisconnect, and whatever `call` raises.
    """
    cancelled, begun = Flag(), Flag()
    work = asyncio.ensure_future(lane.run(_client(request), partial(_begin, begun, call, cancelled)))
    gone = asyncio.ensure_future(_gone(request))
    try:
        done, _ = await asyncio.wait({work, gone}, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        if work in done:
            return work.result()
        raise ClientDisconnect if gone in done else LateError(begun.is_set(), deadline_s)
    finally:
        gone.cancel()
        if not work.done():
            cancelled.set()
            work.cancel()


class Stream(Generic[Step]):
    """The steps of a call that runs in a lane, each as soon as it is known.

    `first` waits for the first one, so that a failure before it is still a plain reply with its status;
    iterating gives the rest, None whenever nothing came for HEARTBEAT_S.
    """

    def __init__(
        self, request: Request, lane: Lane, call: Callable[[Flag], Iterator[Step]], deadline_s: float
    ) -> None:
        self._request = request
        self._lane = lane
        self._call = call
        self._deadline_s = deadline_s
        self._cancelled, self._begun = Flag(), Flag()
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + deadline_s
        self._steps: asyncio.Queue[Step | None] = asyncio.Queue()
        self._work: asyncio.Future[None] | None = None

    async def first(self) -> Step:
        """The first step. Raises what `perform` raises."""
        run = partial(_begin, self._begun, self._pump, self._cancelled)
        self._work = asyncio.ensure_future(self._lane.run(_client(self._request), run))
        self._work.add_done_callback(self._end)
        try:
            step = await self._earliest()
        except BaseException:
            self.close()
            raise
        if step is None:
            self._work.result()
            raise RuntimeError("a stream without a step")
        return step

    async def _earliest(self) -> Step | None:
        gone = asyncio.ensure_future(_gone(self._request))
        first = asyncio.ensure_future(self._steps.get())
        try:
            done, _ = await asyncio.wait(
                {first, gone}, timeout=self._deadline_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            gone.cancel()
            first.cancel()
        if first in done:
            return first.result()
        raise ClientDisconnect if gone in done else LateError(self._begun.is_set(), self._deadline_s)

    async def rest(self) -> AsyncIterator[Step | None]:
        """The other steps. Raises LateError and whatever the call raises."""
        try:
            while True:
                left = self._ends - self._loop.time()
                if left <= 0:
                    raise LateError(True, self._deadline_s)
                try:
                    step = await asyncio.wait_for(self._steps.get(), min(left, HEARTBEAT_S))
                except TimeoutError:
                    yield None
                    continue
                if step is None:
                    break
                yield step
            if self._work is not None:
                self._work.result()
        finally:
            self.close()

    def close(self) -> None:
        """Nobody waits any more."""
        self._cancelled.set()
        if self._work is not None and not self._work.done():
            self._work.cancel()

    def _pump(self, cancelled: Flag) -> None:
        for step in self._call(cancelled):
            if cancelled.is_set():
                return
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._steps.put_nowait, step)

    def _end(self, work: asyncio.Future[None]) -> None:
        if not work.cancelled():
            work.exception()
        self._steps.put_nowait(None)


def _begin(begun: Flag, call: Callable[[Flag], Result], cancelled: Flag) -> Result:
    begun.set()
    return call(cancelled)


async def _gone(request: Request) -> None:
    """Return once the client has left; its body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _client(request: Request) -> str:
    return str(getattr(request.state, "client", "local"))
