"""/healthz, /readyz and /metrics, and the page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from api.errors import failure_of
from api.metrics import MEDIA_TYPE
from api.replies import Json
from api.routes.described import described
from api.schemas.health import Alive, NotReady, Ready
from api.service import service_of
from rag.build import published
from rag.errors import RagError

STATIC = Path(__file__).parent.parent / "static"

router = APIRouter()


@router.get("/healthz", **described(Alive))
async def healthz() -> Response:
    """The process lives."""
    return Json({"alive": True})


@router.get(
    "/readyz",
    **(ready := described(Ready))
    | {"responses": ready["responses"] | {503: {"model": NotReady, "description": "Not ready"}}},
)
def readyz(request: Request) -> Response:
    """Questions can be answered: the index is there and whole, nothing stands in the way of its models."""
    service = service_of(request)
    try:
        generation = service.readiness.generation()
    except RagError as error:
        failure = failure_of(error, service.redact)
        assert failure is not None  # noqa: S101 - every RagError has one
        return Json({"ready": False, "reason": failure.detail, "problem": failure.kind}, 503)
    if (reason := service.warming.obstacle) is not None:
        return Json({"ready": False, "reason": service.redact(reason), "problem": None}, 503)
    return Json({"ready": True, "generation": generation})


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    service = service_of(request)
    service.metrics.lanes(answers=service.answers, reads=service.reads)
    try:
        number = published(service.settings).number
    except RagError:
        number = 0
    return Response(service.metrics.render(number), media_type=MEDIA_TYPE)


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def page() -> FileResponse:
    """The web page."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})
