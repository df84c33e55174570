"""The connection to an OpenAI-compatible server: where it goes, what it carries, and how it is cut."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.addresses import is_loopback, server_address

if TYPE_CHECKING:
    import httpx2
    import openai

_HEADERS = frozenset(
    ("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent")
)
_VERSION = re.compile(r"/v\d")
_CONNECTED = re.compile(r"\.(?:connect_tcp|start_tls)\.complete\Z")
_LOOK_S = 0.05  # how often a request looks whether its answer is still wanted
CONNECT_S = 10.0


def address_of(base_url: str) -> str:
    """The base URL without a slash at its end, and with /v1 if its path names no version.

    Raises SettingError for anything but a plain http or https address.
    """
    parts = server_address("generator", base_url, "http://127.0.0.1:11434/v1")
    path = parts.path
    return f"{parts.scheme}://{parts.netloc}{path if _VERSION.search(path) else path + '/v1'}"


def root_of(address: str) -> str:
    """The address without /v1 and what follows it, where servers answer in their own protocols."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{_VERSION.split(parts.path, maxsplit=1)[0]}"


def connect(address: str, api_key: str, timeout_s: float) -> tuple[openai.OpenAI, httpx2.Client]:
    """Clients that send `api_key`, or no key if it is empty, and nothing that the environment adds.

    The second speaks plain HTTP over the same settings. `timeout_s` is how long the server may stay
    silent; reaching it may take CONNECT_S seconds at most.
    """
    import httpx2
    import openai

    def only_ours(request: httpx2.Request) -> None:
        # The package adds headers from OPENAI_ORG_ID, OPENAI_CUSTOM_HEADERS and the like.
        for header in [header for header in request.headers if header.lower() not in _HEADERS]:
            del request.headers[header]
        if api_key:
            request.headers["Authorization"] = f"Bearer {api_key}"
        if (line := _LINE.get()) is not None:
            request.extensions["trace"] = line.follow

    timeout = httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S))
    http = openai.DefaultHttpxClient(
        timeout=timeout,
        # A connection a question: none is left open, and none has been closed by the server meanwhile.
        limits=httpx2.Limits(max_keepalive_connections=0),
        event_hooks={"request": [only_ours]},
        trust_env=not is_loopback(address),  # a proxy does not reach this machine
        follow_redirects=False,
    )
    # The package insists on some key; the hook above sends the right one, or none.
    client = openai.OpenAI(
        base_url=address, api_key=api_key or "none", timeout=timeout, max_retries=0, http_client=http
    )
    return client, http


class _Line:
    """The connections that one question opens. Closed from another thread, they end whoever reads them."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._socket: socket.socket | None = None
        self._closed = False

    def follow(self, event: str, info: Mapping[str, Any]) -> None:
        """The HTTP client's report of what it does."""
        if not _CONNECTED.search(event):
            return
        opened = info["return_value"].get_extra_info("socket")
        with self._guard:
            self._socket = opened
            if self._closed:
                _shut(opened)

    def close(self) -> None:
        """Close what is open and whatever is opened from now on."""
        with self._guard:
            self._closed = True
            if self._socket is not None:
                _shut(self._socket)


def _shut(opened: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        opened.shutdown(socket.SHUT_RDWR)


_LINE: ContextVar[_Line | None] = ContextVar("line", default=None)


@contextmanager
def line(cancelled: Event | None) -> Iterator[None]:
    """Requests made within, in this thread, lose their connection as soon as `cancelled` is set."""
    if cancelled is None:
        yield
        return
    opened, done = _Line(), Event()

    def watch() -> None:
        while not done.wait(_LOOK_S):
            if cancelled.is_set():
                opened.close()
                return

    watcher = Thread(target=watch, name="lectern-cancel", daemon=True)
    token = _LINE.set(opened)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        _LINE.reset(token)
