"""Addresses of servers as settings give them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from rag.errors import SettingError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def server_address(backend: str, base_url: str, example: str) -> SplitResult:
    """The parts of `BACKEND.base_url`; white space around it and slashes at its end are left out.

    Raises SettingError, showing `example`, for anything but a plain http or https address without a user
    name.
    """
    setting = f"{backend}.base_url"
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port  # raises ValueError for what is no port
    except ValueError as error:
        raise SettingError(f"{setting} is {base_url!r}: {error}") from error
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not usable or parts.query or parts.fragment:
        raise SettingError(f"{setting} is {base_url!r}; write it like {example} or https://host/v1")
    if parts.username is not None:
        raise SettingError(f"{setting} holds a user name; write the key as {backend}.api_key instead")
    return parts._replace(path=parts.path.rstrip("/"))


def is_loopback(address: str) -> bool:
    """Whether it names this machine, which no proxy reaches."""
    return urlsplit(address).hostname in _LOOPBACK
