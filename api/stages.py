"""The steps of answering as events, in the order in which they become known; runs on a worker.

The one place that knows how the engine answers. Its `ask` returns when the answer is finished, so the
tokens are the finished statements. An engine that gives passages and tokens as they come replaces the
body of `steps`; nothing else has to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event as Flag

from api.events import Event, retrieval, told
from api.schemas import Question
from rag.engine import Engine
from rag.types import Answer


def answer(engine: Engine, asked: Question, cancelled: Flag) -> Answer:
    """The answer to a question; the engine gives up once `cancelled` is set. Raises RagError."""
    return engine.ask(
        asked.question,
        asked.count,
        asked.mode,
        asked.among.filter,
        history=asked.turns,
        cancelled=cancelled,
    )


def steps(engine: Engine, asked: Question, cancelled: Flag) -> Iterator[Event | Answer]:
    """The events of answering, and last of all the answer."""
    found = answer(engine, asked, cancelled)
    yield retrieval(found)
    yield from told(found)
    yield found
