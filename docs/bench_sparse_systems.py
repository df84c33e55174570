"""How each system of docs/bench_sparse.py builds an index, opens it and takes one more document."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rag.types import Segment

Documents: TypeAlias = list[list[str]]
Search: TypeAlias = Callable[[Sequence[str]], Any]


def load(system: str) -> None:
    """Import what a system needs, so that opening it is timed without."""
    if system == "baguetter":
        from rag.sparse._bmx import bmx

        bmx()
    else:
        import_module("rag.sparse.bmx" if system == "bmx" else system)


def _build_ours(folder: Path, documents: Documents) -> None:
    from rag.sparse.bmx import build

    build().write(folder, iter(documents))


def _build_baguetter(folder: Path, documents: Documents) -> None:
    from rag.sparse.baguetter import build

    build().write(folder, documents)


def _build_bm25s(folder: Path, documents: Documents) -> None:
    bm25s: Any = import_module("bm25s")

    index = bm25s.BM25(backend="numba")
    index.index(documents, show_progress=False)
    index.save(str(folder), allow_pickle=False)


def _build_tantivy(folder: Path, documents: Documents) -> None:
    tantivy: Any = import_module("tantivy")

    schema = tantivy.SchemaBuilder()
    schema.add_text_field("body", stored=False, tokenizer_name="whitespace", index_option="freq")
    schema.add_unsigned_field("row", stored=True)
    index = tantivy.Index(schema.build(), str(folder))
    writer = index.writer(512_000_000, os.cpu_count() or 1)
    for row, document in enumerate(documents):
        writer.add_document(tantivy.Document(body=" ".join(document), row=row))
    writer.commit()
    writer.wait_merging_threads()


def _open_ours(folder: Path, depth: int) -> tuple[Search, Search]:
    from rag.sparse._bmx_reader import BmxReader
    from rag.sparse.bmx import build

    reader = build().open([_segment(folder, "sparse-lengths.bin", 4)])
    assert isinstance(reader, BmxReader)  # noqa: S101 - tells mypy
    # A bound method, through which the kernel can be loaded before the clock starts.
    return _OneDepth(reader, depth).search, lambda batch: reader.search_many(batch, depth)


def _segment(folder: Path, lengths: str, width: int) -> Segment:
    return Segment(folder, (folder / lengths).stat().st_size // width)


class _OneDepth:
    def __init__(self, reader: Any, depth: int) -> None:
        self._reader = reader
        self._depth = depth
        self.warm = reader.warm

    def search(self, terms: Sequence[str]) -> Any:
        return self._reader.search(terms, self._depth)


def _open_baguetter(folder: Path, depth: int) -> tuple[Search, Search]:
    from rag.sparse.baguetter import build

    lengths = np.load(folder / "sparse-lengths.npy", mmap_mode="r")
    reader = build().open([Segment(folder, len(lengths))])
    return (lambda terms: reader.search(terms, depth)), lambda batch: [
        reader.search(each, depth) for each in batch
    ]


def _open_bm25s(folder: Path, depth: int) -> tuple[Search, Search]:
    bm25s: Any = import_module("bm25s")

    index = bm25s.BM25.load(str(folder), mmap=True)
    index.backend = "numba"

    def ask(batch: Any, threads: int) -> Any:
        return index.retrieve(batch, k=depth, show_progress=False, n_threads=threads)

    return (lambda terms: ask([terms], 0)), lambda batch: ask(batch, -1)


def _open_tantivy(folder: Path, depth: int) -> tuple[Search, Search]:
    tantivy: Any = import_module("tantivy")

    index = tantivy.Index.open(str(folder))
    searcher = index.searcher()

    def search(terms: Sequence[str]) -> Any:
        query = index.parse_query(" ".join(terms), ["body"])
        return searcher.search(query, depth, count=False).hits

    return search, lambda batch: [search(each) for each in batch]


def _add_ours(folder: Path, words: list[str], number: int) -> float:
    from rag.sparse.bmx import build

    index, added = build(), folder / f"added-{number}"
    before = time.perf_counter()
    added.mkdir()
    index.write(added, [words])
    reader = index.open([_segment(folder, "sparse-lengths.bin", 4), Segment(added, 1)])
    if not len(reader.search(words[:6], 10).rows):
        raise RuntimeError("the added document is not found")
    return 1000 * (time.perf_counter() - before)


def _add_tantivy(folder: Path, words: list[str], number: int) -> float:
    tantivy: Any = import_module("tantivy")

    index = tantivy.Index.open(str(folder))
    before = time.perf_counter()
    writer = index.writer(15_000_000, 1)
    writer.add_document(tantivy.Document(body=" ".join(words), row=number))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    if not index.searcher().search(index.parse_query(words[0], ["body"]), 10).hits:
        raise RuntimeError("the added document is not found")
    return 1000 * (time.perf_counter() - before)


BUILDERS = {
    "bmx": _build_ours,
    "baguetter": _build_baguetter,
    "bm25s": _build_bm25s,
    "tantivy": _build_tantivy,
}
OPENERS = {"bmx": _open_ours, "baguetter": _open_baguetter, "bm25s": _open_bm25s, "tantivy": _open_tantivy}
ADDERS = {"bmx": _add_ours, "tantivy": _add_tantivy}
