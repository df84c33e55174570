"""Log lines and messages: what they tell, and what they keep to themselves."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.log import JsonLines
from api.redact import Redactor
from rag.config import Settings

Serve = Callable[[dict[str, object]], TestClient]


def failure() -> logging.LogRecord:
    """The record of an exception whose message holds a question."""
    try:
        int("who is ill in this house?")
    except ValueError:
        told = sys.exc_info()
    return logging.LogRecord("lectern", logging.ERROR, "", 0, "failure", (), told)


def test_a_failure_is_told_by_kind_and_place_without_its_message() -> None:
    line = json.loads(JsonLines(open_=False).format(failure()))
    assert line["error"] == "ValueError"
    assert line["where"][-1].startswith("test_log.py:")
    assert "ill" not in json.dumps(line)
    assert "ill" in JsonLines(open_=True).format(failure())


@pytest.mark.parametrize("open_", [False, True])
def test_questions_are_logged_only_if_asked_for(
    settings: Settings, serve: Serve, caplog: pytest.LogCaptureFixture, open_: bool
) -> None:
    caplog.set_level(logging.INFO, "lectern")
    with serve({"index": str(settings.index), "api.log_questions": open_}) as client:
        reply = client.post("/search", json={"question": "rye and wheat"})
    (record,) = [record for record in caplog.records if record.message == "request"]
    line = JsonLines(open_=open_).format(record)
    assert ("rye and wheat" in line) == open_
    assert json.loads(line)["request_id"] == reply.headers["x-request-id"]
    assert "Bread dough" not in line


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("/srv/my files/index/record.sqlite: full", "index/record.sqlite: full"),
        ("no such file: /home/ann/x.txt", "no such file: x.txt"),
        ("'/home/ann/x y.txt' is gone", "'x y.txt' is gone"),
        ("C:\\Users\\ann\\x.txt is gone", "x.txt is gone"),
        (
            "cannot reach http://127.0.0.1:9/v1/models: refused",
            "cannot reach http://127.0.0.1:9/v1/models: refused",
        ),
        ("ask POST /ask again", "ask POST /ask again"),
    ],
)
def test_folders_of_the_server_are_taken_out_of_messages(message: str, told: str) -> None:
    assert Redactor([Path("/srv/my files/index")]).text(message) == told
