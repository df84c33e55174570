"""A request's body, read with a limit and parsed as strict JSON before anything else sees it.

The framework's own reading answers 500 to NaN, 1e999 and lone surrogates and sends the body back in
its error; here each of them is a plain 4xx.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

QUESTION_LIMIT = 64 * 1024  # bytes
CHAT_LIMIT = 512 * 1024  # bytes: a conversation comes with all its messages
_EXACT = 2.0**53  # below, a float is the very integer that was written
BODY_SECONDS = 8.0  # for the whole body to arrive: a silent sender must not hold a slot for ever

Model = TypeVar("Model", bound=BaseModel)


def json_body(model: type[Model], limit: int) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the body as `model`.

    It raises HTTPException (408, 413, 415, 400 for what is no JSON) and pydantic.ValidationError.
    """

    async def read(request: Request) -> Model:
        _check_media_type(request.headers.get("content-type", ""))
        request.state.fields = list(model.model_fields)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                raw = await _read(request, limit)
        except TimeoutError as error:
            detail = f"the body did not arrive within {BODY_SECONDS:.0f} seconds"
            raise HTTPException(408, detail, {"Connection": "close"}) from error
        return model.model_validate(parse(raw))

    return read


def declared_length(request: Request) -> int | None:
    """What the request says of its body's length in bytes, None if nothing."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else None


def _check_media_type(header: str) -> None:
    """Only JSON, said to be JSON: other sites' pages cannot send that without being asked first."""
    media_type = header.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, "send JSON with the header Content-Type: application/json")


async def _read(request: Request, limit: int) -> bytes:
    if (declared_length(request) or 0) > limit:
        _too_large(limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> NoReturn:
    raise HTTPException(413, f"the body is larger than {limit} bytes; send less")


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


def _finite(digits: str) -> float | int:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError
    # JSON has one kind of number: 5.0 is as good an integer as 5.
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _no_constant(name: str) -> NoReturn:
    raise HTTPException(400, f"the body is not JSON: {name} is no JSON number")
