"""A request's body, read with a limit and parsed as strict JSON before anything else sees it.

The framework's own reading answers 500 to NaN, 1e999 and lone surrogates and sends the body back in
its error; here each of them is a plain 4xx.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request

from api.schemas import Question

BODY_LIMIT = 64 * 1024  # bytes
BODY_SECONDS = 10.0  # for the whole body to arrive: a silent sender must not hold a slot for ever


async def read_question(request: Request) -> Question:
    """The question in the request's body.

    Raises HTTPException (408, 413, 415, 400 for what is no JSON) and pydantic.ValidationError.
    """
    _check_media_type(request.headers.get("content-type", ""))
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await _read(request)
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {BODY_SECONDS:.0f} seconds") from error
    return Question.model_validate(parse(raw))


def _check_media_type(header: str) -> None:
    """Only JSON, said to be JSON: other sites' pages cannot send that without being asked first."""
    media_type = header.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, "send JSON with the header Content-Type: application/json")


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > BODY_LIMIT:
        _too_large()
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT:
            _too_large()
    return bytes(body)


def _too_large() -> NoReturn:
    raise HTTPException(413, f"the body is larger than {BODY_LIMIT} bytes; send a shorter question")


def parse(raw: bytes) -> Any:
    """JSON as RFC 8259 has it: UTF-8, unique names, finite numbers. Raises HTTPException 400."""
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"the body is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise HTTPException(400, f"the body is not JSON: {error.msg} ({where})") from error
    except RecursionError as error:
        raise HTTPException(400, "the body's JSON is nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise HTTPException(400, "the body's JSON has a number that is too large") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise HTTPException(400, "the body's JSON has the same name twice in one object")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError
    return number


def _no_constant(name: str) -> NoReturn:
    raise HTTPException(400, f"the body is not JSON: {name} is no JSON number")
