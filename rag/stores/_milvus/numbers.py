"""Numbers that are given once and never again, whatever is removed and whoever is killed."""

from __future__ import annotations

import json
import threading
from typing import Literal, TypeAlias

from rag.stores._milvus.client import Connection
from rag.stores._milvus.settings import NUMBERS, remember, setting

Kind: TypeAlias = Literal["version", "chunk", "term"]

_RESERVED = 10_000  # with one call: a writer that is killed leaves at most so many unused


class Numbers:
    """Gives out ascending numbers from 1 for each kind; what it gives was reserved in the store before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._reserved: dict[str, int] = json.loads(setting(connection, NUMBERS) or "{}")
        self._last: dict[str, int] = dict(self._reserved)

    def take(self, kind: Kind, count: int) -> int:
        """The first of `count` numbers in a row."""
        with self._lock:
            first = self._last.get(kind, 0) + 1
            last = first + count - 1
            if last > self._reserved.get(kind, 0):
                self._reserved[kind] = last + _RESERVED
                remember(self._connection, NUMBERS, json.dumps(self._reserved))
            self._last[kind] = last
            return first

    def last(self, kind: Kind) -> int:
        """The last number given, or one beyond it."""
        return self._last.get(kind, 0)
