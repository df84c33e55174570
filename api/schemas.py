"""What goes over the wire: the request that is checked, and the shapes of replies for /openapi.json.

Replies are written by `rag.wire`, the same for the terminal and the service; the models here only
describe them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rag.types import Filter, Mode

MOST_PASSAGES = 100
MOST_PAGES = 1_000_000
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
        return Filter(tuple(self.paths), pages, tuple(sorted(self.metadata.items())))


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

    `standing_question` is what a follow-up was understood to ask. `notes` say what the search could not do
    as it was set.
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


class Alive(BaseModel):
    """The reply to /healthz."""

    alive: bool


class Ready(BaseModel):
    """The reply to /readyz when questions can be answered."""

    ready: bool
    generation: str


class NotReady(BaseModel):
    """The reply to /readyz, with status 503, when they cannot; `problem` ends the `type` of /ask's reply."""

    ready: bool
    reason: str
    problem: str | None


class Problem(BaseModel):
    """Every failure (RFC 9457, application/problem+json)."""

    type: str
    title: str
    status: int
    detail: str


class Warned(BaseModel):
    """Something to know of a document that was nevertheless read."""

    kind: str
    detail: str


class Listed(BaseModel):
    """A document in a list."""

    id: str
    digest: str
    chunks: int
    empty_pages: int
    warnings: list[Warned]


class Allowed(BaseModel):
    """What the settings let clients change; `upload` is the largest file in bytes, 0 where it is off."""

    upload: int
    delete: bool
    ingest: bool


class Documents(BaseModel):
    """A part of the documents, by id; `next` is the `after` of the next part, null in the last one."""

    generation: str
    total: int
    documents: list[Listed]
    next: str | None
    allowed: Allowed


class Page(BaseModel):
    """A page of a paged document: characters `start` to `end`."""

    number: int
    start: int
    end: int


class DocumentText(BaseModel):
    """Characters `start` to `end` of a document's text, which has `length` of them."""

    id: str
    digest: str
    metadata: dict[str, str]
    pages: list[Page]
    length: int
    start: int
    end: int
    text: str


class Progress(BaseModel):
    """How far a job is: files done, of how many."""

    done: int
    total: int


class Job(BaseModel):
    """A job in the background; `result` is what its command reports, of an upload the `documents` it made."""

    id: str
    kind: Literal["ingest", "upload", "delete"]
    state: Literal["queued", "running", "done", "failed"]
    created: str
    ended: str | None
    progress: Progress | None
    result: dict[str, Any] | None
    error: str | None


class Ingest(BaseModel):
    """What to ingest again: the folders the index was made from; with `rebuild` all of them anew."""

    model_config = ConfigDict(extra="forbid", strict=True)
    rebuild: bool = False


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="ignore", strict=True)
    type: str
    text: str | None = None


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="ignore", strict=True)
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """Whether a stream ends with its usage."""

    model_config = ConfigDict(extra="ignore", strict=True)
    include_usage: bool = False


class Chat(BaseModel):
    """A chat completion: the last user message is the question. What cannot be done is refused;
    what only shapes a language model's words (temperature and the like) is accepted and has no effect.
    """

    model_config = ConfigDict(extra="ignore", strict=True)
    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=1)
    tools: list[Any] | None = Field(None, max_length=0)
    logprobs: Literal[False] | None = None


class OpenAIError(BaseModel):
    """What went wrong, in OpenAI's words."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIFailure(BaseModel):
    """Every failure under /v1."""

    error: OpenAIError


class Model(BaseModel):
    """A model of the /v1 routes."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    """The reply to /v1/models."""

    object: Literal["list"]
    data: list[Model]


class UrlCitation(BaseModel):
    """Characters `start_index` to `end_index` of the message are backed by what lies at `url`."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A citation as OpenAI writes it."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class Reply(BaseModel):
    """The message that answers."""

    role: Literal["assistant"]
    content: str
    refusal: str | None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The one choice."""

    index: int
    message: Reply
    finish_reason: Literal["stop"]
    logprobs: None


class Usage(BaseModel):
    """Tokens, 0 where the generator counts none."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """The reply to /v1/chat/completions; `citations` and `lectern` are ours."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    citations: list[Citation]
    lectern: dict[str, Any]
