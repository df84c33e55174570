"""Runs a request's work in a lane, and gives it up when the client leaves or the deadline passes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from threading import Event as Flag
from threading import Lock
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


class _Ended(Exception):
    """There are no more steps."""


class Stream(Generic[Step]):
    """The steps that a call in a lane tells, each as soon as it is known.

    The call never waits for the client: steps that wait are joined where they can be, so that what is kept
    is bounded by the answer itself, and a slow reader holds its connection (`api.guard`), not the model.
    When the client leaves or the deadline passes, whoever is being served at that moment, the call's flag
    is set.
    """

    def __init__(
        self,
        request: Request,
        lane: Lane,
        call: Callable[[Flag, Callable[[Step], None]], None],
        joined: Callable[[Step, Step], Step | None],
        deadline_s: float,
    ) -> None:
        self._request = request
        self._lane = lane
        self._call = call
        self._joined = joined
        self._deadline_s = deadline_s
        self._cancelled, self._begun = Flag(), Flag()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._waiting: deque[Step] = deque()
        self._lock = Lock()
        self._late = False
        self._watching: list[asyncio.Future[None]] = []
        self._ending: asyncio.TimerHandle | None = None

    async def first(self, patience_s: float | None = None) -> Step | None:
        """The first step, so that a failure before it is still a plain reply with its status; None where
        there is none yet after `patience_s`. Raises what `perform` raises.
        """
        run = partial(_begin, self._begun, lambda flag: self._call(flag, self._tell), self._cancelled)
        work = asyncio.ensure_future(self._lane.run(_client(self._request), run))
        gone = asyncio.ensure_future(_gone(self._request))
        self._watching = [work, gone]
        work.add_done_callback(self._end)
        gone.add_done_callback(self._leave)
        self._ending = self._loop.call_later(self._deadline_s, self._expire)
        try:
            return await self._next(patience_s)
        except _Ended as error:
            raise RuntimeError("a stream without a step") from error
        except BaseException:
            self.close()
            raise

    async def rest(self) -> AsyncIterator[Step | None]:
        """The other steps, None whenever nothing came for HEARTBEAT_S.

        It ends without a word where the client has left. Raises LateError and whatever the call raises.
        """
        try:
            while True:
                yield await self._next(HEARTBEAT_S)
        except (_Ended, ClientDisconnect):
            return
        finally:
            self.close()

    async def _next(self, patience_s: float | None) -> Step | None:
        """The next step, None after `patience_s`. Raises _Ended after the last one."""
        until = None if patience_s is None else self._loop.time() + patience_s
        while True:
            self._news.clear()
            if (step := self._known()) is not None:
                return step
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return None

    def _known(self) -> Step | None:
        work, gone = self._watching
        if gone.done():
            raise ClientDisconnect
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
        if self._late:
            raise LateError(self._begun.is_set(), self._deadline_s)
        if work.done():
            work.result()
            raise _Ended
        return None

    def close(self) -> None:
        """Nobody waits any more."""
        self._cancelled.set()
        if self._ending is not None:
            self._ending.cancel()
        for each in self._watching:
            each.cancel()

    def _tell(self, step: Step) -> None:
        """Called by the worker."""
        if self._cancelled.is_set():
            return
        with self._lock:
            both = self._joined(self._waiting[-1], step) if self._waiting else None
            if both is not None:
                self._waiting.pop()
            self._waiting.append(step if both is None else both)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._news.set)

    def _end(self, work: asyncio.Future[None]) -> None:
        if not work.cancelled():
            work.exception()
        if self._ending is not None:
            self._ending.cancel()
        self._news.set()

    def _leave(self, gone: asyncio.Future[None]) -> None:
        if not gone.cancelled():
            gone.exception()
            self._cancelled.set()
            self._news.set()

    def _expire(self) -> None:
        self._late = True
        self._cancelled.set()
        self._news.set()


def _begin(begun: Flag, call: Callable[[Flag], Result], cancelled: Flag) -> Result:
    begun.set()
    return call(cancelled)


async def _gone(request: Request) -> None:
    """Return once the client has left; its body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _client(request: Request) -> str:
    return str(getattr(request.state, "client", "local"))
