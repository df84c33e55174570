"""GET /pages/{id}: a page of a PDF file as a picture, the place a citation names marked on it."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query, Request
from pydantic import StringConstraints
from starlette.responses import Response

from api.asking import perform
from api.pages.draw import Wanted
from api.routes.described import WORKS, described
from api.service import service_of
from rag.question import MOST_PAGES

router = APIRouter()

_MOST_RANGES = 20
_Range: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}-[0-9]{1,12}$", max_length=25)]
RECTANGLES, PAGES = "Lectern-Rectangles", "Lectern-Pages"
_HEADERS = {
    RECTANGLES: {
        "description": "JSON: [x0, y0, x1, y1] of each marked line, in shares of the page from its top left",
        "schema": {"type": "string"},
    },
    PAGES: {"description": "How many pages the file has", "schema": {"type": "integer"}},
}
_PICTURE: dict[str, Any] = {
    "description": "The page, with its marked lines coloured.",
    "headers": _HEADERS,
    "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
}


@router.get(
    "/pages/{document_id:path}",
    **(page := described(None, 404, 410, 422, *WORKS)) | {"responses": page["responses"] | {200: _PICTURE}},
    response_class=Response,
)
async def picture(
    request: Request,
    document_id: str,
    number: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    at: Annotated[list[_Range], Query(max_length=_MOST_RANGES)] = [],  # noqa: B006 - never changed
    width: Annotated[int, Query(ge=100, le=2000)] = 1200,
) -> Response:
    """Page `number` of a PDF document as PNG, with characters `at` (START-END) of its text marked.

    Only while the file is what was ingested; what of a range is on other pages is left out.
    """
    service = service_of(request)
    ranges = tuple((int(start), int(end)) for start, end in (each.split("-") for each in at))
    wanted = Wanted(document_id, number, ranges, width)
    drawn = await perform(
        request,
        service.drawing,
        lambda _: service.pictures.picture(wanted),
        service.settings.api.deadline_s,
    )
    headers = {RECTANGLES: json.dumps(drawn.rectangles, separators=(",", ":")), PAGES: str(drawn.pages)}
    return Response(drawn.png, headers=headers, media_type="image/png")
