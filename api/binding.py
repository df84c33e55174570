"""The address the service listens on, as one socket or, where the system lets a crowd wait, as several.

The kernel drops what finds no room in a socket's queue, and its client tries again only after one
second, then three. The system bounds that queue (net.core.somaxconn); so several sockets share the
address, among which the kernel spreads the connections.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from pathlib import Path

from rag.errors import SettingError

_CROWD = 16_384  # connections that may wait to be taken up
_MOST_SOCKETS = 16
_LIMIT = Path("/proc/sys/net/core/somaxconn")


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets of one address. Raises SettingError where it is not to be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as failing:
            first = failing.enter_context(socket.socket(family, kind, protocol))
            if os.name == "posix":
                first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            first.bind(address)  # alone: where another service listens already, this fails
            listeners = [first, *_beside(first)]  # connections queue from here on: it may be announced
            failing.pop_all()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise SettingError(
            f"cannot listen on {host} port {port}: {reason}; choose others with --host and --port"
        ) from error
    return listeners


def _beside(first: socket.socket) -> list[socket.socket]:
    """Listen, and on as many further sockets of the same address as a crowd needs, if they can be had."""
    with suppress(OSError, AttributeError):
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    first.listen(_CROWD)
    found: list[socket.socket] = []
    with suppress(OSError, ValueError, AttributeError):
        wanted = min(_MOST_SOCKETS, -(-_CROWD // int(_LIMIT.read_text())))
        while len(found) + 1 < wanted:
            found.append(_further(first))
    return found


def _further(first: socket.socket) -> socket.socket:
    with ExitStack() as failing:
        further = failing.enter_context(socket.socket(first.family, first.type, first.proto))
        further.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        further.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        further.bind(first.getsockname())
        further.listen(_CROWD)
        failing.pop_all()
    return further


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ip_address(str(listener.getsockname()[0]).partition("%")[0]).is_loopback


def address(listener: socket.socket) -> str:
    """Where it is, as people write it."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
