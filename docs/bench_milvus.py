"""How far Milvus's sparse results are from the embedded engine's, what depth makes them the same, and how
long a hybrid question takes.

    python docs/bench_milvus.py DATASET --scored 10,20,50,100,200

DATASET is a folder in BEIR layout. The same passages go into both; every question is asked of both, and
the first ten compared: candidates are found by weights fixed when a passage was written, then so many of
them scored exactly. Then each is asked as the programs ask it, with the retriever as set by default, and
its calls to Milvus are counted. Vectors are random, two a passage: nothing compared here depends on them,
and embedding the question is not counted. Without --uri Milvus is milvus-lite over a file in this
process, which says nothing of a server's speed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.formats.beir import read_beir
from eval.indexing import as_document
from rag import text
from rag.hits.shape import Shape
from rag.indexes.within import publish_within
from rag.retrieve import Retriever
from rag.sections import Retrieval
from rag.sparse import bmx
from rag.stores import _milvus_legs, milvus
from rag.stores._milvus.client import Connection
from rag.stores.milvus import MilvusStore
from rag.types import Chunk, Document, Segment, Vectors

_TOP = 10
_DIMENSION = 384
_WINDOWS = 2


class _Embedder:
    """As much of an embedder as publishing asks for."""

    fingerprint = "random"
    dimension = _DIMENSION

    def __init__(self) -> None:
        self._draw = np.random.default_rng(1)

    def encode_query(self, text: str) -> Vectors:  # noqa: ARG002
        """Any direction."""
        return self._draw.standard_normal(_DIMENSION).astype(np.float32)

    def readable(self, text: str) -> float:  # noqa: ARG002
        """All of it."""
        return 1.0

    def count_tokens(self, text: str) -> int:  # noqa: ARG002
        """A word."""
        return 1


def main() -> None:
    """Fill both, ask both, print a table."""
    arguments = _arguments()
    test_set = read_beir(arguments.dataset)
    passages = [as_document(entry) for entry in test_set.corpus]
    chunks = [chunk for _, own in passages for chunk in own]
    questions = [query.text for query in list(test_set.queries.values())[: arguments.questions]]
    with tempfile.TemporaryDirectory(prefix="bench-milvus-") as folder:
        expected, theirs_ms = _embedded(Path(folder), chunks, questions)
        options = {"uri": arguments.uri} if arguments.uri else {}
        store = milvus.build(folder=Path(folder) / "milvus", collection="lectern_bench", **options)
        assert isinstance(store, MilvusStore)  # noqa: S101 - the only one there is
        print(f"{arguments.dataset.name}: {len(chunks)} passages, {len(questions)} questions;", end=" ")
        _fill(store, passages)
        print(
            "| candidates scored | same ten, in order | of the ten | p50 ms (embedded) |\n|---|---|---|---|"
        )
        asked = store._candidates, _milvus_legs.LEAST_SCORED  # noqa: SLF001 - what is to be varied
        for count in arguments.scored:
            store._candidates, _milvus_legs.LEAST_SCORED = 1, count  # noqa: SLF001
            _measure(store, questions, expected, theirs_ms, count)
        store._candidates, _milvus_legs.LEAST_SCORED = asked  # noqa: SLF001
        _ask(store, questions)
        store.close()


def _embedded(folder: Path, chunks: list[Chunk], questions: list[str]) -> tuple[list[list[str]], float]:
    index, home = bmx.build(), folder / "segment"
    home.mkdir()
    index.write(home, (text.document_terms(chunk) for chunk in chunks))
    reader = index.open([Segment(home, len(chunks))])
    found, spent = [], []
    for question in questions:
        began = time.perf_counter()
        ranking = reader.search(text.query_terms(question), _TOP)
        spent.append(time.perf_counter() - began)
        found.append([chunks[row].document_id for row in ranking.rows.tolist()])
    return found, 1000 * statistics.median(spent)


def _fill(store: MilvusStore, passages: Sequence[tuple[Document, list[Chunk]]]) -> None:
    draw = np.random.default_rng(0)
    began = time.perf_counter()
    for document, own in passages:
        vectors = [draw.standard_normal((_WINDOWS, _DIMENSION)).astype(np.float32) for _ in own]
        store.replace(document, own, vectors)
    recorded = time.perf_counter() - began
    publish_within(store, _Embedder())  # type: ignore[arg-type]
    published = time.perf_counter() - began - recorded
    print(
        f"recorded at {1000 * recorded / len(passages):.1f} ms a document, published in {published:.1f} s\n"
    )


def _ask(store: MilvusStore, questions: list[str]) -> None:
    """Hybrid questions, by a reader that remembers nothing yet."""
    chosen = Retrieval()
    retriever = Retriever(
        store.open_index(),
        _Embedder(),  # type: ignore[arg-type]
        depth=chosen.depth,
        dense_weight=chosen.dense_weight,
        document_weight=chosen.document_weight,
        spelling=chosen.spelling,
        shape=Shape(chosen.duplicates, chosen.per_document),
    )
    retriever.warm()
    calls = [0]
    for name in ("_query", "search"):
        setattr(Connection, name, _counted(getattr(Connection, name), calls))
    spent, used = [], time.process_time()
    for question in questions:
        began = time.perf_counter()
        retriever.search(question, k=chosen.k)
        spent.append(1000 * (time.perf_counter() - began))
    used = 1000 * (time.process_time() - used) / len(questions)
    p50, p95 = np.percentile(spent, [50, 95])
    print(f"\nhybrid question: p50 {p50:.0f} ms, p95 {p95:.0f} ms, the first {spent[0]:.0f} ms;", end=" ")
    print(f"{used:.0f} ms of processors and {calls[0] / len(questions):.1f} calls a question")


def _counted(real: Callable[..., object], calls: list[int]) -> Callable[..., object]:
    def call(*given: object, **named: object) -> object:
        calls[0] += 1
        return real(*given, **named)

    return call


def _measure(
    store: MilvusStore, questions: list[str], expected: list[list[str]], theirs_ms: float, count: int
) -> None:
    index = store.open_index()
    same, shared, spent = 0, 0.0, []
    for question, wanted in zip(questions, expected, strict=True):
        began = time.perf_counter()
        rows = index.sparse.search(text.query_terms(question), _TOP).rows.tolist()
        spent.append(time.perf_counter() - began)
        names = [name for name, _ in (store.places(rows)[row] for row in rows)]
        same += names == wanted
        shared += len({*names} & {*wanted}) / max(1, len(wanted))
    ms = 1000 * statistics.median(spent)
    ours = f"| {count} | {same / len(questions):.1%} | {shared / len(questions):.2%} |"
    print(f"{ours} {ms:.0f} ({theirs_ms:.2f}) |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument(
        "--scored",
        type=lambda value: [int(each) for each in value.split(",")],
        default=[10, 20, 50, 100, 200],
    )
    parser.add_argument("--questions", type=int, default=300, metavar="N", help="the first N")
    parser.add_argument("--uri", default="", help="of a Milvus server (default: milvus-lite)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
