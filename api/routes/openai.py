"""GET /v1/models and POST /v1/chat/completions, for clients made for OpenAI's API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from api import stages
from api.asking import HEARTBEAT_S, Stream, perform
from api.body import CHAT_LIMIT, json_body
from api.errors import RefusedError, failure_of
from api.events import HEARTBEAT, MEDIA_TYPE
from api.openai_shape import MODEL, Chunks, completion, model, models, question_of
from api.replies import Json, to_json
from api.routes.described import READS_BODY, WORKS, described_openai
from api.routes.questions import answered, private
from api.schemas.openai import Chat, Completion, Model, Models
from api.service import service_of
from api.stages import Step
from rag import types

router = APIRouter(prefix="/v1")

_CHUNKS = (
    "Chunks of the completion as OpenAI sends them, `[DONE]` last. The deltas are the checked text: each "
    "piece comes once it is certain, and from the first doubt on the text comes at the end. A stream that "
    "fails after its beginning ends with an error object"
)


@router.get("/models", **described_openai(Models))
async def list_models() -> Response:
    """The one model there is."""
    return Json(models())


@router.get("/models/{name}", **described_openai(Model, 404))
async def one_model(name: str) -> Response:
    """The model, if that is its name."""
    _check(name)
    return Json(model())


@router.post(
    "/chat/completions",
    **described_openai(Completion, *READS_BODY, *WORKS, 404, 502, body=Chat, events=_CHUNKS),
)
async def chat_completions(
    request: Request, chat: Annotated[Chat, Depends(json_body(Chat, CHAT_LIMIT))]
) -> Response:
    """An answer to the last user message, with the citations in its text and beside it."""
    _check(chat.model)
    service, asked = service_of(request), question_of(chat)
    private(request, asked)
    deadline_s, base = service.settings.api.deadline_s, str(request.base_url)
    if not chat.stream:
        answer = await perform(
            request, service.answers, lambda flag: stages.answer(service.engine, asked, flag), deadline_s
        )
        return Json(completion(answer, answered(request, answer), base))
    follow = partial(stages.checked, service.engine, asked, service.settings.unsupported)
    stream = Stream[Step](request, service.answers, follow, stages.joined, deadline_s)
    first = await stream.first(HEARTBEAT_S)
    with_usage = chat.stream_options is not None and chat.stream_options.include_usage
    chunks = Chunks(uuid4().hex[:16], base, with_usage=with_usage)
    return StreamingResponse(_lines(request, chunks, first, stream), media_type=MEDIA_TYPE)


def _check(name: str) -> None:
    if name != MODEL:
        raise RefusedError(404, "model_not_found", f"there is one model here: {MODEL}")


async def _lines(
    request: Request, chunks: Chunks, first: Step | None, stream: Stream[Step]
) -> AsyncIterator[bytes]:
    try:
        yield _line(chunks.first())
        for line in _written(request, chunks, first):
            yield line
        async for step in stream.rest():
            for line in _written(request, chunks, step):
                yield line
        yield b"data: [DONE]\n\n"
    except Exception as error:
        failure = failure_of(error, service_of(request).redact)
        if failure is None:
            raise
        yield _line(failure.openai())
    finally:
        stream.close()


def _written(request: Request, chunks: Chunks, step: Step | None) -> Iterator[bytes]:
    if step is None:
        yield HEARTBEAT
    elif isinstance(step, types.Answer):
        yield from map(_line, chunks.last(step, answered(request, step)))
    else:
        yield _line(chunks.token(step.data["text"]))


def _line(value: dict[str, Any]) -> bytes:
    return b"data: %s\n\n" % to_json(value)
