"""What is asked: the requests to /ask and /search, checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rag.filters import as_called
from rag.question import MOST_PAGES
from rag.types import Filter, Mode

MOST_PASSAGES = 100
MOST_TURNS = 32
MOST_TURN = 20_000


def _one_count(schema: dict[str, Any]) -> None:
    """Say in the description, too, that k and top_k exclude each other."""
    number = {"type": "integer"}
    schema["not"] = {"required": ["k", "top_k"], "properties": {"k": number, "top_k": number}}


class Among(BaseModel):
    """Which passages may be found: in any of `paths` (documents, folders, or patterns with *), on the
    pages `first_page` to `last_page` of paged documents, with all of `metadata`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    paths: list[Annotated[str, Field(min_length=1, max_length=1024)]] = Field([], max_length=64)
    first_page: int | None = Field(None, ge=1, le=MOST_PAGES)
    last_page: int | None = Field(None, ge=1, le=MOST_PAGES)
    metadata: dict[str, str] = Field({}, max_length=16)

    @property
    def filter(self) -> Filter:
        """As the engine takes it."""
        pages = None
        if self.first_page is not None or self.last_page is not None:
            pages = (self.first_page or 1, self.last_page or MOST_PAGES)
        return Filter(tuple(map(as_called, self.paths)), pages, tuple(sorted(self.metadata.items())))


class Search(BaseModel):
    """A question, how many passages to return, how and among which to search; the settings decide what is
    left out.

    `top_k` is another name for `k`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_one_count)
    question: str = Field(min_length=1, json_schema_extra={"pattern": r"\S"})
    k: int | None = Field(None, ge=1, le=MOST_PASSAGES)
    top_k: int | None = Field(None, ge=1, le=MOST_PASSAGES)
    mode: Mode | None = None
    among: Among = Among()

    @model_validator(mode="after")
    def _one_k(self) -> Search:
        if self.k is not None and self.top_k is not None:
            raise ValueError("k and top_k are the same: send one of them")
        return self

    @property
    def count(self) -> int | None:
        """How many passages are wanted, None if the settings say."""
        return self.k if self.k is not None else self.top_k


class Explained(Search):
    """A search; with `explain` the reply says why each passage came, and what became of those expected:
    documents, folders or patterns, each with ":" and words of the passage, or without.
    """

    explain: bool = False
    expect: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field([], max_length=4)

    @model_validator(mode="after")
    def _expecting(self) -> Explained:
        if self.expect and not self.explain:
            raise ValueError("expect is for explain: send both")
        return self


class Turn(BaseModel):
    """An earlier question of the conversation and the answer it got."""

    model_config = ConfigDict(extra="forbid", strict=True)
    question: str = Field(min_length=1, max_length=MOST_TURN)
    answer: str = Field("", max_length=MOST_TURN)


class Question(Search):
    """A question to answer; with `stream` the reply comes as server-sent events.

    After `history`, oldest first, a follow-up is understood from what came before it.
    """

    stream: bool = False
    history: list[Turn] = Field([], max_length=MOST_TURNS)

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """The history as the engine takes it."""
        return tuple((turn.question, turn.answer) for turn in self.history)
