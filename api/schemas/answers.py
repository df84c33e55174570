"""The replies to /ask and /search as /openapi.json describes them; `rag.wire` writes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Leg(BaseModel):
    """Where one leg ranked a passage (1 = best); scores compare within one leg only."""

    rank: int
    score: float


class Place(BaseModel):
    """Characters `start` to `end` of a document, which say what a passage says."""

    document: str
    start: int
    end: int
    page: int | None
    heading: str


class Passage(BaseModel):
    """A retrieved passage: characters `start` to `end` of its document; a leg that missed it is null.

    `also` are the other places where it stands, exactly or nearly. After a reranker `reranked` is its
    score, and `fused` says what the passage was before it.
    """

    document: str
    start: int
    end: int
    page: int | None
    heading: str
    text: str
    score: float
    sparse: Leg | None
    dense: Leg | None
    also: list[Place]
    reranked: float | None
    fused: Leg | None


class Variants(BaseModel):
    """What a language model made of the question for the search alone: other wordings, possible answers."""

    questions: list[str]
    passages: list[str]


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
    """The reply to /ask. `timings` are in milliseconds; `reason` says why it abstained.

    `standing_question` is what a follow-up was understood to ask. `notes` say what was searched for in
    place of or beside what was asked, and what the search could not do as it was set.
    """

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
    standing_question: str | None
    variants: Variants
    notes: list[str]


class Found(BaseModel):
    """The reply to /search; `explanation`, see docs/retrieval.md, where it was asked for."""

    generation: str
    hits: list[Passage]
    variants: Variants
    notes: list[str]
    explanation: dict[str, Any] | None
