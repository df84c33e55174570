"""Writes what a publish adds: one new segment, and the rows that the others lost.

Small segments are merged into the new one as they come to weigh no more than it, so that their sizes
fall geometrically: a row is copied about log2(rows) times in its life, and an index has about
log2(rows) segments at most.
"""

from __future__ import annotations

import shutil
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag import text
from rag.indexes.generation import (
    Manifest,
    SegmentFiles,
    segment_folder,
    verify_segment,
    write_file,
    write_files,
)
from rag.indexes.reader import KEYS, opened_segment
from rag.protocols.legs import DenseIndex, SparseIndex
from rag.protocols.stores import StoredChunk
from rag.types import Rows, Segment, Vectors

_MERGED = 2  # a segment is merged into a new one that has at least a half of its living rows
_ADDED, _SPILLED = "added", "vectors"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes segments of one index folder. `dimension` is that of the vectors."""

    folder: Path
    dimension: int
    sparse: SparseIndex
    dense: DenseIndex

    def write(
        self,
        number: int,
        base: Manifest | None,
        added: Iterator[StoredChunk],
        count: int,
        removed: Sequence[int],
    ) -> tuple[SegmentFiles, ...]:
        """The segments of publish `number`: those of `base` without the chunks whose keys are `removed`,
        and the chunks `added`, `count` of them. Raises RagError if the disk does not take them,
        IndexDamaged if a segment that is to be merged is not what was written.
        """
        standing = [self._without(segment, removed) for segment in (base.segments if base else ())]
        standing = [(entry, gone) for entry, gone in standing if entry.living]
        merged = _to_merge([entry for entry, _ in standing], count)
        kept = [
            self._with_deleted(number, entry, gone)
            for at, (entry, gone) in enumerate(standing)
            if at not in merged
        ]
        for at in merged:  # what is kept is verified by who reads it
            verify_segment(self.folder, standing[at][0])
        old = [_opened(self.folder, *standing[at]) for at in merged]
        if not count and not old:
            return tuple(kept)
        rows = 0

        def write(home: Path) -> None:
            nonlocal rows
            rows = self._segment(home, old, added)

        files = write_files(self.folder, number, write)
        return (*kept, SegmentFiles(number, rows, rows, "", files))

    def _segment(self, home: Path, old: Sequence[Segment], added: Iterator[StoredChunk]) -> int:
        """Fill `home` with one segment over `old` and `added`; returns its rows."""
        if not old:
            return self._stream(home, added)
        new = home / _ADDED
        new.mkdir()
        pieces = [*old, Segment(new, self._stream(new, added))]
        pieces = [piece for piece in pieces if piece.rows]
        keys = np.concatenate([np.delete(_keys(piece.folder), piece.deleted) for piece in pieces])
        np.save(home / KEYS, keys)
        self.sparse.merge(home, pieces)
        self.dense.merge(home, pieces)
        shutil.rmtree(new)
        return len(keys)

    def _stream(self, folder: Path, chunks: Iterator[StoredChunk]) -> int:
        """A segment of the chunks in one pass; returns their number.

        Two numbers of each stay in memory, its vectors go through a file.
        """
        keys, owners = array("q"), array("q")
        with (folder / _SPILLED).open("wb") as spilled:

            def documents() -> Iterator[Sequence[str]]:
                for stored in chunks:
                    owners.extend([len(keys)] * len(stored.vectors))
                    keys.append(stored.key)
                    spilled.write(np.ascontiguousarray(stored.vectors, np.float32).tobytes())
                    yield text.document_terms(stored.chunk)

            self.sparse.write(folder, documents())
        np.save(folder / KEYS, np.asarray(keys, np.int64))
        self.dense.write(folder, self._spilled(folder, len(owners)), owners)
        (folder / _SPILLED).unlink()
        return len(keys)

    def _spilled(self, folder: Path, count: int) -> Vectors:
        if not count:  # an empty file cannot be mapped
            return np.zeros((0, self.dimension), np.float32)
        return np.memmap(folder / _SPILLED, np.float32, "r", shape=(count, self.dimension))

    def _without(self, entry: SegmentFiles, removed: Sequence[int]) -> tuple[SegmentFiles, Rows | None]:
        """A segment after the removal, and all of its deleted rows if this removal changed them."""
        if not removed:
            return entry, None
        segment = opened_segment(self.folder, entry)
        gone = np.flatnonzero(np.isin(_keys(segment.folder), removed))
        deleted = np.union1d(segment.deleted, gone)
        if len(deleted) == len(segment.deleted):
            return entry, None
        return replace(entry, living=entry.rows - len(deleted)), deleted

    def _with_deleted(self, number: int, entry: SegmentFiles, deleted: Rows | None) -> SegmentFiles:
        """The segment with its deleted rows in a file of this publish."""
        if deleted is None:
            return entry
        name = f"deleted-{number:08d}.npy"
        file = segment_folder(self.folder, entry.number) / name
        digest = write_file(file, lambda path: np.save(path, deleted))
        files = {known: each for known, each in entry.files.items() if known != entry.deleted}
        return replace(entry, deleted=name, files={**files, name: digest})


def _to_merge(segments: Sequence[SegmentFiles], added: int) -> list[int]:
    """Which segments a new one of `added` rows takes in: the half empty, and the no longer larger."""
    chosen = [at for at, each in enumerate(segments) if 2 * each.living < each.rows]
    total = added + sum(segments[at].living for at in chosen)
    for at in sorted(range(len(segments)), key=lambda at: segments[at].living):
        if at not in chosen and segments[at].living < _MERGED * total:
            chosen.append(at)
            total += segments[at].living
    return sorted(chosen)


def _opened(folder: Path, entry: SegmentFiles, deleted: Rows | None) -> Segment:
    segment = opened_segment(folder, entry)
    return segment if deleted is None else replace(segment, deleted=deleted)


def _keys(folder: Path) -> Rows:
    keys: Rows = np.load(folder / KEYS, allow_pickle=False)
    return keys
