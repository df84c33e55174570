"""The connection to an OpenAI-compatible server: where it goes and what it carries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag.errors import SettingError

if TYPE_CHECKING:
    import httpx2
    import openai

_HEADERS = frozenset(
    ("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent")
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VERSION = re.compile(r"/v\d")
CONNECT_S = 10.0


def address_of(base_url: str) -> str:
    """The base URL without a slash at its end, and with /v1 if its path names no version.

    Raises SettingError for anything but a plain http or https address.
    """
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port  # raises ValueError for what is no port
    except ValueError as error:
        raise SettingError(f"generator.base_url is {base_url!r}: {error}") from error
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not usable or parts.query or parts.fragment:
        raise SettingError(
            f"generator.base_url is {base_url!r}; write it like http://127.0.0.1:11434/v1 or https://host/v1"
        )
    if parts.username is not None:
        raise SettingError("generator.base_url holds a user name; write the key as generator.api_key instead")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if _VERSION.search(path) else path + '/v1'}"


def connect(address: str, api_key: str, timeout_s: float) -> openai.OpenAI:
    """A client that sends `api_key`, or no key if it is empty, and nothing that the environment adds.

    `timeout_s` is how long the server may stay silent; reaching it may take CONNECT_S seconds at most.
    """
    import httpx2
    import openai

    def only_ours(request: httpx2.Request) -> None:
        # The package adds headers from OPENAI_ORG_ID, OPENAI_CUSTOM_HEADERS and the like.
        for header in [header for header in request.headers if header.lower() not in _HEADERS]:
            del request.headers[header]
        if api_key:
            request.headers["Authorization"] = f"Bearer {api_key}"

    timeout = httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S))
    http = openai.DefaultHttpxClient(
        timeout=timeout,
        # A connection a question: none is left open, and none has been closed by the server meanwhile.
        limits=httpx2.Limits(max_keepalive_connections=0),
        event_hooks={"request": [only_ours]},
        trust_env=urlsplit(address).hostname not in _LOOPBACK,  # a proxy does not reach this machine
        follow_redirects=False,
    )
    # The package insists on some key; the hook above sends the right one, or none.
    return openai.OpenAI(
        base_url=address, api_key=api_key or "none", timeout=timeout, max_retries=0, http_client=http
    )
