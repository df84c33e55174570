"""OpenTelemetry spans of real requests, as the SDK exports them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.telemetry import Telemetry, telemetry
from rag.build import build_engine
from rag.config import Settings, load_settings
from rag.errors import SettingError

pytest.importorskip("opentelemetry.sdk")

LIGHTHOUSE = "When was the lighthouse of Varde built?"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def spans_of(settings: Settings, *calls: tuple[str, str, dict[str, Any]], **flags: Any) -> list[Any]:
    """What is exported while these calls, (method, path, arguments of the client), are made."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    given = load_settings({"index": str(settings.index), **flags})
    app = create_app(given, build_engine(given), telemetry=Telemetry(provider))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        client.post("/search", json={"question": "warm", "mode": "dense"})
        app.state.service.warming.join()
        exporter.clear()
        for method, path, arguments in calls:
            client.request(method, path, **arguments)
        return list(exporter.get_finished_spans())


def test_a_request_has_a_span_and_each_stage_of_its_answer_one_below(settings: Settings) -> None:
    """The stages run on another thread; the client's own trace goes on."""
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    spans = spans_of(settings, ("POST", "/ask", {"json": {"question": LIGHTHOUSE}, "headers": headers}))
    assert [span.name for span in spans] == ["retrieve", "generate", "POST /ask"]
    request = spans[-1]
    assert {span.parent.span_id for span in spans[:2]} == {request.context.span_id}
    assert {f"{span.context.trace_id:032x}" for span in spans} == {TRACE}
    assert request.kind.name == "SERVER"
    said = dict(request.attributes)
    assert said["http.route"] == "/ask"
    assert said["http.response.status_code"] == 200
    assert said["lectern.abstained"] is False
    assert said["lectern.generation"] == build_engine(settings).generation
    assert all(request.start_time <= span.start_time <= span.end_time <= request.end_time for span in spans)


def test_no_span_holds_a_question_a_passage_or_a_name_unless_asked_for(settings: Settings) -> None:
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/ask", {"json": {"question": LIGHTHOUSE}}),
        ("GET", "/documents/lighthouse.md", {}),
        ("GET", "/documents/secret-name.md", {}),
        (
            "POST",
            "/ask",
            {"content": b'{"question": "Varde', "headers": {"content-type": "application/json"}},
        ),
    ]
    told = "".join(span.to_json() for span in spans_of(settings, *calls))
    assert "/documents/{document_id:path}" in told
    assert not [word for word in ("Varde", "lighthouse", "secret-name", "rape oil") if word in told]
    asked = spans_of(settings, calls[0], **{"api.log_questions": True})[-1]
    assert asked.attributes["lectern.question"] == LIGHTHOUSE


def test_a_failed_stage_is_told_by_kind_and_status(settings: Settings) -> None:
    """Its message might quote the question."""
    pytest.importorskip("openai")
    model = {
        "generator.name": "openai",
        "generator.base_url": "http://127.0.0.1:9/v1",
        "generator.model": "none",
    }
    spans = spans_of(settings, ("POST", "/ask", {"json": {"question": LIGHTHOUSE}}), **model)
    assert [span.name for span in spans] == ["retrieve", "generate", "POST /ask"]
    assert spans[1].attributes["error.type"] == "GeneratorError"
    assert spans[1].status.description is None
    assert not spans[1].events
    assert spans[2].attributes["http.response.status_code"] == 502
    assert {span.status.status_code.name for span in spans} == {"UNSET", "ERROR"}


def test_it_is_off_unless_set_and_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Telemetry().stage("retrieve"), Telemetry().request("GET", {}) as span:
        assert span is None
    assert telemetry(load_settings({}))._provider is None
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingError, match=r'pip install -e "\.\[otel\]"'):
        telemetry(load_settings({"api.telemetry": "otlp"}))


def test_a_collector_that_is_not_there_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    made = telemetry(load_settings({"api.telemetry": "otlp"}))
    with made.stage("retrieve"):
        pass
    made.close()


def test_what_waits_at_the_end_is_sent_to_the_collector(
    monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, str], tuple[str, list[str]]]
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    address, posted = answering(200, "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    made = telemetry(load_settings({"api.telemetry": "otlp"}))
    with made.stage("retrieve"):
        pass
    assert posted == []
    made.close()
    assert posted == ["/v1/traces"]
