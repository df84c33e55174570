"""Questions and health over HTTP, with a real index and real models."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.schemas.answers import Answer, Citation, Found, Passage
from rag.build import build_engine
from rag.config import Settings

Serve = Callable[[dict[str, object]], TestClient]
LIGHTHOUSE = "When was the lighthouse of Varde built?"


def test_an_answer_quotes_its_documents_exactly(client: TestClient, texts: dict[str, str]) -> None:
    reply = client.post("/ask", json={"question": LIGHTHOUSE})
    assert reply.status_code == 200
    answer = reply.json()
    assert not answer["abstained"]
    assert "1856" in answer["answer"]
    assert answer["citations"]
    for citation in answer["citations"]:
        assert f"[{citation['marker']}]" in answer["answer"]
        assert texts[citation["document"]][citation["start"] : citation["end"]] == citation["quote"]


def test_a_chinese_question_finds_the_chinese_document(client: TestClient) -> None:
    reply = client.post("/search", json={"question": "如何部署量化模型"})
    assert reply.json()["hits"][0]["document"] == "部署.md"


def test_a_question_beyond_the_documents_is_refused_with_a_reason(client: TestClient) -> None:
    answer = client.post("/ask", json={"question": "Who won the football world cup in 1998?"}).json()
    assert answer["abstained"]
    assert answer["reason"]
    assert answer["citations"] == []


def test_the_described_shapes_are_the_sent_ones(client: TestClient) -> None:
    """/openapi.json has every key of a reply and no other."""
    answer = client.post("/ask", json={"question": LIGHTHOUSE}).json()
    found = client.post("/search", json={"question": LIGHTHOUSE}).json()
    assert set(answer) == set(Answer.model_fields)
    assert set(answer["citations"][0]) == set(Citation.model_fields)
    assert set(found) == set(Found.model_fields)
    assert set(found["hits"][0]) == set(Passage.model_fields)
    Answer.model_validate(answer, strict=True)
    Found.model_validate(found, strict=True)
    described = client.get("/openapi.json").json()
    assert {"/ask", "/search", "/healthz", "/readyz"} <= set(described["paths"])
    assert set(Answer.model_fields) == set(described["components"]["schemas"]["Answer"]["properties"])


def test_k_limits_the_passages(client: TestClient) -> None:
    assert len(client.post("/search", json={"question": LIGHTHOUSE, "k": 1}).json()["hits"]) == 1


@pytest.mark.parametrize(("mode", "silent"), [("sparse", "dense"), ("dense", "sparse")])
def test_a_mode_uses_its_own_leg_alone(client: TestClient, mode: str, silent: str) -> None:
    first = client.post("/search", json={"question": LIGHTHOUSE, "mode": mode}).json()["hits"][0]
    assert first["document"] == "lighthouse.md"
    assert first[mode]["rank"] == 1
    assert first[silent] is None


def test_health_and_readiness(client: TestClient, settings: Settings) -> None:
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "generation": build_engine(settings).generation}


def test_answers_are_not_stored_by_browsers(client: TestClient) -> None:
    assert client.post("/search", json={"question": LIGHTHOUSE}).headers["cache-control"] == "no-store"


def test_without_an_index_it_says_so_and_picks_one_up_without_a_restart(
    tmp_path: Path,
    make_index: Callable[[Path], Settings],
    caplog: pytest.LogCaptureFixture,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.warming.RETRY_SECONDS", 0.2)
    folder = tmp_path / "later, with spaces"
    with serve({"index": str(folder)}) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/ask", "/search"):
            reply = client.post(path, json={"question": LIGHTHOUSE})
            assert reply.status_code == 503
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json()["type"] == "urn:lectern:problem:index-missing"
            assert "python -m ingest" in reply.json()["detail"]
            assert str(tmp_path) not in reply.text, "no folder of the server's is told"
        unready = client.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["ready"] is False
        assert unready.json()["reason"].startswith("there is no index")
        assert unready.json()["problem"] == "index-missing"

        make_index(folder)
        assert client.post("/ask", json={"question": LIGHTHOUSE}).status_code == 200
        _wait_until_ready(client)
    told = [vars(each)["fields"]["reason"] for each in caplog.records if each.message == "not ready"]
    # A slow machine may look while the index is being made, which is a reason of its own.
    assert told[0].startswith("there is no index")
    assert len(told) == len(set(told)), "each reason is told once"


def test_a_question_costs_502_where_the_model_server_is_down(settings: Settings, serve: Serve) -> None:
    """A real refused connection; searching goes on."""
    pytest.importorskip("openai")
    flags: dict[str, object] = {
        "index": str(settings.index),
        "generator.name": "openai",
        "generator.base_url": "http://127.0.0.1:9/v1",
        "generator.model": "none",
    }
    with serve(flags) as client:
        reply = client.post("/ask", json={"question": LIGHTHOUSE})
        assert reply.status_code == 502
        assert reply.json()["type"] == "urn:lectern:problem:generator"
        assert client.post("/search", json={"question": LIGHTHOUSE}).status_code == 200


@pytest.mark.parametrize("path", ["/ask", "/search"])
def test_a_reranker_that_is_down_is_what_failed(settings: Settings, serve: Serve, path: str) -> None:
    """A real refused connection; neither the answering model nor the search is blamed for it."""
    away = {"reranker.name": "http", "reranker.base_url": "http://127.0.0.1:9"}
    with serve({"index": str(settings.index), **away}) as client:
        reply = client.post(path, json={"question": LIGHTHOUSE})
        told = client.get("/openapi.json").json()["paths"][path]["post"]["responses"]
    assert (reply.status_code, reply.json()["title"]) == (502, "The reranker failed")
    assert reply.json()["type"] == "urn:lectern:problem:reranker"
    assert "reranker.base_url" in reply.json()["detail"]
    assert "502" in told


@pytest.mark.parametrize("path", ["/ask", "/search"])
def test_a_note_on_a_reranker_that_was_skipped_tells_no_folder(
    settings: Settings, serve: Serve, answering: Callable[[int, str], tuple[str, list[str]]], path: str
) -> None:
    address, posted = answering(500, '{"error": "/srv/private models/rank.bin is gone"}')
    flags = {"name": "http", "base_url": address, "on_failure": "skip"}
    named = {f"reranker.{name}": value for name, value in flags.items()}
    with serve({"index": str(settings.index), **named}) as client:
        body = {"question": LIGHTHOUSE, "explain": True} if path == "/search" else {"question": LIGHTHOUSE}
        reply = client.post(path, json=body)
    assert reply.status_code == 200
    assert posted
    [note] = reply.json()["notes"]
    assert note.startswith("not reranked: ")
    assert "rank.bin is gone" in note
    assert "/srv" not in reply.text


def test_a_wrong_backend_is_named_by_readyz(settings: Settings, serve: Serve) -> None:
    with serve({"index": str(settings.index), "generator.name": "oracle"}) as client:
        reply = client.post("/ask", json={"question": LIGHTHOUSE})
        assert reply.status_code == 503
        assert reply.json()["type"] == "urn:lectern:problem:setting"
        assert "extractive" in reply.json()["detail"]
        deadline = time.monotonic() + 30
        while client.get("/readyz").status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "generator.name" in client.get("/readyz").json()["reason"]


def _wait_until_ready(client: TestClient) -> None:
    deadline = time.monotonic() + 60
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
