"""`python -m api`: serve the index over HTTP until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NoReturn

from rag.command import add_settings, run, settings_of
from rag.config import Settings
from rag.errors import SettingError

# Requests get this long to end after a signal, in seconds.
GRACE = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; the exit status is 0 after a signal and 2 where it could not start."""
    signal.signal(signal.SIGTERM, _end)
    options = _parser().parse_args(arguments)
    try:
        settings = settings_of(options, {"api.host": options.host, "api.port": options.port})
        _serve(settings, _listen(settings.api.host, settings.api.port))
    except KeyboardInterrupt:
        pass
    return 0


def _end(_: int, __: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="Answer questions over HTTP: a web page at /, POST /ask, POST /search.",
    )
    add_settings(parser)
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", help="port to listen on (default: 8000; 0: any free one)")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises SettingError where the address is not to be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # From here on connections queue, so the address may be announced.
        listener.listen(128)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise SettingError(
            f"cannot listen on {host} port {port}: {reason}; choose others with --host and --port"
        ) from error
    return listener


def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from api.app import create_app
    from rag.build import build_engine, check_settings

    check_settings(settings)
    app = create_app(build_engine(settings))
    host, port = listener.getsockname()[:2]
    if not ip_address(host.partition("%")[0]).is_loopback:
        print(f"note: whoever can reach {host} can read the documents: there is no login", file=sys.stderr)
    print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # questions are private
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )
    uvicorn.Server(config).run([listener])


def _leave(status: int) -> NoReturn:
    """End at once: a model that is still loading or writing cannot be interrupted, only left."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _leave(run(main))
