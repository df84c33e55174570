"""Vectors that were computed last, remembered: the search, the answer and its confidence ask for the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from rag.types import Vectors

_MOST = 1024  # vectors


class Memory:
    """Vectors by what they were made of; the ones asked for longest ago go first. For many threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Vectors | None:
        """The vector, None for one that is not known."""
        with self._lock:
            if key not in self._known:
                return None
            self._known.move_to_end(key)
            return self._known[key]

    def put(self, key: Hashable, vector: Vectors) -> None:
        """Remember a vector, which nobody changes."""
        with self._lock:
            self._known[key] = vector
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
