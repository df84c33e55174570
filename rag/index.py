"""One generation of an index, opened for reading."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag import text
from rag.errors import IndexDamaged, IndexReplaced
from rag.generation import Manifest, generation_folder, verify
from rag.protocols import DenseIndex, DenseReader, SparseIndex, SparseReader, Store, StoredChunk
from rag.types import Chunk

# Row to record key: numbers that depend on the record's history and say nothing of the content.
KEYS = "keys.npy"
# The setting under which a record keeps its identity: keys of one record mean nothing in another.
RECORD = "record"


class OpenIndex:
    """Both search structures of one generation and the chunks their rows stand for.

    The structures are opened when first asked for, so that a sparse search never loads the vectors.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, store: Store, sparse: SparseIndex, dense: DenseIndex
    ) -> None:
        verify(folder, manifest)
        self.manifest = manifest
        self._home = generation_folder(folder, manifest.number)
        self._store = store
        self._sparse = sparse
        self._dense = dense
        self._keys: npt.NDArray[np.int64] = self._array(KEYS)

    @cached_property
    def sparse(self) -> SparseReader:
        """The sparse leg's structure."""
        return self._sparse.open(self._home)

    @cached_property
    def dense(self) -> DenseReader:
        """The dense leg's structure."""
        return self._dense.open(self._home)

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks of these rows, in their order.

        Raises IndexReplaced if the record no longer holds one: two newer generations were published
        while this one was in use. Raises IndexDamaged if the record is not the one they were taken from.
        """
        self._check_record()
        keys = [int(self._keys[row]) for row in rows]
        found = self._store.fetch(keys)
        missing = [key for key in keys if key not in found]
        if missing:
            name = self.manifest.generation
            raise IndexReplaced(f"generation {name} was replaced while it was read: ask again")
        return [found[key] for key in keys]

    def _check_record(self) -> None:
        """Asked each time: every thread has its own connection, and the file may have been put aside."""
        if self._store.settings().get(RECORD, "") != self.manifest.record:
            raise IndexDamaged(
                f"the record of the index is not the one that generation {self.manifest.generation} was "
                "made from: run `python -m ingest` on your folder again, it publishes what the record holds"
            )

    def _array(self, name: str) -> Any:
        return np.load(self._home / name, allow_pickle=False)


def write_generation(
    home: Path, chunks: Sequence[StoredChunk], dimension: int, sparse: SparseIndex, dense: DenseIndex
) -> None:
    """Write the files of a generation whose row i is `chunks[i]`."""
    np.save(home / KEYS, np.array([stored.key for stored in chunks], dtype=np.int64))
    sparse.write(home, (text.terms(stored.chunk.indexed_text) for stored in chunks))
    rows = [row for row, stored in enumerate(chunks) for _ in stored.vectors]
    nothing = np.zeros((0, dimension), dtype=np.float32)
    dense.write(home, np.concatenate([nothing, *(stored.vectors for stored in chunks)]), rows)
