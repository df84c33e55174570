"""The line before the model: bounded, fair, and given up by whoever leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.queue import Full, Lane


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


async def held(lane: Lane, client: str = "holder") -> tuple[asyncio.Task[None], threading.Event]:
    """A call that keeps a worker until the event is set."""
    free = threading.Event()
    task = asyncio.create_task(lane.run(client, lambda: (free.wait(), None)[1]))
    await asyncio.sleep(0)
    return task, free


def test_clients_take_turns() -> None:
    """One client's many questions do not make another's single one wait behind them all."""

    async def main() -> None:
        lane = Lane("test", workers=1, places=10, share=10)
        task, free = await held(lane)
        order: list[str] = []
        waiting = [
            asyncio.create_task(lane.run(client, partial(order.append, f"{client}{n}")))
            for client, n in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1)]
        ]
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(task, *waiting)
        assert order == ["a1", "b1", "c1", "a2", "a3"]
        lane.close()

    run(main)


def test_a_full_queue_and_a_full_share_are_told_apart() -> None:
    async def main() -> None:
        lane = Lane("test", workers=1, places=2, share=2)
        task, free = await held(lane)
        waiting = [asyncio.create_task(lane.run("a", lambda: None)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Full) as own:
            await lane.run("a", lambda: None)
        with pytest.raises(Full) as whole:
            await lane.run("b", lambda: None)
        assert (own.value.own, whole.value.own) == (True, False)
        assert own.value.retry_after >= 1
        free.set()
        await asyncio.gather(task, *waiting)
        await lane.run("b", lambda: None)
        lane.close()

    run(main)


def test_whoever_leaves_the_line_frees_the_place() -> None:
    async def main() -> None:
        lane = Lane("test", workers=1, places=1, share=5)
        task, free = await held(lane)
        leaving = asyncio.create_task(lane.run("a", lambda: None))
        await asyncio.sleep(0)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        assert lane.waiting == 0
        staying = asyncio.create_task(lane.run("b", lambda: None))
        await asyncio.sleep(0)
        assert lane.waiting == 1
        free.set()
        await asyncio.gather(task, staying)
        lane.close()

    run(main)


def test_a_worker_stays_taken_while_an_abandoned_call_runs() -> None:
    async def main() -> None:
        lane = Lane("test", workers=1, places=1, share=5)
        task, free = await held(lane)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert lane.running == 1
        following = asyncio.create_task(lane.run("b", lambda: "done"))
        await asyncio.sleep(0)
        assert not following.done()
        free.set()
        assert await following == "done"
        lane.close()

    run(main)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_nothing_is_left_behind(calls: list[tuple[str, bool]]) -> None:
    """Whatever runs, fails, waits or leaves: afterwards no place and no worker is taken."""

    async def main() -> None:
        lane = Lane("test", workers=2, places=4, share=3)
        tasks = []
        for client, leaves in calls:
            task = asyncio.create_task(lane.run(client, lambda: 1 / 0))
            await asyncio.sleep(0)
            if leaves:
                task.cancel()
            tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)
        while lane.running or lane.waiting:
            await asyncio.sleep(0.001)
        assert not lane._held
        assert not lane._waiting
        lane.close()

    asyncio.run(asyncio.wait_for(main(), 20))
