"""BMX in memory-mapped segments: built in a stream, searched in place, extended by what is new.

A folder holds one segment. The protocol's `write` and `open` know one; `write_segment`,
`open_segments` and `merge` are for an index of several: a document is added by writing a segment of
its own, deleted by naming its row, and `merge` makes one segment of those that have become many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from rag.protocols import SparseIndex
from rag.sparse._bmx_build import write_documents
from rag.sparse._bmx_formula import VARIANTS
from rag.sparse._bmx_merge import merge_segments
from rag.sparse._bmx_reader import BmxReader
from rag.sparse._bmx_segment import Segment
from rag.sparse._bmx_tombstones import bitmap

VariantName: TypeAlias = Literal["baguetter", "distinct", "unknown", "distinct-unknown", "paper"]


class BmxIndex:
    """Writes and opens BMX indexes of one segment, the protocol's, or of many."""

    def __init__(self, variant: VariantName) -> None:
        self._variant = VARIANTS[variant]

    def write(self, folder: Path, documents: Iterable[Sequence[str]]) -> None:
        """One segment over one sequence of terms per row, in row order; `documents` may be a stream."""
        write_documents(folder, documents)

    def open(self, folder: Path) -> BmxReader:
        """The segment in `folder`. Raises IndexDamaged if its files are not what was written."""
        return self.open_segments([folder])

    def write_segment(self, folder: Path, documents: Iterable[Sequence[str]]) -> None:
        """Make `folder` and write a segment into it. Raises OSError if the disk does not take it."""
        folder.mkdir(parents=True, exist_ok=True)
        write_documents(folder, documents)

    def open_segments(self, folders: Sequence[Path], tombstones: Sequence[Iterable[int]] = ()) -> BmxReader:
        """Several segments as one collection; `tombstones[i]` are the deleted rows of `folders[i]`.

        Row r of folder i is number r plus the rows of the folders before it, deleted ones counted.
        Raises IndexDamaged if the files are not what was written, IndexError for a row that is not there.
        """
        return BmxReader([Segment(folder) for folder in folders], tombstones, self._variant)

    def merge(self, folder: Path, folders: Sequence[Path], tombstones: Sequence[Iterable[int]] = ()) -> Path:
        """Write the living rows of `folders`, in their order, into `folder` as one segment; returns it.

        The living rows get the numbers from 0 on without gaps. Memory stays bounded.
        """
        segments = [Segment(each) for each in folders]
        given = [np.unique(np.fromiter(rows, dtype=np.int64)) for rows in tombstones]
        given += [np.zeros(0, dtype=np.int64)] * (len(segments) - len(given))
        folder.mkdir(parents=True, exist_ok=True)
        merge_segments(
            segments, [bitmap(own, rows) for own, rows in zip(segments, given, strict=True)], folder
        )
        return folder


def build(variant: VariantName = "baguetter") -> SparseIndex:
    """The BMX backend; `variant` names what of the formula is taken (see _bmx_formula.Variant)."""
    return BmxIndex(variant)
