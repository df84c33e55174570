"""One writer at a time, where there is no file to lock: a lease that its holder renews."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from rag.errors import IndexBusy, RagError
from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import SETTING
from rag.stores._milvus.settings import LEASE, remember, setting

_SECONDS = 60.0  # a holder that is silent for so long has gone
_RENEWED = 15.0
_SETTLING = 0.2  # two that begin at once both have written by then; the last one's lease stands


class Lease:
    """Held from construction to `end`, as long as it is renewed in time."""

    def __init__(self, connection: Connection) -> None:
        """Raises IndexBusy naming the holder."""
        self._connection = connection
        self._name = uuid4().hex
        self._check()
        self._written = (0.0, 0.0)
        self._write()
        if not connection.address.is_file:  # of which no other process can be a writer
            time.sleep(_SETTLING)
        self._check()

    def renew(self) -> None:
        """Hold it for another while; costs nothing where there is time. Raises IndexBusy if it was lost.

        Of two clocks one may be put back, and the other stands still while the machine sleeps.
        """
        since = [now - then for now, then in zip(_now(), self._written, strict=True)]
        if all(0 <= each <= _RENEWED for each in since):
            return
        if self._read().get("name") != self._name:  # perhaps ended again: what is known here is out of date
            raise IndexBusy(
                f"{self._connection.address} was written by another process while this one stood still: "
                "run this again"
            )
        self._write()

    def end(self) -> None:
        """Let the next writer begin; where the server has gone the lease runs out by itself."""
        with suppress(RagError):
            self._end()

    def _end(self) -> None:
        if self._read().get("name") == self._name:
            self._connection.delete(SETTING, f'name == "{LEASE}"')

    def _write(self) -> None:
        held = {
            "name": self._name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "until": time.time() + _SECONDS,
        }
        self._written = _now()
        remember(self._connection, LEASE, json.dumps(held))

    def _check(self) -> None:
        held = self._read()
        if held and held["name"] != self._name and held["until"] > time.time() and not _is_dead(held):
            raise IndexBusy(
                f"{self._connection.address} is being written by process {held['pid']} on {held['host']}: "
                f"wait for it to end; if it was killed, its claim ends within {_SECONDS:.0f} s"
            )

    def _read(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(setting(self._connection, LEASE) or "{}")
        return held


def _now() -> tuple[float, float]:
    return time.time(), time.monotonic()


def _is_dead(held: dict[str, Any]) -> bool:
    """Whether the holder was a process of this host that is no more."""
    if os.name == "nt" or held["host"] != socket.gethostname():
        return False  # to Windows signal 0 is Ctrl-C
    try:
        os.kill(held["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
