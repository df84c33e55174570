"""The vectors of chunks that are to be indexed: those that were made before, and those made now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from rag.errors import SettingError
from rag.protocols.models import Embedder
from rag.types import Chunk, Vectors

_AT_ONCE = 4_096  # chunks whose vectors are made together


class ChunkVectors:
    """Gives chunks their vectors. `made` counts the texts embedded, `seconds` how long that took."""

    def __init__(self, embedder: Embedder, known: Callable[[Sequence[str]], Mapping[str, Vectors]]) -> None:
        """`known` gives the vectors of those of some texts that were embedded in an earlier run."""
        self.made = 0
        self.seconds = 0.0
        self._embedder = embedder
        self._known = known

    def of(self, chunks: Sequence[Chunk], given: Mapping[str, Vectors]) -> Iterator[Vectors]:
        """What each chunk's indexed text embeds to, float32 (windows, dimension); `given` are those of some
        texts that were just embedded elsewhere.

        They are made as they are asked for, a block at a time: of a large document no more is held.
        Raises SettingError for vectors that are not made of numbers.
        """
        self.made += len(given)
        for vectors in given.values():
            finite(vectors, self._embedder)
        for first in range(0, len(chunks), _AT_ONCE):
            block = [chunk.indexed_text for chunk in chunks[first : first + _AT_ONCE]]
            yield from self._block(block, given)

    def _block(self, texts: Sequence[str], given: Mapping[str, Vectors]) -> Iterator[Vectors]:
        known = {**given, **self._known([each for each in texts if each not in given])}
        new = [each for each in dict.fromkeys(texts) if each not in known]
        windows = [self._embedder.windows(each) for each in new]
        began = time.perf_counter()
        pieces = [window for own in windows for window in own]
        encoded = iter(finite(self._embedder.encode(pieces), self._embedder) if new else ())
        self.seconds += time.perf_counter() - began
        self.made += len(new)
        for each, own in zip(new, windows, strict=True):
            known[each] = np.stack([next(encoded) for _ in own])
        return iter([known[each] for each in texts])


def finite(vectors: Vectors, embedder: Embedder) -> Vectors:
    """`vectors`, where all their components are finite. Raises SettingError otherwise.

    One that is not would take all others' places: nothing compares with what is not a number.
    """
    if not np.isfinite(vectors).all():
        raise SettingError(
            f"the embedder {embedder.fingerprint} on {embedder.device} makes vectors that are not numbers: "
            "set embedder.dtype = 'float32', or another embedder.model"
        )
    return vectors
