"""Documents, their texts, and the jobs that change them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


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
