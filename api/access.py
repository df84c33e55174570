"""Who may ask: the Host header, the web origin and the API key of a request, before any route sees it.

A foreign Host header means that a web site's name was made to point here (DNS rebinding); a foreign
Origin, that a page of another site sends the request. Both are refused unless a setting names them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from api.errors import reply
from api.keys import Keys

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER_LIMIT = 16 * 1024  # bytes of a request's address and headers
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
# Served without a key: the page, which asks for one, and what a supervisor looks at.
_OPEN = ("/", "/healthz", "/readyz")
_OPEN_BELOW = "/static/"


class Access:
    """Refuses what does not come from where it should, and notes whose request it is."""

    def __init__(self, app: App, *, hosts: Iterable[str], origins: Iterable[str], keys: Keys) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in (*_LOCAL, *hosts))
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = scope["path"]
        refusal = self._stranger(scope, headers)
        if _size(scope) > HEADER_LIMIT:
            detail = f"address and headers are larger than {HEADER_LIMIT} bytes: send less"
            refusal = reply(path, 431, detail)
        client = (scope.get("client") or ("local",))[0]
        if refusal is None and self._keys.required and not _is_open(path):
            holder = self._keys.holder(_bearer(headers))
            if holder is None:
                detail = "this service wants an API key: send the header Authorization: Bearer KEY"
                refusal = reply(path, 401, detail, **{"WWW-Authenticate": "Bearer"})
            else:
                client = f"key {holder}"
        scope.setdefault("state", {})["client"] = client
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _stranger(self, scope: Scope, headers: Headers) -> App | None:
        """The reply to a request for another host or from another site's page, None if it is neither."""
        host = headers.get("host", "").lower()
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        own = str((scope.get("server") or ("",))[0])
        if name not in self._hosts and name not in (own, f"[{own}]"):
            detail = "the Host header is not one of this service: its operator adds names in api.hosts"
            return reply(scope["path"], 421, detail)
        origin = headers.get("origin", "").lower()
        if origin and origin not in self._origins and _host_of(origin) != host:
            detail = "a page of another site may not ask here: its operator adds sites in api.origins"
            return reply(scope["path"], 403, detail)
        return None


def _host_of(origin: str) -> str | None:
    """Host and port of an origin, None if it is none ("null", or nonsense)."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") else None


def _bearer(headers: Headers) -> str:
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _size(scope: Scope) -> int:
    named = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
    return named + sum(len(name) + len(value) for name, value in scope["headers"])


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)
