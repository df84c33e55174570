"""Several worker processes on the same listening sockets: the kernel hands each connection to one of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from api.child import environment
from api.metrics import SHARED, forget
from rag.config import Settings

_RESTART_S = 1.0  # a worker that dies at once must not be started in a circle
_LOOK_S = 0.2
_LAST_S = 5.0  # what a worker has beyond its grace


def supervise(settings: Settings, listeners: Sequence[socket.socket]) -> None:
    """Start the workers, start those anew that die, and end them all on a signal, within their grace."""
    with tempfile.TemporaryDirectory(prefix="lectern-") as figures:
        workers: list[subprocess.Popen[bytes]] = []
        try:
            while True:
                _fill(workers, settings, listeners, figures)
                time.sleep(_LOOK_S)
        except KeyboardInterrupt:
            pass
        finally:
            _end(workers, settings.api.grace_s)


def end_with_parent(grace_s: float) -> None:
    """In a worker: end when the parent is gone, however it died, within the grace of `grace_s` seconds.

    The parent holds the only other end of our standard input; the system closes it with the process.
    A SIGTERM that comes in the middle of an import may be lost with the exception that it raised, and
    nobody else is left who would end a worker that heard none.
    """

    def follow() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s + _LAST_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, name="parent", daemon=True).start()


def _fill(
    workers: list[subprocess.Popen[bytes]],
    settings: Settings,
    listeners: Sequence[socket.socket],
    figures: str,
) -> None:
    dead = [worker for worker in workers if worker.poll() is not None]
    for worker in dead:
        print(f"a worker ended with status {worker.returncode}: starting another", file=sys.stderr)
        workers.remove(worker)
        forget(worker.pid, figures)
    if dead:
        time.sleep(_RESTART_S)
    while len(workers) < settings.api.processes:
        workers.append(_start(settings, listeners, figures))


def _start(settings: Settings, listeners: Sequence[socket.socket], figures: str) -> subprocess.Popen[bytes]:
    numbers = [listener.fileno() for listener in listeners]
    nothing = Path(figures) / "rag.toml"  # every setting comes from the environment, none from elsewhere
    nothing.touch()
    line = [sys.executable, "-m", "api", "--config", str(nothing)]
    line += [word for number in numbers for word in ("--inherited", str(number))]
    more = {SHARED: figures}
    return subprocess.Popen(  # noqa: S603 - our own program
        line,
        env=environment(settings) | more,
        pass_fds=numbers,
        stdin=subprocess.PIPE,  # nothing is written to it: see end_with_parent
    )


def _end(workers: list[subprocess.Popen[bytes]], grace_s: float) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    limit = time.monotonic() + grace_s + _LAST_S
    for worker in workers:
        try:
            worker.wait(max(0.0, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
