"""What the service says of itself."""

from __future__ import annotations

from pydantic import BaseModel


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
