"""One generation of an index, opened for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from rag.errors import IndexDamaged, IndexReplaced, RagError
from rag.fusion import document_number
from rag.indexes.generation import Manifest, SegmentFiles, segment_folder, verify
from rag.protocols.legs import DenseIndex, DenseReader, SparseIndex, SparseReader
from rag.protocols.stores import Published, Store
from rag.types import EVERYTHING, Chunk, Filter, Mask, Rows, Segment

# Row to record key: numbers that depend on the record's history and say nothing of the content.
KEYS = "keys.npy"
# The setting under which a record keeps the stamps of its last publishes, the newest first. Keys of one
# record mean nothing in another, nor in the same one put back to an earlier state: a generation carries
# the stamp that the record got for it.
RECORD = "record"
_KEPT_STAMPS = 8
# Filters whose rows are kept for the next question: so many, and so many bytes of rows.
_MASKS, _MASKS_BYTES = 256, 1 << 24


class OpenIndex:
    """Both search structures of one generation and the chunks their rows stand for.

    The structures are verified and opened when first asked for, so that opening costs next to nothing
    and a sparse search never reads a vector.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, store: Store, sparse: SparseIndex, dense: DenseIndex
    ) -> None:
        """Raises IndexDamaged if the keys or the deleted rows are not what was written."""
        verify(folder, manifest, (KEYS, "deleted-"))
        self.manifest = manifest
        self._folder = folder
        self._store = store
        self._sparse = sparse
        self._dense = dense
        self._segments = [opened_segment(folder, each) for each in manifest.segments]
        keys = [np.load(segment.folder / KEYS, allow_pickle=False) for segment in self._segments]
        self._masks: dict[Filter, Mask] = {}
        self._keys: Rows = np.concatenate([np.zeros(0, dtype=np.int64), *keys])
        self._documents: Rows = np.full(len(self._keys), -1, dtype=np.int64)  # filled as they are asked for

    @property
    def generation(self) -> str:
        """The generation's name."""
        return self.manifest.generation

    @cached_property
    def sparse(self) -> SparseReader:
        """The sparse leg's structure. Raises IndexDamaged."""
        verify(self._folder, self.manifest, ("sparse-",))
        return self._sparse.open(self._segments)

    @cached_property
    def dense(self) -> DenseReader:
        """The dense leg's structure. Raises IndexDamaged."""
        verify(self._folder, self.manifest, ("dense-",))
        return self._dense.open(self._segments)

    def among(self, chosen: Filter) -> Mask | None:
        """Which rows a filter lets through, bool (rows,); None where it is every one."""
        if chosen == EVERYTHING:
            return None
        mask = self._masks.get(chosen)
        if mask is None:
            self._check_record()
            mask = np.isin(self._keys, self._store.select(chosen))
            if self._may_be_forgotten():
                raise self._replaced()
            if len(self._masks) >= _MASKS or (len(self._masks) + 1) * len(mask) > _MASKS_BYTES:
                self._masks = {}
            self._masks[chosen] = mask
        return mask

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks of these rows, in their order.

        Raises IndexReplaced if the record no longer holds one: two newer generations were published
        while this one was in use. Raises IndexDamaged if the record is not the one they were taken from,
        or has lost them otherwise.
        """
        self._check_record()
        keys = [int(self._keys[row]) for row in rows]
        found = self._store.fetch(keys)
        if any(key not in found for key in keys):
            raise self._lost()
        return [found[key] for key in keys]

    def first(self, rows: Rows, count: int) -> Rows:
        """The first `count` of these rows by document id and position, without reading their texts."""
        self._check_record()
        places = self._store.places([int(self._keys[row]) for row in rows])
        order = sorted(range(len(rows)), key=lambda at: places.get(int(self._keys[rows[at]]), ("", 0)))
        return rows[np.array(order[:count], dtype=np.int64)]

    def documents(self, rows: Rows) -> Rows:
        """Numbers by which rows of one document are known (`fusion.document_number`). Raises as `chunks`."""
        numbers = self._documents[rows]
        unknown = rows[numbers < 0]
        if len(unknown):
            self._check_record()
            keys = self._keys[unknown].tolist()
            places = self._store.places(keys)
            if len(places) < len(keys):
                raise self._lost()
            self._documents[unknown] = [document_number(places[key][0]) for key in keys]
            numbers = self._documents[rows]
        return numbers

    def _may_be_forgotten(self) -> bool:
        """Whether the record has let go of chunks of this generation."""
        return int(self._store.settings().get("published", "0")) > self.manifest.number + 1

    def _lost(self) -> RagError:
        """Why the record no longer holds a chunk."""
        if self._may_be_forgotten():
            return self._replaced()
        return IndexDamaged(
            "the record of the index has lost passages that it published: restore it from a copy, or run "
            "`python -m ingest` on your folder with --rebuild"
        )

    def _replaced(self) -> IndexReplaced:
        return IndexReplaced(
            f"generation {self.manifest.generation} was replaced while it was read: ask again"
        )

    def _check_record(self) -> None:
        """Asked each time: every thread has its own connection, and the file may have been put aside."""
        if not is_record_of(self._store.settings(), self.manifest):
            raise IndexDamaged(
                f"the record of the index is not the one that generation {self.manifest.generation} was "
                "made from: run `python -m ingest` on your folder again, it publishes what the record holds"
            )


def is_record_of(settings: Mapping[str, str], manifest: Manifest | Published) -> bool:
    """Whether a record with these settings is the one that the generation was made from, or a later state."""
    return bool(manifest.record) and manifest.record in settings.get(RECORD, "").split()


def stamped(settings: Mapping[str, str], stamp: str, published: str) -> str:
    """The setting `RECORD` with one more stamp; those newer than `published` were of publishes that failed,
    which must not push out the stamps of what readers see.
    """
    known = settings.get(RECORD, "").split()
    known = known[known.index(published) :] if published in known else known
    return " ".join([stamp, *known][:_KEPT_STAMPS])


def opened_segment(folder: Path, entry: SegmentFiles) -> Segment:
    """The segment that a manifest names, with its deleted rows."""
    home = segment_folder(folder, entry.number)
    if not entry.deleted:
        return Segment(home, entry.rows)
    return Segment(home, entry.rows, np.load(home / entry.deleted, allow_pickle=False))
