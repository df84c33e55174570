"""What /openapi.json says of a route: its body, its reply, and every status it may answer with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from api.errors import MEDIA_TYPE
from api.schemas.failures import OpenAIFailure, Problem

# What any request may meet: no key, another site, a wrong host, headers too large, an unforeseen failure.
_ALWAYS = (401, 403, 421, 431, 500)
READS_BODY = (400, 408, 413, 415, 422)
WORKS = (429, 503, 504)
_RETRIES = {429, 503}
_RETRY = {"description": "Seconds after which to come back", "schema": {"type": "integer"}}

# How one server-sent event looks.
_EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}


def described(
    reply: type[BaseModel] | None,
    *failures: int,
    status: int = 200,
    body: type[BaseModel] | None = None,
    events: str | None = None,
) -> dict[str, Any]:
    """The arguments of a route on our side; `events` describes its server-sent events."""
    content = {MEDIA_TYPE: {"schema": _reference(Problem)}}
    return _arguments(reply, failures, status, body, events, content)


def described_openai(
    reply: type[BaseModel], *failures: int, body: type[BaseModel] | None = None, events: str | None = None
) -> dict[str, Any]:
    """The arguments of a route under /v1."""
    content = {"application/json": {"schema": _reference(OpenAIFailure)}}
    return _arguments(reply, failures, 200, body, events, content)


def _arguments(
    reply: type[BaseModel] | None,
    failures: tuple[int, ...],
    status: int,
    body: type[BaseModel] | None,
    events: str | None,
    content: dict[str, Any],
) -> dict[str, Any]:
    responses: dict[int | str, Any] = {}
    for each in sorted({*_ALWAYS, *failures}):
        responses[each] = {"description": HTTPStatus(each).phrase, "content": content}
        if each in _RETRIES:
            responses[each]["headers"] = {"Retry-After": _RETRY}
    if reply is not None:
        success: dict[str, Any] = {"model": reply, "description": (reply.__doc__ or "").split("\n")[0]}
        if events is not None:
            success["content"] = {"text/event-stream": {"schema": _EVENT | {"description": events}}}
        responses[status] = success
    extra: dict[str, Any] = {}
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"responses": responses, "status_code": status, "openapi_extra": extra}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
