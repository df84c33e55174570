"""The server process: listen, check that it is safe to, and run, in one process or several."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from rag.config import Settings
from rag.errors import SettingError

_TAKEN_UP = 4096  # connections of a socket that are taken up before the event loop gets to other work
_FILES = 65_536  # open files wanted where the system sets no limit: a connection is one
_logger = logging.getLogger("lectern.start")


def serve(settings: Settings, *, inherited: Sequence[int] | None = None) -> None:
    """Serve until a signal. Raises SettingError where it cannot start.

    `inherited` are the numbers of the listening sockets that the parent process opened: this is one of
    several workers then.
    """
    from api import log, processes
    from api.memory import few_heaps

    few_heaps()  # before there are threads
    finish = log.configure(settings.api.log, open_=settings.api.log_questions)
    try:
        if inherited:
            processes.end_with_parent(settings.api.grace_s)
            _run(settings, [socket.socket(fileno=number) for number in inherited])
        else:
            _begin(settings)
    finally:
        finish()


def _begin(settings: Settings) -> None:
    from api import processes, upload_folder
    from api.binding import address, is_loopback, listen
    from api.recovery import Recovery
    from rag.build import check_settings

    check_settings(settings)
    upload_folder.check(settings)
    listeners = listen(settings.api.host, settings.api.port)
    public = not is_loopback(listeners[0])
    _check_keys(settings, public=public)
    recovery = Recovery(settings)
    try:
        recovery.start()
        print(f"listening on {address(listeners[0])}", flush=True)
        if settings.api.processes > 1:
            processes.supervise(settings, listeners)
        else:
            _run(settings, listeners)
    finally:
        recovery.close()


def _check_keys(settings: Settings, *, public: bool) -> None:
    """Whoever reaches a public address can read the documents unless a key is asked for."""
    from api import keys

    file = Path(settings.api.keys_file).absolute()
    known = keys.read(file)
    if known:
        keys.check_place(settings)
    if public and not known:
        raise SettingError(
            f"api.host {settings.api.host} can be reached from other machines and there is no API key: make "
            "one with `python -m api keys add NAME`, or listen on 127.0.0.1"
        )
    _logger.info("keys", extra={"fields": {"keys": len(known), "file": str(file)}})


def _run(settings: Settings, listeners: Sequence[socket.socket]) -> None:
    import uvicorn

    from api.access import HEADER_LIMIT
    from api.app import create_app
    from api.binding import is_loopback
    from api.guard import Bounds, Guard
    from api.limits import limited
    from api.listener import Leaving, Listener, allow_files, most_files
    from api.telemetry import telemetry
    from rag.build import build_engine

    allow_files(_FILES)
    api = settings.api
    app = create_app(
        settings,
        build_engine(settings),
        key_required=not is_loopback(listeners[0]),
        telemetry=telemetry(settings),
    )
    guard = Guard(Bounds(api.silence_s, api.connections, api.connections_per_address))
    config = uvicorn.Config(
        app,
        http=limited(guard),
        loop="asyncio",  # others would take connections up without asking the listener
        log_config=None,
        access_log=False,  # questions are private; api.trace writes what may be known
        server_header=False,
        proxy_headers=False,
        ws="none",
        backlog=_TAKEN_UP,
        h11_max_incomplete_event_size=HEADER_LIMIT,
        timeout_graceful_shutdown=max(1, round(api.grace_s)),
    )
    leaving = Leaving(most_files() - api.connections)
    uvicorn.Server(config).run([Listener(each, guard, leaving) for each in listeners])
