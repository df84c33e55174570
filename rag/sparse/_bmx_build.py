"""From a stream of documents to one segment, in bounded memory.

Documents become numbers until a run is full; a run is sorted and written as a segment of its own, and
the runs are merged, no more than a few dozen at once. A collection that fits into one run is written
once.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from rag.sparse._bmx_merge import merge_segments
from rag.sparse._bmx_segment import Columns
from rag.sparse._bmx_writer import SegmentWriter

RUN_TOKENS = 4_000_000  # one run being read and one being sorted take about 0.35 GB together
MERGED = 32  # runs at once: each holds 11 file descriptors
_TOGETHER = 256  # documents turned into numbers by one call
_WRITTEN = 1 << 18  # terms handed to the writer at once


def write_documents(folder: Path, documents: Iterable[Sequence[str]], run_tokens: int = RUN_TOKENS) -> None:
    """Write one segment over one sequence of terms per row. Raises OSError if the disk does not take it."""
    stream = iter(documents)
    run = _read(stream, run_tokens)
    if not run.full:
        run.write(folder)
        return
    with TemporaryDirectory(dir=folder, prefix="runs-") as name:
        folders = _write_runs(Path(name), run, stream, run_tokens)
        while len(folders) > MERGED:
            folders = [_merged(folders[first : first + MERGED]) for first in range(0, len(folders), MERGED)]
        _merge(folders, folder)


def _merged(folders: Sequence[Path]) -> Path:
    """One segment instead of several that follow each other; returns its folder, theirs are removed."""
    if len(folders) == 1:
        return folders[0]
    home = folders[0].with_name(f"{folders[0].name}-{folders[-1].name}")
    home.mkdir()
    _merge(folders, home)
    for each in folders:
        shutil.rmtree(each)
    return home


def _merge(folders: Sequence[Path], home: Path) -> None:
    merge_segments([Columns(each) for each in folders], [None] * len(folders), home)


def _write_runs(home: Path, run: _Run, stream: Iterator[Sequence[str]], run_tokens: int) -> list[Path]:
    """A segment for each run; one is sorted and written while the next is read, so two are in memory."""
    folders: list[Path] = []
    with ThreadPoolExecutor(1) as pool:
        written: Future[None] | None = None
        while run.lengths:
            folders.append(home / str(len(folders)))
            folders[-1].mkdir()
            if written:
                written.result()
            written = pool.submit(run.write, folders[-1])
            run = _read(stream, run_tokens)
        if written:
            written.result()
    return folders


class _Run:
    """Documents as numbers of a vocabulary of their own, in order of first appearance."""

    def __init__(self) -> None:
        self.numbers: list[npt.NDArray[np.int32]] = []
        self.lengths: list[int] = []
        self.vocabulary: defaultdict[str, int] = defaultdict()
        self.vocabulary.default_factory = self.vocabulary.__len__
        self.tokens = 0
        self.full = False

    def add(self, documents: Sequence[Sequence[str]]) -> None:
        self.lengths += map(len, documents)
        # The one loop over every token: it runs in C from end to end.
        tokens = map(self.vocabulary.__getitem__, chain.from_iterable(documents))
        self.numbers.append(np.fromiter(tokens, dtype=np.int32))
        self.tokens += len(self.numbers[-1])

    def write(self, folder: Path) -> None:
        with SegmentWriter(folder, np.array(self.lengths, dtype=np.uint32)) as writer:
            if not self.vocabulary:
                return
            words = sorted(self.vocabulary)  # by code point, which is the order of UTF-8 bytes
            keys, tf = _counted(self._keys(words))
            # It refers to itself: the words of run after run would wait for the cycle collector.
            self.vocabulary.clear()
            starts = np.searchsorted(keys, np.arange(len(words) + 1, dtype=np.uint64) << np.uint64(32))
            rows = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
            for first in range(0, len(words), _WRITTEN):
                bounds = starts[first : first + _WRITTEN + 1]
                own = slice(int(bounds[0]), int(bounds[-1]))
                terms = [word.encode("utf-8", "surrogatepass") for word in words[first : first + _WRITTEN]]
                writer.add(terms, np.diff(bounds), rows[own], tf[own])

    def _keys(self, words: Sequence[str]) -> npt.NDArray[np.uint64]:
        """Sorted uint64 (tokens,): the term's place in `words` above the row. Empties `numbers`."""
        places = np.empty(len(words), dtype=np.uint64)
        numbers = np.fromiter(map(self.vocabulary.__getitem__, words), dtype=np.int64, count=len(words))
        places[numbers] = np.arange(len(words), dtype=np.uint64) << np.uint64(32)
        keys = places[np.concatenate(self.numbers)]
        self.numbers.clear()
        keys |= np.repeat(np.arange(len(self.lengths), dtype=np.uint64), self.lengths)
        keys.sort()
        return keys


def _read(documents: Iterator[Sequence[str]], run_tokens: int) -> _Run:
    run = _Run()
    while batch := list(islice(documents, _TOGETHER)):
        run.add(batch)
        if run.tokens >= run_tokens:
            run.full = True
            break
    return run


def _counted(keys: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Each different key once, and how often it was there."""
    new = np.empty(len(keys), dtype=np.bool_)
    new[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    at = np.flatnonzero(new)
    return keys[at], np.diff(at, append=len(keys))
