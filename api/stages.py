"""The steps of answering as events, in the order in which they become known; runs on a worker.

The one place that knows how the engine answers. Its `ask` returns when the answer is finished, so the
tokens are the finished statements. An engine that gives passages and tokens as they come replaces the
body of `steps`; nothing else has to know.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from threading import Event as Flag
from typing import Any

from api.events import Event, retrieval, told
from api.schemas import Search
from rag.engine import Engine
from rag.types import Answer


def answer(engine: Engine, asked: Search, cancelled: Flag) -> Answer:
    """The answer to a question; an engine that can be cancelled gives up once `cancelled` is set."""
    more: dict[str, Any] = {"cancelled": cancelled} if _can_cancel(engine) else {}
    return engine.ask(asked.question, asked.count, asked.mode, asked.among.filter, **more)


def steps(engine: Engine, asked: Search, cancelled: Flag) -> Iterator[Event | Answer]:
    """The events of answering, and last of all the answer."""
    found = answer(engine, asked, cancelled)
    yield retrieval(found)
    yield from told(found)
    yield found


def _can_cancel(engine: Engine) -> bool:
    return "cancelled" in inspect.signature(engine.ask).parameters
