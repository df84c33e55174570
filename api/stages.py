"""The steps of answering as they become known; runs on a worker, which hands each of them to `tell`.

The one place that knows how the engine answers. Two clients follow an answer while it is made: ours, who
may be shown a draft and then the text that replaces it, and OpenAI's, whose text can only grow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event as Flag
from typing import TypeAlias

from api.ahead import Ahead
from api.events import Event, citations, retrieval, token
from api.schemas.questions import Question
from rag.answer import Found, OnFound
from rag.engine import Engine
from rag.protocols.models import OnText
from rag.types import Answer, Hit
from rag.verify import Policy

Step: TypeAlias = Event | Answer
Tell: TypeAlias = Callable[[Step], None]


def answer(
    engine: Engine,
    asked: Question,
    cancelled: Flag,
    *,
    on_found: OnFound | None = None,
    on_text: OnText | None = None,
) -> Answer:
    """The answer to a question; the engine gives up once `cancelled` is set. Raises RagError."""
    return engine.ask(
        asked.question,
        asked.count,
        asked.mode,
        asked.among.filter,
        history=asked.turns,
        on_found=on_found,
        on_text=on_text,
        cancelled=cancelled,
    )


def drafted(engine: Engine, asked: Question, cancelled: Flag, tell: Tell) -> None:
    """`retrieval`, then the draft as `token` events while it is written, unchecked, then each `citation`,
    and last of all the answer, whose text replaces the draft. Raises RagError.
    """

    def found(hits: Found, _: Sequence[Hit]) -> None:
        tell(retrieval(hits))

    finished = answer(engine, asked, cancelled, on_found=found, on_text=lambda piece: tell(token(piece)))
    for each in citations(finished):
        tell(each)
    tell(finished)


def checked(engine: Engine, asked: Question, policy: Policy, cancelled: Flag, tell: Tell) -> None:
    """The checked text as `token` events, as far as it is certain while the model writes (`api.ahead`), and
    last of all the answer, whose text begins with theirs. Raises RagError.
    """
    followed: list[Ahead] = []

    def found(_: Found, read: Sequence[Hit]) -> None:
        followed.append(Ahead(read, policy))

    def wrote(piece: str) -> None:
        if certain := followed[0].add(piece):
            tell(token(certain))

    tell(answer(engine, asked, cancelled, on_found=found, on_text=wrote))


def joined(before: Step, after: Step) -> Step | None:
    """Two steps that wait for a slow reader as one, None where each has to be told."""
    if isinstance(before, Event) and isinstance(after, Event) and before.name == after.name == "token":
        return token(before.data["text"] + after.data["text"])
    return None
