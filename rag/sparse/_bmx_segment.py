"""One immutable segment of a BMX index: flat little-endian columns that are mapped, never loaded.

Terms are sorted by their UTF-8 bytes; the postings of term t are rows[starts[t]:starts[t + 1]], by
ascending row. Frequencies are bytes; 255 stands for an entry in the short overflow columns. For every
128 postings the largest frequency and the shortest row bound what any of them can score.
"""

from __future__ import annotations

import json
import mmap
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import IndexDamaged
from rag.files import let_go

BLOCK = 128
_READ_BELOW = 1 << 16  # bytes: a map would hold a file descriptor for a few pages
OVERFLOW = 255  # the byte that says: look into the overflow columns
FORMAT = 1
COLUMNS = {
    "terms": "u1",
    "offsets": "<u8",
    "starts": "<u8",
    "entropy": "<i8",
    "rows": "<u4",
    "tf": "u1",
    "overflow-at": "<u8",
    "overflow-tf": "<u4",
    "block-tf": "<u4",
    "block-length": "<u4",
    "lengths": "<u4",
}
DESCRIPTION = "sparse-segment.json"


@dataclass(frozen=True, slots=True)
class Span:
    """A term's place in one segment: its number and the range of its postings."""

    term: int
    start: int
    end: int


class Columns:
    """The mapped columns of one folder. Raises IndexDamaged if they are not what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        described = _described(folder)
        self.size = described["rows"]
        self.length = described["length"]
        self.vocabulary = described["terms"]
        self._columns = {
            name: _mapped(folder, name, kind, described["columns"][name]) for name, kind in COLUMNS.items()
        }
        # Single numbers are read from a memoryview ten times faster than from an array.
        self._offsets = self._columns["offsets"].data
        self._starts = self._columns["starts"].data
        self._terms = self._columns["terms"].data

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        """A column by its name, underscores for dashes."""
        try:
            column: npt.NDArray[Any] = self._columns[name.replace("_", "-")]
        except KeyError:
            raise AttributeError(name) from None
        return column

    def term(self, number: int) -> bytes:
        """The UTF-8 bytes of a term."""
        return bytes(self._terms[self._offsets[number] : self._offsets[number + 1]])

    def find(self, term: bytes) -> Span | None:
        """Where a term's postings are, by binary search over the mapped vocabulary."""
        number = bisect_left(range(self.vocabulary), term, key=self.term)
        if number == self.vocabulary or self.term(number) != term:
            return None
        return Span(number, self._starts[number], self._starts[number + 1])

    def terms_between(self, first: int, last: int) -> list[bytes]:
        """Terms `first` to `last` - 1."""
        offsets = self.offsets[first : last + 1].tolist()
        text = bytes(self._terms[offsets[0] : offsets[-1]])
        begin = offsets[0]
        return [text[a - begin : b - begin] for a, b in pairwise(offsets)]

    def let_go(self) -> None:
        """Give back the pages that reading made this process hold."""
        for column in self._columns.values():
            let_go(column)

    def frequencies(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Term frequencies of postings `start` to `end` - 1, int64."""
        found = self.tf[start:end].astype(np.int64)
        if len(self.overflow_at):
            first, last = np.searchsorted(self.overflow_at, [start, end])
            found[self.overflow_at[first:last].astype(np.int64) - start] = self.overflow_tf[first:last]
        return found

    def frequencies_at(self, postings: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Term frequencies of these postings, int64."""
        found = self.tf[postings].astype(np.int64)
        large = np.flatnonzero(found == OVERFLOW)
        if len(large):
            places = np.searchsorted(self.overflow_at, postings[large].astype(np.uint64))
            found[large] = self.overflow_tf[places]
        return found

    @cached_property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """What the compiled kernel reads, in its order."""
        names = ("rows", "tf", "overflow-at", "overflow-tf", "block-tf", "block-length", "lengths")
        return tuple(self._columns[name] for name in names)


def _described(folder: Path) -> dict[str, Any]:
    file = folder / DESCRIPTION
    try:
        described = json.loads(file.read_bytes())
        if described["format"] != FORMAT:
            raise IndexDamaged(
                f"{file} has format {described['format']}, not {FORMAT}: build the index again"
            )
        counts = {name: int(described[name]) for name in ("rows", "length", "terms")}
        return {**counts, "columns": {name: int(described["columns"][name]) for name in COLUMNS}}
    except OSError as error:
        raise IndexDamaged(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(f"{file} is damaged") from error


def _mapped(folder: Path, name: str, kind: str, count: int) -> npt.NDArray[Any]:
    """A file's content as a read-only array. A short file is refused: reading past it kills the process."""
    file = folder / f"sparse-{name}.bin"
    dtype = np.dtype(kind)
    try:
        size = file.stat().st_size
        if size != count * dtype.itemsize:
            raise IndexDamaged(f"{file} has {size} bytes where {count * dtype.itemsize} were written")
        if not count:
            return np.zeros(0, dtype=dtype)
        if size < _READ_BELOW:
            return np.frombuffer(file.read_bytes(), dtype=dtype, count=count)
        with file.open("rb") as stream:
            return np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), dtype=dtype)
    except OSError as error:
        raise IndexDamaged(f"{file}: {error.strerror}") from error
