"""Requests that are wrong by accident or by intent: a 4xx, one shape, and nothing sent back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from api.body import QUESTION_LIMIT, json_body
from api.schemas.questions import Question

JSON = {"Content-Type": "application/json"}
PHRASE = "vermillion"  # part of every bad body: it may not come back

BAD = {
    "lone surrogate": (b'{"question": "vermillion \\ud800"}', 422),
    "lone surrogate in a name": (b'{"question": "vermillion", "\\udfff": 1}', 422),
    "NaN": (b'{"question": "vermillion", "k": NaN}', 400),
    "infinity": (b'{"question": "vermillion", "k": -Infinity}', 400),
    "a number beyond floats": (b'{"question": "vermillion", "k": 1e999}', 400),
    "an integer of 5,000 digits": (b'{"question": "vermillion", "k": ' + b"9" * 5000 + b"}", 400),
    "a large integer": (b'{"question": "vermillion", "k": 99999999999999999999999}', 422),
    "30,000 levels": (b'{"vermillion": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", 400),
    "100,000 levels": (b'{"vermillion": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 413),
    "duplicate names": (b'{"question": "vermillion", "question": "a"}', 400),
    "no JSON": (b"vermillion", 400),
    "cut short": (b'{"question": "vermillion', 400),
    "no body": (b"", 400),
    "no UTF-8": (b'{"question": "vermillion \xff"}', 400),
    "UTF-16": ('{"question": "vermillion"}'.encode("utf-16"), 400),
    "a list": (b'["vermillion"]', 422),
    "null": (b"null", 422),
    "no question": (b'{"k": 3}', 422),
    "a question that is a number": (b'{"question": 1}', 422),
    "a question that is an object": (b'{"question": {"vermillion": 1}}', 422),
    "an empty question": (b'{"question": ""}', 422),
    "a blank question": (b'{"question": " \\n\\t "}', 422),
    "a question too long": (json.dumps({"question": PHRASE * 3000}).encode(), 422),
    "k and top_k": (b'{"question": "vermillion", "k": 1, "top_k": 2}', 422),
    "k = 0": (b'{"question": "vermillion", "k": 0}', 422),
    "k = 101": (b'{"question": "vermillion", "k": 101}', 422),
    "k as text": (b'{"question": "vermillion", "k": "5"}', 422),
    "k = true": (b'{"question": "vermillion", "k": true}', 422),
    "k = 1.5": (b'{"question": "vermillion", "k": 1.5}', 422),
    "no such mode": (b'{"question": "vermillion", "mode": "vermillion"}', 422),
    "no such field": (b'{"question": "vermillion", "depth": 3}', 422),
    "a name that is no name": (b'{"question": "a", "<b>vermillion</b>": 3}', 422),
    "a huge body": (b'{"question": "' + b"vermillion" * 10_000 + b'"}', 413),
}


@pytest.mark.parametrize("path", ["/ask", "/search"])
@pytest.mark.parametrize(("body", "status"), BAD.values(), ids=BAD.keys())
def test_a_bad_body_is_refused_and_not_sent_back(
    client: TestClient, path: str, body: bytes, status: int
) -> None:
    reply = client.post(path, content=body, headers=JSON)
    assert reply.status_code == status, reply.text
    _is_problem(reply.json(), status, reply.headers["content-type"])
    assert PHRASE not in reply.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ingest"])
@pytest.mark.parametrize("body", [body for body, _ in BAD.values()], ids=BAD.keys())
def test_no_route_takes_it_or_sends_it_back(client: TestClient, path: str, body: bytes) -> None:
    reply = client.post(path, content=body, headers=JSON)
    assert reply.status_code in {400, 413, 422}, "and not for being turned off"
    assert PHRASE not in reply.text
    assert "Traceback" not in reply.text


def _is_problem(body: dict[str, Any], status: int, media_type: str) -> None:
    assert media_type == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert body["detail"]
    assert "Traceback" not in body["detail"]
    assert "\n" not in body["detail"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"question": "a", "depth": 3}, "depth"),
        ({"question": "a", "top_k": 0}, "top_k:"),
        ({"question": "a", "k": 0}, "k:"),
        ({"question": "a", "mode": "x"}, "mode:"),
        ({}, "question:"),
    ],
)
def test_the_wrong_field_is_named(client: TestClient, body: dict[str, Any], named: str) -> None:
    assert named in client.post("/ask", json=body).json()["detail"]


def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    """It is refused once it is too large, however much was to follow."""
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": taken < 1000}

    async def read() -> None:
        scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
        await json_body(Question, QUESTION_LIMIT)(Request(scope, receive))

    with pytest.raises(HTTPException) as refused:
        asyncio.run(read())
    assert refused.value.status_code == 413
    assert taken == QUESTION_LIMIT // 1024 + 1


@pytest.mark.parametrize(
    "declared", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]
)
def test_only_what_says_it_is_json_is_read(client: TestClient, declared: str) -> None:
    """Another site's page can send these without asking the browser's leave first."""
    reply = client.post("/ask", content=b'{"question": "vermillion"}', headers={"Content-Type": declared})
    assert reply.status_code == 415
    _is_problem(reply.json(), 415, reply.headers["content-type"])


def test_a_charset_beside_the_type_is_fine(client: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/search", content=b'{"question": "rye"}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ask", 405),
        ("POST", "/", 405),
        ("GET", "/nothing", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/static/", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/static/%00", 404),
    ],
)
def test_what_is_not_there_is_a_problem_too(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    _is_problem(reply.json(), status, reply.headers["content-type"])


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_bodies = st.binary(max_size=80) | st.builds(
    lambda value: json.dumps(value).encode(),
    _anything | st.fixed_dictionaries({"question": _anything}, optional={"k": _anything, "mode": _anything}),
)


@example_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=_bodies)
def test_no_body_at_all_makes_the_service_fail(client: TestClient, body: bytes) -> None:
    assert client.post("/search", content=body, headers=JSON).status_code in {200, 400, 413, 422}


_words = st.sampled_from(["lectern", "user", "assistant", "text", "rye", ""]) | st.text(max_size=4)
_chats = st.fixed_dictionaries(
    {"model": _words, "messages": st.lists(st.fixed_dictionaries({"role": _words, "content": _anything}))},
    optional={"stream": _anything, "n": _anything, "tools": _anything, "stream_options": _anything},
)


@example_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chat=_chats)
def test_no_conversation_makes_the_service_fail(client: TestClient, chat: dict[str, Any]) -> None:
    reply = client.post("/v1/chat/completions", content=json.dumps(chat).encode(), headers=JSON)
    assert reply.status_code in {200, 400, 404, 422}
