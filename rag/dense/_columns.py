"""The files of one segment: plain arrays, written in a stream and opened by memory map.

`dense-vectors` float32 (n, dimension) holds the vectors in row order; row r's are those from
`dense-rows`[r] up to `dense-rows`[r + 1], int32. Where there are enough of them to be worth it,
`_codes` writes codes of them beside, grouped in lists.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from weakref import finalize

import numpy as np
import numpy.typing as npt

from rag.errors import IndexDamaged
from rag.types import Rows, Vectors

Ints: TypeAlias = npt.NDArray[np.int32]

VECTORS, OFFSETS = "dense-vectors.npy", "dense-rows.npy"
SIGNS, FACTORS = "dense-signs.npy", "dense-factors.npy"
CODES, STEPS = "dense-codes.npy", "dense-steps.npy"
CODED_ROWS, CENTROIDS, STARTS = "dense-coded-rows.npy", "dense-centroids.npy", "dense-starts.npy"
# Bytes: for a smaller file a map would hold a file descriptor for a few pages.
_MAPPED_FROM = 1 << 16
_CODED = (SIGNS, FACTORS, CODES, STEPS, CODED_ROWS, CENTROIDS, STARTS)


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """The vectors as codes (`_codes`): place i of list l, `starts[l] <= i < starts[l + 1]`, belongs to
    `rows[i]` and is `centroids[l]` plus about `factors[i]` times its signs, plus more nearly
    `steps[i]` times its `codes[i]`. `step` is the largest of the steps.
    `signs` holds list after list, in a list word after word of all its vectors.
    """

    signs: npt.NDArray[np.uint64]
    factors: Vectors
    codes: npt.NDArray[np.uint8]
    steps: Vectors
    rows: Ints
    centroids: Vectors
    starts: Rows
    step: float


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Columns:
    """One segment's mapped arrays; `coded` is None where the vectors themselves are soon compared.

    `file` is the descriptor of the vectors' file, closed with this object, and `data` where in it they begin.
    """

    vectors: Vectors
    offsets: Ints
    coded: Coded | None
    file: int
    data: int

    @property
    def rows(self) -> int:
        """Rows up to the last that has a vector."""
        return len(self.offsets) - 1

    def read(self, first: Rows, lengths: Rows) -> Vectors:
        """The `lengths[i]` vectors from `first[i]` on, of all i one after the other. Raises IndexDamaged.

        With codes they are read, not taken from the map: the kernel maps 16 pages around each that is
        touched, so that a few hundred questions would have the whole file counted as ours.
        """
        if self.coded is None or not hasattr(os, "preadv"):
            return self._taken(first, lengths)
        return self._from_file(first, lengths)

    def gather(self, places: Rows) -> Vectors:
        """The vectors at these places, in any order, whatever there is of them. Raises IndexDamaged."""
        ones = np.ones(len(places), np.int64)
        return self._from_file(places, ones) if hasattr(os, "preadv") else self._taken(places, ones)

    def _taken(self, first: Rows, lengths: Rows) -> Vectors:
        ends = np.cumsum(lengths)
        places = np.arange(int(lengths.sum())) - np.repeat(ends - lengths - first, lengths)
        found: Vectors = self.vectors[places]
        return found

    def _from_file(self, first: Rows, lengths: Rows) -> Vectors:
        width = self.vectors.shape[1] * self.vectors.itemsize
        starts, sizes = (self.data + first * width).tolist(), (lengths * width).tolist()
        found = bytearray(sum(sizes))  # filled in place: a sample of many vectors is not held twice
        at, end = memoryview(found), 0
        for start, size in zip(starts, sizes, strict=True):
            if os.preadv(self.file, [at[end : end + size]], start) != size:
                raise IndexDamaged(f"{VECTORS} is shorter than it was when it was opened")
            end += size
        return np.frombuffer(found, np.float32).reshape(-1, self.vectors.shape[1])


def write_array(file: Path, dtype: type[np.generic], shape: tuple[int, ...], blocks: Iterable[Any]) -> None:
    """Write an .npy file of `shape` block by block.

    Through write(2), never a writable map: a full disk is then an OSError and not a SIGBUS.
    """
    npy: Any = np.lib.format
    header = {"descr": npy.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with file.open("wb") as stream:
        npy.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(np.ascontiguousarray(block, dtype).tobytes())


def open_columns(folder: Path) -> Columns:
    """Map the arrays in `folder`. Raises IndexDamaged if they cannot be what was written."""
    vectors, offsets = _mapped(folder / VECTORS), _mapped(folder / OFFSETS)
    if vectors.ndim != 2 or len(offsets) < 1 or int(offsets[-1]) != len(vectors):
        raise IndexDamaged(f"{folder / OFFSETS} does not fit {VECTORS}")
    coded = None
    if (folder / CODES).exists():
        signs, factors, codes, steps, rows, centroids, starts = (_mapped(folder / name) for name in _CODED)
        coded = Coded(signs, factors, codes, steps, rows, centroids, starts, float(steps.max(initial=0.0)))
        lengths = {
            len(signs) * 32 // max(1, codes.shape[1]),
            len(factors),
            len(codes),
            len(steps),
            len(rows),
            int(starts[-1]),
        }
        if lengths != {len(vectors)} or len(starts) != len(centroids) + 1:
            raise IndexDamaged(f"{folder / CODES} does not fit {VECTORS}")
    file = os.open(folder / VECTORS, os.O_RDONLY)
    columns = Columns(vectors, offsets, coded, file, (folder / VECTORS).stat().st_size - vectors.nbytes)
    finalize(columns, os.close, file)
    return columns


def _mapped(file: Path) -> Any:
    try:
        mode: Literal["r"] | None = "r" if file.stat().st_size >= _MAPPED_FROM else None
        return np.asarray(np.load(file, mmap_mode=mode, allow_pickle=False))
    except OSError as error:
        raise IndexDamaged(f"{file}: {error.strerror or error}") from error
    except (ValueError, EOFError) as error:
        raise IndexDamaged(f"{file} is damaged") from error
