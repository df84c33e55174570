"""What goes over the wire: the request that is checked, and the shapes of replies for /openapi.json.

Replies are written by `rag.wire`, the same for the terminal and the service; the models here only
describe them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from rag.types import Mode


class Question(BaseModel):
    """A question, how many passages to return, and how to search; the settings decide what is left out."""

    model_config = ConfigDict(extra="forbid", strict=True)
    question: str
    k: int | None = Field(None, ge=1, le=100)
    mode: Mode | None = None


class Leg(BaseModel):
    """Where one leg ranked a passage (1 = best); scores compare within one leg only."""

    rank: int
    score: float


class Passage(BaseModel):
    """A retrieved passage: characters `start` to `end` of its document; a leg that missed it is null."""

    document: str
    start: int
    end: int
    page: int | None
    heading: str
    text: str
    score: float
    sparse: Leg | None
    dense: Leg | None


class Citation(BaseModel):
    """What [marker] in the answer points at; `quote` is an exact substring of the document."""

    marker: int
    document: str
    page: int | None
    heading: str
    start: int
    end: int
    quote: str


class Answer(BaseModel):
    """The reply to /ask. `timings` are in milliseconds; `reason` says why it abstained."""

    id: str
    question: str
    answer: str
    abstained: bool
    reason: str | None
    confidence: float | None
    citations: list[Citation]
    passages: list[Passage]
    generator: str
    timings: dict[str, float]
    usage: dict[str, int]
    generation: str


class Found(BaseModel):
    """The reply to /search."""

    generation: str
    hits: list[Passage]


class Ready(BaseModel):
    """The reply to /readyz when questions can be answered."""

    ready: bool
    generation: str


class NotReady(BaseModel):
    """The reply to /readyz, with status 503, when they cannot."""

    ready: bool
    reason: str


class Problem(BaseModel):
    """Every failure (RFC 9457, application/problem+json)."""

    type: str
    title: str
    status: int
    detail: str
