"""Numbers that are given once and never again, whatever is removed and whoever is killed."""

from __future__ import annotations

import json
import threading
from typing import Literal, TypeAlias

from rag.stores._milvus_client import Connection
from rag.stores._milvus_rows import SETTING, setting_row

Kind: TypeAlias = Literal["version", "chunk", "term"]

NUMBERS = "numbers"
_RESERVED = 10_000  # with one call: a writer that is killed leaves at most so many unused


class Numbers:
    """Gives out ascending numbers from 1 for each kind; what it gives was reserved in the store before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        found = connection.get(SETTING, "name", [NUMBERS], ["value"])
        self._reserved: dict[str, int] = json.loads(found[0]["value"]) if found else {}
        self._last: dict[str, int] = dict(self._reserved)

    def take(self, kind: Kind, count: int) -> int:
        """The first of `count` numbers in a row."""
        with self._lock:
            first = self._last.get(kind, 0) + 1
            last = first + count - 1
            if last > self._reserved.get(kind, 0):
                self._reserved[kind] = last + _RESERVED
                self._connection.put(SETTING, [setting_row(NUMBERS, json.dumps(self._reserved))])
            self._last[kind] = last
            return first

    def last(self, kind: Kind) -> int:
        """The last number given, or one beyond it."""
        return self._last.get(kind, 0)
