"""Every failure, in RFC 9457's words and, under /v1, in OpenAI's."""

from __future__ import annotations

from pydantic import BaseModel


class Problem(BaseModel):
    """Every failure (RFC 9457, application/problem+json)."""

    type: str
    title: str
    status: int
    detail: str


class OpenAIError(BaseModel):
    """What went wrong, in OpenAI's words."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIFailure(BaseModel):
    """Every failure under /v1."""

    error: OpenAIError
