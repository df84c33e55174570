"""Questions and sentences of several callers computed in one matrix, and remembered.

While one matrix is computed, the texts that come meanwhile wait and fill the next one: a busy service
computes several questions in the time of one, an idle one never waits for company. Every matrix has the
same number of rows, so that a text's vector depends on nothing that happens to stand beside it, and one
that is remembered is the one that would be computed again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import numpy as np

from rag.embedders._memory import Memory
from rag.types import Vectors

Tokens: TypeAlias = tuple[int, ...]
Waiting: TypeAlias = "tuple[Tokens, Future[Vectors]]"


class Together:
    """Computes token ids with `compute`, as many texts at a time as `rows` have room for."""

    def __init__(
        self,
        compute: Callable[[Sequence[Tokens]], Vectors],
        size: Callable[[int], int],
        rows: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        """`size` tells how many rows a text of so many tokens takes; `pool` has the threads to compute in."""
        self._compute = compute
        self._size = size
        self._rows = rows
        self._pool = pool
        self._waiting: deque[Waiting] = deque()
        self._memory = Memory()
        self._lock = threading.Lock()

    def vectors(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Vectors, float32 (len(texts), dimension), of at least one text. Raises what `compute` raises."""
        asked = [self._asked(tuple(text)) for text in texts]
        return np.stack([each if isinstance(each, np.ndarray) else each.result() for each in asked])

    def _asked(self, text: Tokens) -> Vectors | Future[Vectors]:
        """The vector if it is known, else its promise."""
        if (known := self._memory.get(text)) is not None:
            return known
        promised: Future[Vectors] = Future()
        with self._lock:
            self._waiting.append((text, promised))
        # One step for each text: those that find nothing left, because another took it along, are free.
        self._pool.submit(self._step)
        return promised

    def _step(self) -> None:
        if not (batch := self._taken()):
            return
        try:
            found = self._compute([text for text, _ in batch])
        except BaseException as error:  # noqa: BLE001 - whoever waits for it must hear of it
            for _, promised in batch:
                promised.set_exception(error)
            return
        for (text, promised), vector in zip(batch, found, strict=True):
            own = vector.copy()  # a view would keep the whole matrix
            self._memory.put(text, own)
            promised.set_result(own)

    def _taken(self) -> list[Waiting]:
        """The texts that waited longest, as many as fit; one that is longer than a matrix comes alone."""
        with self._lock:
            batch: list[Waiting] = []
            filled = 0
            while self._waiting:
                filled += self._size(len(self._waiting[0][0]))
                if batch and filled > self._rows:
                    break
                batch.append(self._waiting.popleft())
            return batch
