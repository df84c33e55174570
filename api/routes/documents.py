"""GET /documents and GET /documents/{id}: what is indexed, and the exact place a citation names."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api import library, originals
from api.asking import perform
from api.replies import Json
from api.routes.described import WORKS, described
from api.schemas.documents import Documents, DocumentText
from api.service import service_of
from rag.sections import Api

router = APIRouter()

_MOST = 1000
_FAR = 10**12


@router.get("/documents", **described(Documents, 422, *WORKS))
async def list_documents(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    after: Annotated[str, Query(max_length=4096)] = "",
) -> Response:
    """The indexed documents by id, `limit` at a time; `after` is the `next` of the part before."""
    service = service_of(request)
    found = await perform(
        request,
        service.reads,
        lambda _: library.listing(service.settings, after, limit, service.redactor),
        service.settings.api.deadline_s,
    )
    return Json(found | {"allowed": _allowed(service.settings.api)})


@router.get("/documents/{document_id:path}", **described(DocumentText, 404, 410, 416, 422, *WORKS))
async def read_document(
    request: Request,
    document_id: str,
    start: Annotated[int, Query(ge=0, le=_FAR)] = 0,
    end: Annotated[int | None, Query(ge=0, le=_FAR)] = None,
    original: Annotated[bool, Query()] = False,
) -> Response:
    """A document's text from character `start` to `end`, or with `original` the file it was read from."""
    service = service_of(request)
    deadline_s = service.settings.api.deadline_s
    if original:
        stream, size = await perform(
            request,
            service.reads,
            lambda _: originals.open_original(service.settings, document_id),
            deadline_s,
        )
        name = quote(document_id.rsplit("/", 1)[-1])
        headers = {"Content-Length": str(size), "Content-Disposition": f"inline; filename*=utf-8''{name}"}
        media_type = originals.media_type(document_id)
        return StreamingResponse(originals.blocks(stream), headers=headers, media_type=media_type)
    found = await perform(
        request,
        service.reads,
        lambda _: library.text_of(service.settings, document_id, start, end),
        deadline_s,
    )
    return Json(found)


def _allowed(api: Api) -> dict[str, int | bool]:
    """What the page offers to change."""
    return {
        "upload": api.upload_mb << 20 if api.uploads else 0,
        "delete": api.allow_delete,
        "ingest": api.allow_ingest,
    }
