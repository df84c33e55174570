"""BMX in memory-mapped segments: built in a stream, searched in place, extended by what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from rag.errors import IndexDamaged
from rag.protocols.legs import SparseIndex
from rag.sparse._bmx_build import write_documents
from rag.sparse._bmx_formula import VARIANTS
from rag.sparse._bmx_merge import merge_segments
from rag.sparse._bmx_reader import BmxReader
from rag.sparse._bmx_segment import Columns
from rag.sparse._bmx_tombstones import bitmap
from rag.types import Segment

VariantName: TypeAlias = Literal["baguetter", "distinct", "unknown", "distinct-unknown", "paper"]


class BmxIndex:
    """Writes, merges and opens segments of a BMX index."""

    def __init__(self, variant: VariantName) -> None:
        self._variant = VARIANTS[variant]

    def write(self, folder: Path, documents: Iterable[Sequence[str]]) -> None:
        """A segment over one sequence of terms per row; `documents` may be a stream, memory is bounded.

        Raises OSError if the disk does not take it.
        """
        write_documents(folder, documents)

    def merge(self, folder: Path, segments: Sequence[Segment]) -> None:
        """Write the living rows of `segments`, in their order, as one segment. Memory stays bounded."""
        columns = [_columns(segment) for segment in segments]
        dead = [bitmap(own, segment.deleted) for own, segment in zip(columns, segments, strict=True)]
        merge_segments(columns, dead, folder)

    def open(self, segments: Sequence[Segment]) -> BmxReader:
        """The segments as one collection. Raises IndexDamaged if the files are not what was written."""
        columns = [_columns(segment) for segment in segments]
        return BmxReader(columns, [segment.deleted for segment in segments], self._variant)


def _columns(segment: Segment) -> Columns:
    columns = Columns(segment.folder)
    if columns.size != segment.rows:
        raise IndexDamaged(f"{segment.folder} has {columns.size} rows where {segment.rows} were written")
    return columns


def build(variant: VariantName = "baguetter") -> SparseIndex:
    """The BMX backend; `variant` names what of the formula is taken (see _bmx_formula.Variant)."""
    return BmxIndex(variant)
