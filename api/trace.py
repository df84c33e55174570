"""Around every request: its id, its log line and figures, and the headers every reply carries."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders

from api.access import App, Receive, Scope, Send
from api.errors import reply
from api.metrics import Metrics
from api.telemetry import Telemetry, note

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LEFT = 499  # not sent: what the log says of a client that did not wait
_logger = logging.getLogger("lectern.request")


class Trace:
    """Names a request, times it, and answers 500 where everything else failed."""

    def __init__(self, app: App, *, metrics: Metrics, telemetry: Telemetry, open_log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry
        self._open_log = open_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        name = given if _ID.fullmatch(given) else uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = name
        began = time.perf_counter()
        status = 0

        async def send_traced(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = name
                for header, value in _SAFE.items():
                    headers.setdefault(header, value)
            await send(message)

        with self._telemetry.request(scope["method"], headers) as span:
            try:
                await self._app(scope, receive, send_traced)
            except Exception:
                _logger.exception("failure", extra={"fields": {"request_id": name}})
                if status:
                    raise
                detail = f"an unforeseen failure; the service's log says where, under request {name}"
                await reply(scope["path"], 500, detail)(scope, receive, send_traced)
            finally:
                self._note(scope, state, status, time.perf_counter() - began, span)

    def _note(
        self, scope: Scope, state: MutableMapping[str, Any], status: int, seconds: float, span: Span | None
    ) -> None:
        """One log line, the figures and the span. Paths may name documents, so the route stands for them."""
        route = getattr(scope.get("route"), "path", "static" if status < 400 else "none")
        status = _LEFT if state.get("left") else status
        self._metrics.request(route, status, seconds)
        if status == _LEFT:
            self._metrics.left()
        fields = {
            "request_id": state["request_id"],
            "client": state.get("client"),
            "method": scope["method"] if scope["method"].isalpha() else "",
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            **state.get("told", {}),
        }
        private = state.get("private", {}) if self._open_log else {}
        note(span, fields, private)
        fields |= private
        _logger.info("request", extra={"fields": fields})
