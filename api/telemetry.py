"""OpenTelemetry: a span for each request, and below it one for each stage of answering.

Off unless `api.telemetry` says otherwise. A span tells route, status, generation and times. Questions are
in it only where `api.log_questions` is set; passages, file names and messages of failures never are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.config import Settings
from rag.errors import RagError, SettingError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind, TracerProvider

_LAST_S = 2.0  # for sending what waits at the end
_TOLD = ("generation", "abstained", "job")  # what a request's span says besides its route and status


class Telemetry:
    """Makes the spans of one process; none without a provider."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("lectern") if provider else None

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Span | None]:
        """The span of a request, below that of its client where it names one (W3C Trace Context)."""
        if self._tracer is None:
            yield None
            return
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        with self._span(method, extract(headers), SpanKind.SERVER) as span:
            yield span

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The span of a stage of answering, below that of its request."""
        if self._tracer is None:
            yield
            return
        from opentelemetry.trace import SpanKind

        with self._span(name, None, SpanKind.INTERNAL):
            yield

    @contextmanager
    def _span(self, name: str, parent: Any, kind: SpanKind) -> Iterator[Span]:
        """A failure is told by its kind alone: its message may quote a question."""
        from opentelemetry.trace import StatusCode

        assert self._tracer is not None  # noqa: S101 - asked before
        with self._tracer.start_as_current_span(
            name, parent, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", kind_of(error))
                span.set_status(StatusCode.ERROR)
                raise

    def close(self) -> None:
        """Send what waits; a collector that does not answer holds nobody up."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            last = threading.Thread(target=shutdown, name="telemetry", daemon=True)
            last.start()
            last.join(_LAST_S)


def kind_of(error: BaseException) -> str:
    """The kind of a failure as rag/errors.py has it; another exception's own name."""
    kinds = [each.__name__ for each in type(error).__mro__ if each.__module__ == RagError.__module__]
    return kinds[0] if kinds else type(error).__name__


def note(span: Span | None, fields: Mapping[str, Any], private: Mapping[str, Any]) -> None:
    """Say in a request's span what its log line says; names as in OpenTelemetry's HTTP conventions."""
    if span is None:
        return
    from opentelemetry.trace import StatusCode

    span.update_name(f"{fields['method']} {fields['route']}".strip())
    span.set_attribute("http.request.method", fields["method"] or "_OTHER")
    span.set_attribute("http.route", fields["route"])
    span.set_attribute("http.response.status_code", fields["status"])
    span.set_attribute("lectern.request_id", fields["request_id"])
    for name in _TOLD:
        if name in fields:
            span.set_attribute(f"lectern.{name}", fields[name])
    for name, value in private.items():
        span.set_attribute(f"lectern.{name}", value)
    if fields["status"] >= 500:
        span.set_status(StatusCode.ERROR)


def telemetry(settings: Settings) -> Telemetry:
    """The telemetry of `api.telemetry`; its exporter takes OpenTelemetry's own OTEL_ variables.

    Raises SettingError where its packages are not installed.
    """
    if settings.api.telemetry == "off":
        return Telemetry()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise SettingError(
            f"api.telemetry = {settings.api.telemetry!r} needs the package {error.name}: "
            'pip install -e ".[otel]"'
        ) from error
    named = "OTEL_SERVICE_NAME" in os.environ
    provider = TracerProvider(resource=Resource.create({} if named else {"service.name": "lectern"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Telemetry(provider)
