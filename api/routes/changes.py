"""What changes the index, each off unless a setting enables it: upload, ingest, delete, as jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from api import endings, library, upload_folder, uploads
from api.asking import perform
from api.body import QUESTION_LIMIT, declared_length, json_body
from api.errors import RefusedError
from api.events import HEARTBEAT, MEDIA_TYPE, Event
from api.jobs import Ending
from api.replies import Json
from api.routes.described import READS_BODY, WORKS, described
from api.schemas.documents import Ingest, Job
from api.service import Service, service_of

router = APIRouter()

_MB = 1 << 20
_LOOK_S = 0.5  # how often a stream looks at its job
_ENDED = ("done", "failed")
_JOB_EVENTS = "Events `progress` (the job, whenever it changed) and `done` or `error` (the job at its end)"


@router.post(
    "/documents",
    **described(Job, 400, 409, 411, 413, 422, 507, *WORKS, status=202)
    | {"openapi_extra": {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}},
)
async def upload(
    request: Request,
    name: Annotated[str, Query(max_length=400)],
    replace: Annotated[bool, Query()] = False,
) -> Response:
    """Put the body as file `name` into the folder of uploads, and ingest it. Off without api.uploads."""
    service = service_of(request)
    api = service.settings.api
    if not api.uploads:
        raise _off("api.uploads")
    declared = declared_length(request)
    if declared is None:
        raise RefusedError(411, "length", "say how long the file is: send the header Content-Length")
    limit = api.upload_mb * _MB
    if declared > limit:
        raise RefusedError(413, "too-large", f"the file is larger than {limit} bytes")
    name = uploads.plain_name(name)
    await asyncio.to_thread(service.jobs.check)
    saved = await uploads.save(
        upload_folder.folder_of(service.settings),
        name,
        request.stream(),
        limit=limit,
        folder_limit=api.uploads_mb * _MB,
        replace=replace,
    )
    try:
        command = ["ingest", str(saved.file), "--json"]
        end = endings.uploaded(service.settings, saved)
        return await _started(request, service, "upload", command, end=end)
    except Exception:
        saved.withdraw()
        raise


@router.post("/ingest", **described(Job, *READS_BODY, *WORKS, status=202, body=Ingest))
async def ingest(
    request: Request, wanted: Annotated[Ingest, Depends(json_body(Ingest, QUESTION_LIMIT))]
) -> Response:
    """Bring the index level with the folders it was made from. Off without api.allow_ingest."""
    service = service_of(request)
    if not service.settings.api.allow_ingest:
        raise _off("api.allow_ingest")
    folders = await perform(
        request, service.reads, lambda _: library.roots(service.settings), service.settings.api.deadline_s
    )
    # An empty folder is refused by ingest, as one that was mistyped or is not mounted.
    own = upload_folder.folder_of(service.settings) if service.settings.api.uploads else None
    folders = [folder for folder in folders if folder != own or not upload_folder.is_empty(folder)]
    if not folders:
        raise RefusedError(422, "no-folders", "the index was not made from folders: there is nothing to read")
    flags = ["--rebuild"] if wanted.rebuild else []
    return await _started(request, service, "ingest", ["ingest", *map(str, folders), "--json", *flags])


@router.delete("/documents/{document_id:path}", **described(Job, 404, 422, *WORKS, status=202))
async def delete(request: Request, document_id: str) -> Response:
    """Forget a document, and delete its file if that was uploaded. Off without api.allow_delete.

    Another file stays, and the next ingest of its folder reads it again.
    """
    service = service_of(request)
    if not service.settings.api.allow_delete:
        raise _off("api.allow_delete")
    found = await perform(
        request,
        service.reads,
        lambda _: library.stored(service.settings, document_id),
        service.settings.api.deadline_s,
    )
    end = endings.deleted(service.settings, found.source)
    return await _started(request, service, "delete", ["api.removal"], json.dumps([document_id]), end=end)


@router.get("/jobs/{job_id}", **described(Job, 404, events=_JOB_EVENTS))
async def job(request: Request, job_id: str) -> Response:
    """How far a job is; with Accept: text/event-stream until its end."""
    service = service_of(request)
    found = await asyncio.to_thread(service.jobs.read, job_id)
    if MEDIA_TYPE in request.headers.get("accept", ""):
        return StreamingResponse(_followed(service, found), media_type=MEDIA_TYPE)
    return Json(found)


async def _started(
    request: Request,
    service: Service,
    kind: str,
    arguments: list[str],
    stdin: str = "",
    *,
    end: Ending | None = None,
) -> Response:
    started = await asyncio.to_thread(service.jobs.start, kind, arguments, stdin, end=end)
    request.state.told = {"job": started["id"]}
    return Json(started, 202, {"Location": f"/jobs/{started['id']}"})


async def _followed(service: Service, found: dict[str, Any]) -> AsyncIterator[bytes]:
    told: dict[str, Any] = {}
    silent = 0.0
    while found["state"] not in _ENDED:
        if found != told:
            yield Event("progress", found).encode()
            told, silent = found, 0.0
        elif silent >= 10:
            yield HEARTBEAT
            silent = 0.0
        await asyncio.sleep(_LOOK_S)
        silent += _LOOK_S
        found = await asyncio.to_thread(service.jobs.read, found["id"])
    yield Event("done" if found["state"] == "done" else "error", found).encode()


def _off(setting: str) -> RefusedError:
    return RefusedError(403, "turned-off", f"this is turned off here: its operator enables it with {setting}")
