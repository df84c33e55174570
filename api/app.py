"""The service: questions over HTTP, its health, and the web page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles

from api import errors
from api.body import read_question
from api.schemas import Answer, Found, NotReady, Problem, Question, Ready
from api.warming import Warming
from rag.engine import Engine
from rag.errors import RagError
from rag.wire import answer_json, hit_json

STATIC = Path(__file__).parent / "static"
# Questions computed at a time; the others wait in line, and /healthz is served all the while.
WORKERS = 4

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_Asked: TypeAlias = Annotated[Question, Depends(read_question)]
_Result = TypeVar("_Result")


def create_app(engine: Engine) -> FastAPI:
    """The ASGI application over `engine`; models load in the background once it runs."""
    workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="question")
    warming = Warming(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming.start()
        yield
        warming.stop()
        workers.shutdown(wait=False, cancel_futures=True)

    # The framework's /docs pages load scripts from elsewhere, so they stay off.
    app = FastAPI(title="Lectern", docs_url=None, redoc_url=None, lifespan=lifespan)
    errors.register(app)
    app.add_middleware(_SafeHeaders)
    _add_questions(app, engine, workers)
    _add_health(app, engine, warming)
    _add_page(app)
    return app


def _add_questions(app: FastAPI, engine: Engine, workers: ThreadPoolExecutor) -> None:
    async def compute(call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(workers, call)

    @app.post("/ask", **_documented(Answer))
    async def ask(asked: _Asked) -> JSONResponse:
        """An answer from the documents, each statement with its citation."""
        answer = await compute(lambda: engine.ask(asked.question, asked.k, asked.mode))
        return JSONResponse(answer_json(answer))

    @app.post("/search", **_documented(Found))
    async def search(asked: _Asked) -> JSONResponse:
        """The passages nearest to the question, best first, without an answer."""
        found = await compute(lambda: engine.search(asked.question, asked.k, asked.mode))
        hits = [hit_json(hit) for hit in found.hits]
        return JSONResponse({"generation": found.generation, "hits": hits})


def _documented(reply: type[Any]) -> dict[str, Any]:
    """The route arguments that describe it in /openapi.json; the body is read by `read_question`."""
    failure = {
        "description": "What went wrong, and what to do",
        "content": {errors.MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
    body = {"required": True, "content": {"application/json": {"schema": Question.model_json_schema()}}}
    return {
        "responses": {200: {"model": reply}, "4XX": failure, "5XX": failure},
        "openapi_extra": {"requestBody": body},
    }


def _add_health(app: FastAPI, engine: Engine, warming: Warming) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        """The process lives."""
        return {"alive": True}

    @app.get("/readyz", responses={200: {"model": Ready}, 503: {"model": NotReady}})
    def readyz() -> JSONResponse:
        """Questions can be answered: there is an index, and nothing stands in the way of its models."""
        try:
            generation, reason = engine.generation, warming.obstacle
        except RagError as error:
            generation, reason = None, str(error)
        if generation is None or reason is not None:
            return JSONResponse({"ready": False, "reason": reason or "the index is being opened"}, 503)
        return JSONResponse({"ready": True, "generation": generation})


def _add_page(app: FastAPI) -> None:
    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=STATIC))


_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _SafeHeaders:
    """Puts the security headers on every response; answers are private and never cached."""

    def __init__(self, app: Callable[[_Scope, _Receive, _Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
