"""Writes a segment's columns as streams: nothing but the row lengths is held in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.sparse._bmx_formula import Integers, entropy_units
from rag.sparse._bmx_segment import BLOCK, COLUMNS, DESCRIPTION, FORMAT, OVERFLOW


class SegmentWriter:
    """Takes terms in sorted order with their postings; use as a context manager.

    `lengths`, uint32 (rows,), are the rows' numbers of terms.
    """

    def __init__(self, folder: Path, lengths: npt.NDArray[np.uint32]) -> None:
        self._folder = folder
        self._lengths = lengths
        self._counts = dict.fromkeys(COLUMNS, 0)
        self._bytes = 0
        self._postings = 0
        self._open_tf = np.zeros(0, dtype=np.int64)  # of the block that is not full yet
        self._open_lengths = np.zeros(0, dtype=np.uint32)

    def __enter__(self) -> SegmentWriter:
        """Create the files."""
        with ExitStack() as files:
            self._streams = {
                name: files.enter_context((self._folder / f"sparse-{name}.bin").open("wb"))
                for name in COLUMNS
            }
            self._files = files.pop_all()
        self._append("offsets", [0])
        self._append("starts", [0])
        self._append("lengths", self._lengths)
        return self

    def add(self, terms: Sequence[bytes], df: Integers, rows: npt.NDArray[Any], tf: Integers) -> None:
        """Further terms, each with `df[i]` > 0 postings: `rows` and `tf` hold them one after another."""
        if not terms:
            return
        self._append("terms", np.frombuffer(b"".join(terms), dtype=np.uint8))
        self._append("offsets", self._bytes + np.cumsum([len(term) for term in terms]))
        self._bytes += sum(map(len, terms))
        starts = np.cumsum(df) - df
        self._append("starts", self._postings + starts + df)
        sums = [np.add.reduceat(units, starts) for units in entropy_units(tf)]
        self._append("entropy", np.stack(sums, axis=1).ravel())
        self._append("rows", rows)
        self._append("tf", np.minimum(tf, OVERFLOW))
        large = np.flatnonzero(tf >= OVERFLOW)
        self._append("overflow-at", self._postings + large)
        self._append("overflow-tf", tf[large])
        self._postings += len(rows)
        self._bound(tf, self._lengths[rows])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._files:
            if kind is None:
                self._finish()

    def _bound(self, tf: Integers, lengths: npt.NDArray[np.uint32]) -> None:
        tf = np.concatenate([self._open_tf, tf])
        lengths = np.concatenate([self._open_lengths, lengths])
        full = len(tf) - len(tf) % BLOCK
        self._append("block-tf", tf[:full].reshape(-1, BLOCK).max(axis=1))
        self._append("block-length", lengths[:full].reshape(-1, BLOCK).min(axis=1))
        self._open_tf, self._open_lengths = tf[full:], lengths[full:]

    def _finish(self) -> None:
        if len(self._open_tf):
            self._append("block-tf", [self._open_tf.max()])
            self._append("block-length", [self._open_lengths.min()])
        described = {
            "format": FORMAT,
            "rows": len(self._lengths),
            "length": int(self._lengths.sum(dtype=np.int64)),
            "terms": self._counts["offsets"] - 1,
            "columns": self._counts,
        }
        (self._folder / DESCRIPTION).write_text(json.dumps(described, indent=1), "utf-8")

    def _append(self, name: str, values: Any) -> None:
        column = np.asarray(values).astype(COLUMNS[name], copy=False)
        self._streams[name].write(np.ascontiguousarray(column).data)
        self._counts[name] += len(column)
