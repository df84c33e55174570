"""Every failure in one shape, and which exception becomes which: RFC 9457 problem+json on our routes,
OpenAI's error object under /v1.

A detail says what to do next; it holds no traceback, no folder of the server, and nothing of the
request's body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from api.queue import Full
from api.replies import Json
from rag.errors import (
    Cancelled,
    GeneratorError,
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    IndexReplaced,
    QuestionError,
    RagError,
    RerankerError,
    SettingError,
)

MEDIA_TYPE = "application/problem+json"
OPENAI = "/v1/"  # below here failures have OpenAI's shape
_RETRY_S = 5  # when a state of the index that passes by itself may have passed

# The most specific kinds first; the last one catches every other RagError.
_KINDS: tuple[tuple[type[RagError], int, str, str], ...] = (
    (QuestionError, 422, "question", "The question cannot be answered as it is"),
    (IndexMissing, 503, "index-missing", "There is no index yet"),
    (IndexDamaged, 503, "index-damaged", "The index is damaged"),
    (IndexReplaced, 503, "index-replaced", "The index was replaced meanwhile"),
    (IndexBusy, 503, "index-busy", "The index is busy"),
    (SettingError, 503, "setting", "A setting of the service is wrong"),
    (Cancelled, 503, "given-up", "The question was given up"),
    (RerankerError, 502, "reranker", "The reranker failed"),
    (GeneratorError, 502, "generator", "The answering model failed"),
    (RagError, 500, "failure", "The question could not be answered"),
)

# Where the framework itself says no more than the status.
_NEXT_STEP = {
    404: "there is nothing at this address; / is the page, /openapi.json describes the rest",
    405: "this address takes another method, which the Allow header names",
}
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class LateError(Exception):
    """A request was not answered within its deadline; `begun` tells whether it had left the queue."""

    def __init__(self, begun: bool, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} seconds")
        self.begun = begun
        self.seconds = seconds


class RefusedError(Exception):
    """A request that is not carried out, with the status and reason its sender gets."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(status, detail, kind)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a sender is told; without a `kind` it is the bare HTTP status ("about:blank")."""

    status: int
    detail: str
    kind: str | None = None
    title: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def problem(self) -> dict[str, Any]:
        """RFC 9457, section 3.1."""
        return {
            "type": "about:blank" if self.kind is None else f"urn:lectern:problem:{self.kind}",
            "title": self.title or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }

    def openai(self) -> dict[str, Any]:
        """The error object of OpenAI's API."""
        kind = "server_error" if self.status >= 500 else _TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.detail, "type": kind, "param": None, "code": self.kind}}

    def reply(self, path: str) -> Response:
        """The response to a request for `path`."""
        if path.startswith(OPENAI):
            return Json(self.openai(), self.status, dict(self.headers))
        return Json(self.problem(), self.status, dict(self.headers), MEDIA_TYPE)


def reply(path: str, status: int, detail: str, **headers: str) -> Response:
    """The response of a bare HTTP status."""
    return Failure(status, detail, headers=headers).reply(path)


def failure_of(error: Exception, redact: Callable[[str], str]) -> Failure | None:
    """What the sender of a request that ended in `error` is told; None for what nobody foresaw."""
    if isinstance(error, RagError):
        status, kind, title = next((s, k, t) for known, s, k, t in _KINDS if isinstance(error, known))
        headers = {"Retry-After": str(_RETRY_S)} if isinstance(error, IndexReplaced | IndexBusy) else {}
        return Failure(status, redact(str(error)), kind, title, headers)
    if isinstance(error, Full):
        wait = {"Retry-After": str(error.retry_after)}
        if error.own:
            detail = "you have as many requests waiting as one client may: wait for their answers"
            return Failure(429, detail, "share-full", "Too many requests of one client", wait)
        detail = f"the service is busy: come back in {error.retry_after} seconds"
        return Failure(503, detail, "busy", "The queue is full", wait)
    if isinstance(error, LateError):
        detail = f"no answer within {error.seconds:g} seconds: ask again later"
        if error.begun:
            return Failure(504, detail, "deadline", "The answer took too long")
        return Failure(503, detail, "busy", "The queue did not move", {"Retry-After": str(_RETRY_S)})
    if isinstance(error, RefusedError):
        return error.failure
    return None


def describe(error: ValidationError | RequestValidationError, valid: str = "") -> str:
    """The first thing wrong with a request, by field name and without its value."""
    first = error.errors()[0]
    names = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    name = names[0] if names else ""
    if first["type"] == "extra_forbidden":
        # The name is the sender's own text: only a plain one is worth sending back.
        shown = name if name.isascii() and name.isidentifier() and len(name) <= 40 else "one of the names"
        return f"{shown}: no such field{f'; valid: {valid}' if valid else ''}"
    if first["type"] == "string_unicode":
        return "a text or name in the body holds half a character (a lone surrogate); send whole Unicode"
    if not name:
        return first["ctx"]["error"].args[0] if first["type"] == "value_error" else "write a JSON object"
    return f"{name}: {first['msg']}"


def _foreseen(request: Request, error: Exception) -> Response:
    failure = failure_of(error, request.app.state.redact)
    assert failure is not None  # noqa: S101 - registered for foreseen kinds alone
    return failure.reply(request.url.path)


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError | RequestValidationError)  # noqa: S101
    valid = ", ".join(getattr(request.state, "fields", ()))
    failure = Failure(422, describe(error, valid), "request", "The request is not valid")
    return failure.reply(request.url.path)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    detail = _NEXT_STEP.get(error.status_code, error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _methods(request)
    return reply(request.url.path, error.status_code, detail, **headers)


def _methods(request: Request) -> str:
    """The methods of all routes at this address; the framework's own list is that of the first one."""
    found: set[str] = set()
    for route in request.app.state.addresses:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods
    return ", ".join(sorted(found or {"GET", "HEAD"}))


def _client_left(request: Request, _: Exception) -> Response:
    request.state.left = True
    return reply(request.url.path, 400, "the request ended before its reply")


def register(app: FastAPI) -> None:
    """Let every foreseen failure of `app` answer in its shape; `api.trace` answers the others."""
    for kind in (RagError, Full, LateError, RefusedError):
        app.add_exception_handler(kind, _foreseen)
    app.add_exception_handler(ValidationError, _validation_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_left)
