"""The steps of a stream between the worker that tells them and the client that reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Event as Flag
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from api.asking import Stream
from api.errors import LateError
from api.events import Event, token
from api.queue import Lane
from api.stages import Step, joined
from rag.errors import GeneratorError

Tell = Callable[[Step], None]


def streamed(
    call: Callable[[Flag, Tell], None], *, deadline_s: float = 60.0, leaves: asyncio.Event | None = None
) -> Any:
    """A stream of `call`, in a lane of one worker, to a client that stays, or leaves at some time."""

    async def receive() -> dict[str, Any]:
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    lane = Lane("test", workers=1, places=1, share=1)
    return Stream[Step](Request({"type": "http"}, receive), lane, call, joined, deadline_s), lane


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_slow_reader_does_not_hold_the_worker_and_gets_everything() -> None:
    """Thousands of pieces are told before the second one is read; those that waited come as one."""

    def call(_: Flag, tell: Tell) -> None:
        tell(Event("retrieval", {}))
        for at in range(5000):
            tell(token(f"{at} "))
        tell(Event("citation", {}))

    async def main() -> None:
        stream, lane = streamed(call)
        assert (await stream.first()).name == "retrieval"
        while lane.running:
            await asyncio.sleep(0.01)
        rest = [step async for step in stream.rest()]
        assert [step.name for step in rest] in (["token", "citation"], ["token", "token", "citation"])
        text = "".join(step.data["text"] for step in rest[:-1])
        assert text.split() == [str(at) for at in range(5000)]

    run(main)


def stopped(seen: Flag, *pieces: str) -> Callable[[Flag, Tell], None]:
    """A call that tells some tokens and then waits to be stopped, which sets `seen`."""

    def call(cancelled: Flag, tell: Tell) -> None:
        for piece in pieces:
            tell(token(piece))
        if cancelled.wait(20):
            seen.set()

    return call


def test_past_the_deadline_the_call_is_told_and_the_reader_gets_what_came_before() -> None:
    seen = Flag()

    async def main() -> None:
        stream, _ = streamed(stopped(seen, "a"), deadline_s=0.2)
        assert (await stream.first()).data == {"text": "a"}
        assert await asyncio.to_thread(seen.wait, 20), "while nobody is reading"
        with pytest.raises(LateError):
            _ = [step async for step in stream.rest()]

    run(main)


def test_a_client_that_leaves_between_two_steps_stops_the_call() -> None:
    seen = Flag()

    async def main() -> None:
        leaves = asyncio.Event()
        stream, _ = streamed(stopped(seen, "a"), leaves=leaves)
        assert (await stream.first()).data == {"text": "a"}
        leaves.set()
        assert await asyncio.to_thread(seen.wait, 20), "while nobody is reading"
        assert [step async for step in stream.rest()] == []

    run(main)


def test_a_client_that_leaves_before_the_first_step_stops_the_call() -> None:
    seen = Flag()

    async def main() -> None:
        leaves = asyncio.Event()
        stream, lane = streamed(stopped(seen), leaves=leaves)
        first = asyncio.ensure_future(stream.first())
        while not lane.running:
            await asyncio.sleep(0.01)
        leaves.set()
        with pytest.raises(ClientDisconnect):
            await first
        assert await asyncio.to_thread(seen.wait, 20)

    run(main)


def test_the_calls_own_failure_comes_after_its_steps() -> None:
    def call(_: Flag, tell: Tell) -> None:
        tell(token("a"))
        raise GeneratorError("the model is gone")

    async def main() -> None:
        stream, _ = streamed(call)
        assert (await stream.first()).data == {"text": "a"}
        with pytest.raises(GeneratorError):
            _ = [step async for step in stream.rest()]

    run(main)


def test_a_first_step_that_takes_its_time_is_not_waited_for_longer_than_asked() -> None:
    seen = Flag()

    async def main() -> None:
        stream, _ = streamed(stopped(seen))
        assert await stream.first(0.05) is None
        stream.close()
        assert await asyncio.to_thread(seen.wait, 20)

    run(main)
