"""POST /ask and POST /search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from api import stages
from api.asking import Stream, perform
from api.body import QUESTION_LIMIT, json_body
from api.errors import failure_of
from api.events import HEARTBEAT, MEDIA_TYPE, Event
from api.replies import Json
from api.routes.described import READS_BODY, WORKS, described
from api.schemas.answers import Answer, Found
from api.schemas.questions import Explained, Question, Search
from api.service import Service, service_of
from api.stages import Step
from rag import types
from rag.explain.wire import explanation_json
from rag.wire import answer_json, hit_json, searched_json

router = APIRouter()

_EVENTS = (
    "Events `retrieval` {generation, passages}, `token` {text} (the draft while it is written, not checked "
    "yet), `citation`, `done` (the whole reply, whose `answer` replaces the draft) and `error` (a problem "
    "document, where a stream fails that had begun); data is JSON on one line"
)


@router.post("/ask", **described(Answer, *READS_BODY, *WORKS, 502, body=Question, events=_EVENTS))
async def ask(
    request: Request, asked: Annotated[Question, Depends(json_body(Question, QUESTION_LIMIT))]
) -> Response:
    """An answer from the documents, each statement with its citation.

    With `stream` or the header Accept: text/event-stream it comes as server-sent events.
    """
    service = service_of(request)
    private(request, asked)
    if asked.stream or MEDIA_TYPE in request.headers.get("accept", ""):
        return await _streamed(request, service, asked)
    deadline_s = service.settings.api.deadline_s
    answer = await perform(
        request, service.answers, lambda flag: stages.answer(service.engine, asked, flag), deadline_s
    )
    return Json(answered(request, answer))


@router.post("/search", **described(Found, *READS_BODY, *WORKS, 502, body=Explained))
async def search(
    request: Request, asked: Annotated[Explained, Depends(json_body(Explained, QUESTION_LIMIT))]
) -> Response:
    """The passages nearest to the question, best first, without an answer; with `explain` why."""
    service = service_of(request)
    private(request, asked)
    found = await perform(
        request,
        service.reads,
        lambda _: service.engine.search(asked.question, asked.count, asked.mode, asked.among.filter),
        service.settings.api.deadline_s,
    )
    request.state.told = {"generation": found.generation}
    told = searched_json(found.variants, [service.redact(note) for note in found.notes])
    told["explanation"] = await _explanation(request, service, asked) if asked.explain else None
    return Json({"generation": found.generation, "hits": [hit_json(hit) for hit in found.hits], **told})


async def _explanation(request: Request, service: Service, asked: Explained) -> dict[str, Any]:
    explained = await perform(
        request,
        service.reads,
        lambda _: service.engine.explain(
            asked.question, asked.count, asked.mode, asked.among.filter, asked.expect
        ),
        service.settings.api.deadline_s,
    )
    body = explanation_json(explained)
    return body | {"notes": [service.redact(note) for note in body["notes"]]}


def private(request: Request, asked: Search) -> None:
    """What the log says only where questions may be logged."""
    request.state.private = {"question": asked.question}


def answered(request: Request, answer: types.Answer) -> dict[str, Any]:
    """The wire's form of an answer, noted in log and figures."""
    service = service_of(request)
    request.state.told = {"generation": answer.generation, "abstained": answer.abstained}
    if answer.abstained:
        service.metrics.abstained()
    body = answer_json(answer)
    body["generator"] = service.redact(answer.generator)
    body["notes"] = [service.redact(note) for note in answer.notes]
    return body


async def _streamed(request: Request, service: Service, asked: Question) -> Response:
    stream = Stream[Step](
        request,
        service.answers,
        partial(stages.drafted, service.engine, asked),
        stages.joined,
        service.settings.api.deadline_s,
    )
    first = await stream.first()
    return StreamingResponse(_events(request, service, first, stream), media_type=MEDIA_TYPE)


async def _events(
    request: Request, service: Service, first: Step | None, stream: Stream[Step]
) -> AsyncIterator[bytes]:
    try:
        yield _encoded(request, first)
        async for step in stream.rest():
            yield _encoded(request, step)
    except Exception as error:
        failure = failure_of(error, service.redact)
        if failure is None:
            raise
        yield Event("error", failure.problem()).encode()
    finally:
        stream.close()


def _encoded(request: Request, step: Step | None) -> bytes:
    if step is None:
        return HEARTBEAT
    return (step if isinstance(step, Event) else Event("done", answered(request, step))).encode()
