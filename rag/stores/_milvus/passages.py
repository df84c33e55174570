"""Term counts and places of passages, remembered: a passage once written never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import CHUNK
from rag.stores._milvus.terms import frequencies
from rag.types import Rows

_KEPT = 50_000  # passages, of about 12 bytes a distinct term


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """Distinct terms by number with how often each occurs, |D|, which generations see it, and its place."""

    terms: Rows
    frequencies: npt.NDArray[np.float64]
    length: int
    born: int
    retired: int
    document: str
    ordinal: int


_GONE = Passage(np.zeros(0, dtype=np.int64), np.zeros(0), 0, 1, 0, "", 0)
_FIELDS = ("terms", "length", "born", "retired", "document", "ordinal")


class Passages:
    """Reads passages and keeps those used last. Safe to share between threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: OrderedDict[int, Passage] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, keys: Sequence[int]) -> list[Passage]:
        """The passages with these keys, in their order; one that is gone has no terms and no document."""
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = [key for key in keys if key not in known]
        for row in self._connection.get(CHUNK, "key", missing, _FIELDS):
            numbers, counts = frequencies(row["terms"], row["length"])
            rest = (row[name] for name in _FIELDS[1:])
            known[row["key"]] = Passage(numbers, counts, *rest)
        with self._lock:
            for key in keys:
                if key in known:
                    self._kept[key] = known[key]
                    self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return [known.get(key, _GONE) for key in keys]
