"""The server process: listen, check that it is safe to, and run, in one process or several."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from rag.config import Settings
from rag.errors import SettingError

_BACKLOG = 4096  # connections the kernel keeps until they are taken up
_FILES = 65_536  # open files wanted: a connection is one
_logger = logging.getLogger("lectern.start")


def serve(settings: Settings, *, inherited: int | None = None) -> None:
    """Serve until a signal. Raises SettingError where it cannot start.

    `inherited` is the number of a listening socket that the parent process opened: this is one of
    several workers then.
    """
    from api import log, processes

    finish = log.configure(settings.api.log, open_=settings.api.log_questions)
    try:
        if inherited is not None:
            processes.end_with_parent()
            _run(settings, socket.socket(fileno=inherited))
        else:
            _begin(settings)
    finally:
        finish()


def _begin(settings: Settings) -> None:
    from api import processes, upload_folder
    from rag.build import check_settings

    check_settings(settings)
    upload_folder.check(settings)
    listener = _listen(settings.api.host, settings.api.port)
    public = not _is_loopback(listener)
    _check_keys(settings, public=public)
    print(f"listening on {_address(listener)}", flush=True)
    if settings.api.processes > 1:
        processes.supervise(settings, listener)
    else:
        _run(settings, listener)


def _check_keys(settings: Settings, *, public: bool) -> None:
    """Whoever reaches a public address can read the documents unless a key is asked for."""
    from api import keys

    file = Path(settings.api.keys_file).absolute()
    known = keys.read(file)
    if public and not known:
        raise SettingError(
            f"api.host {settings.api.host} can be reached from other machines and there is no API key: make "
            "one with `python -m api keys add NAME`, or listen on 127.0.0.1"
        )
    _logger.info("keys", extra={"fields": {"keys": len(known), "file": str(file)}})


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
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise SettingError(
            f"cannot listen on {host} port {port}: {reason}; choose others with --host and --port"
        ) from error
    return listener


def _is_loopback(listener: socket.socket) -> bool:
    return ip_address(str(listener.getsockname()[0]).partition("%")[0]).is_loopback


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _run(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from api.access import HEADER_LIMIT
    from api.app import create_app
    from api.guard import Bounds
    from api.limits import limited
    from rag.build import build_engine

    _allow_files()
    api = settings.api
    app = create_app(settings, build_engine(settings), key_required=not _is_loopback(listener))
    bounds = Bounds(api.silence_s, api.connections, api.connections_per_address)
    config = uvicorn.Config(
        app,
        http=limited(bounds),
        log_config=None,
        access_log=False,  # questions are private; api.trace writes what may be known
        server_header=False,
        proxy_headers=False,
        ws="none",
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=HEADER_LIMIT,
        timeout_graceful_shutdown=max(1, round(api.grace_s)),
    )
    uvicorn.Server(config).run([listener])


def _allow_files() -> None:
    """Every connection is an open file, and the usual limit of 1,024 is soon reached."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
