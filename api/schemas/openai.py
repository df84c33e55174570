"""The OpenAI-compatible routes: the requests that are checked, and the shapes of their replies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.answers import Citation


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
