"""The service put together: routes, and around them keys, limits of origin, log and figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from api import errors
from api.access import Access
from api.routes import changes, documents, health, openai, pages, questions
from api.schemas.documents import Ingest
from api.schemas.failures import OpenAIFailure, Problem
from api.schemas.openai import Chat
from api.schemas.questions import Question, Search
from api.service import Service, make
from api.telemetry import Telemetry
from api.trace import Trace
from rag.config import Settings
from rag.engine import Engine

# Bodies that are read strictly and not by the framework, so that it does not know of them.
_BODIES = (Question, Search, Chat, Ingest)
_NONE: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False
}  # fmt: skip
_UNSEEN = (Problem, OpenAIFailure)


def create_app(
    settings: Settings, engine: Engine, *, key_required: bool = False, telemetry: Telemetry | None = None
) -> FastAPI:
    """The ASGI application over `engine`; models load in the background once it runs.

    Raises SettingError for a keys file that cannot be read.
    """
    service = make(settings, engine, key_required=key_required, telemetry=telemetry)
    engine.stage = service.telemetry.stage

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.warming.start()
        yield
        service.close()

    # The framework's /docs pages load scripts from elsewhere, so they stay off.
    # Its own telemetry would send paths, which name documents, and messages, which may quote questions.
    app = FastAPI(title="Lectern", docs_url=None, redoc_url=None, lifespan=lifespan, telemetry=_NONE)
    app.state.service = service
    app.state.redact = service.redact
    errors.register(app)
    routers = [routes.router for routes in (questions, documents, pages, changes, openai, health)]
    for router in routers:
        app.include_router(router)
    app.state.addresses = [route for router in routers for route in router.routes]
    app.mount("/static", StaticFiles(directory=health.STATIC))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    _surround(app, settings, service)
    return app


def _surround(app: FastAPI, settings: Settings, service: Service) -> None:
    """What a request passes before a route: the last one added is the first one passed."""
    api = settings.api
    hosts = [*api.hosts, api.host, f"[{api.host}]"]
    app.add_middleware(Access, hosts=hosts, origins=api.origins, keys=service.keys)
    if api.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=api.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    app.add_middleware(
        Trace, metrics=service.metrics, telemetry=service.telemetry, open_log=api.log_questions
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        described = get_openapi(
            title="Lectern",
            version="1",
            summary="Answers from your own documents, each statement with the exact place it came from.",
            routes=app.routes,
        )
        parts = described["components"]["schemas"]
        for model in (*_BODIES, *_UNSEEN):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            parts.update(schema.pop("$defs", {}))
            parts[model.__name__] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            parts.pop(unused, None)
        described["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{}, {"key": []}]
        app.openapi_schema = described
    return app.openapi_schema
