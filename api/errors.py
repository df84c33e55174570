"""Every failure as one JSON shape, RFC 9457 problem+json: which exception becomes which response.

A detail says what to do next; it never holds a traceback or anything of the request's body.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from rag.errors import (
    GeneratorError,
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    IndexReplaced,
    QuestionError,
    RagError,
    SettingError,
)

MEDIA_TYPE = "application/problem+json"

# The most specific kinds first; the last one catches every other RagError.
_KINDS: tuple[tuple[type[RagError], int, str, str], ...] = (
    (QuestionError, 422, "question", "The question cannot be answered as it is"),
    (IndexMissing, 503, "index-missing", "There is no index yet"),
    (IndexDamaged, 503, "index-damaged", "The index is damaged"),
    (IndexReplaced, 503, "index-replaced", "The index was replaced meanwhile"),
    (IndexBusy, 503, "index-busy", "The index is busy"),
    (SettingError, 503, "setting", "A setting of the service is wrong"),
    (GeneratorError, 502, "generator", "The answering model failed"),
    (RagError, 500, "failure", "The question could not be answered"),
)

# Where the framework itself says no more than the status.
_NEXT_STEP = {
    404: "there is nothing at this address; / is the page, /openapi.json describes the rest",
    405: "this address takes another method, which the Allow header names",
}


def problem(
    status: int, detail: str, kind: str | None = None, title: str | None = None, **headers: str
) -> JSONResponse:
    """One problem document; without a `kind` it is the bare HTTP status ("about:blank")."""
    content = {
        "type": "about:blank" if kind is None else f"urn:lectern:problem:{kind}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def describe(error: ValidationError) -> str:
    """The first thing wrong with a request, by field name and without its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        # The name is the sender's own text: only a plain one is worth sending back.
        shown = name if name.isascii() and name.isidentifier() and len(name) <= 40 else "one of the names"
        return f"{shown}: no such field; valid: question, k, mode"
    if first["type"] == "string_unicode":
        return "a name in the body holds half a character (a lone surrogate); send whole Unicode text"
    if not name:
        return 'write a JSON object, for example {"question": "..."}'
    return f"{name}: {first['msg']}"


def _rag_error(_: Request, error: Exception) -> JSONResponse:
    status, kind, title = next((s, k, t) for known, s, k, t in _KINDS if isinstance(error, known))
    return problem(status, str(error), kind, title)


def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ValidationError)  # noqa: S101 - registered for this kind alone
    return problem(422, describe(error), "request", "The request is not valid")


def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    detail = _NEXT_STEP.get(error.status_code, error.detail)
    return problem(error.status_code, detail, **dict(error.headers or {}))


def _client_left(_: Request, __: Exception) -> JSONResponse:
    return problem(400, "the request ended before its body did")


def _unforeseen(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "an unforeseen failure; the service's log on stderr says where")


def register(app: FastAPI) -> None:
    """Let every failure of `app` answer with a problem document."""
    app.add_exception_handler(RagError, _rag_error)
    app.add_exception_handler(ValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_left)
    app.add_exception_handler(Exception, _unforeseen)
