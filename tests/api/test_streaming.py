"""Answers as server-sent events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

LIGHTHOUSE = "When was the lighthouse of Varde built?"


def events(text: str) -> list[tuple[str, Any]]:
    """Name and data of each event."""
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


@pytest.mark.parametrize("by_header", [True, False])
def test_a_stream_tells_the_same_as_a_plain_reply(client: TestClient, by_header: bool) -> None:
    body: dict[str, Any] = {"question": LIGHTHOUSE}
    plain = client.post("/ask", json=body).json()
    if by_header:
        reply = client.post("/ask", json=body, headers={"Accept": "text/event-stream"})
    else:
        reply = client.post("/ask", json=body | {"stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events(reply.text)
    assert [name for name, _ in told] == [
        "retrieval",
        "token",
        *("citation" for _ in plain["citations"]),
        "done",
    ]
    assert {**told[-1][1], "id": 0, "timings": 0} == {**plain, "id": 0, "timings": 0}
    assert told[1][1]["text"] == plain["answer"]
    assert [data for name, data in told if name == "citation"] == plain["citations"]
    assert told[0][1] == {"generation": plain["generation"], "passages": plain["passages"]}


def test_a_refusal_streams_without_citations(client: TestClient) -> None:
    reply = client.post("/ask", json={"question": "Who won the cup in 1998?", "stream": True})
    done = events(reply.text)[-1][1]
    assert done["abstained"]
    assert done["citations"] == []


def test_a_failure_before_the_first_event_is_no_200(client: TestClient) -> None:
    reply = client.post("/ask", json={"question": "x" * 3000, "stream": True})
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"


def test_every_reply_has_an_id_and_keeps_a_plain_one_it_was_given(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "a-1.b"}).headers["x-request-id"] == "a-1.b"
    made = client.get("/healthz", headers={"X-Request-ID": "<script>"}).headers["x-request-id"]
    assert len(made) == 32


def test_metrics_count_requests_by_route_and_status(client: TestClient) -> None:
    client.post("/ask", json={"question": LIGHTHOUSE})
    text = client.get("/metrics").text
    assert 'lectern_requests_total{route="/ask",status="200"}' in text
    assert 'lectern_waiting{lane="answers"} 0.0' in text
    assert "lectern_generation_number 1.0" in text
    assert "Varde" not in text
