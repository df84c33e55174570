"""One JSON request over HTTP with nothing in it but what the settings say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from rag.addresses import is_loopback
from rag.errors import GeneratorError

_LARGEST = 16 * 2**20  # bytes of an answer
_SHOWN = 300  # characters of what a server says


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the JSON content (None where it is none), and what the server said of a failure."""

    status: int
    content: Any
    said: str = ""


class _Stay(HTTPRedirectHandler):
    """Follows no redirection: the key would go along."""

    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, body: dict[str, Any], api_key: str, timeout_s: float) -> Answer:
    """The answer to `body`, whatever its status. The server may stay silent for `timeout_s`.

    Raises GeneratorError where no answer comes.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    # Half a character (a lone surrogate) has no UTF-8; JSON can say it in ASCII.
    request = Request(url, json.dumps(body).encode("ascii"), headers, method="POST")  # noqa: S310 - checked
    opener = build_opener(_Stay, *([ProxyHandler({})] if is_loopback(url) else []))
    try:
        with opener.open(request, timeout=timeout_s) as reply:
            content = reply.read(_LARGEST)
            if reply.length:  # bytes that were announced and did not come
                raise IncompleteRead(content, reply.length)
            return Answer(int(reply.status), _json(content))
    except HTTPError as error:
        with error:
            failure = _json(error.read(_LARGEST))
        return Answer(error.code, failure, _said(failure) or str(error.reason))
    except TimeoutError as error:
        raise _silent(url, timeout_s) from error
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _silent(url, timeout_s) from error
        raise GeneratorError(
            f"no server answers at {url} ({_line(error.reason)}); start it, or set reranker.base_url"
        ) from error
    except (OSError, HTTPException) as error:
        raise GeneratorError(
            f"{url}: the connection broke ({_line(error)}); look at the server's log, and ask again"
        ) from error


def _silent(url: str, timeout_s: float) -> GeneratorError:
    return GeneratorError(
        f"{url}: no reply within {timeout_s:g} s; raise reranker.timeout_s, or lower reranker.depth"
    )


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _said(content: Any) -> str:
    """The reason in the shapes that servers give it."""
    for _ in range(2):
        if isinstance(content, dict):
            content = next((content[key] for key in ("error", "message", "detail") if content.get(key)), None)
    return _line(content) if content else ""


def _line(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "..."
