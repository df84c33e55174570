"""The whole index engine: publishing, one more document, opening, memory, hybrid questions, cold start.

    python docs/bench_engine.py --chunks 20000
    python docs/bench_engine.py --index INDEX          questions over an index of your own

Chunks are 60 to 100 words drawn from a Zipf distribution with random vectors, so that the engine is
measured and not the embedder; questions are embedded. Each stage runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rag.command import prepare_environment

Figures: TypeAlias = dict[str, float]
_WORDS = 100_000
_EXPONENT = 1.07
_PER_DOCUMENT = 20
_REPEATS = 5
_QUESTIONS = 200


def main() -> None:
    """Measure every stage and print the figures."""
    parser = argparse.ArgumentParser(description="Measure the index engine as a whole.")
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--index", help="ask this index instead of making one")
    parser.add_argument("--stage", choices=_STAGES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    prepare_environment()
    if arguments.stage:
        print(json.dumps(_STAGES[arguments.stage](Path(arguments.index), arguments.chunks)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder:
        index = arguments.index or f"{folder}/index"
        stages = [name for name in _STAGES if not arguments.index or name in ("open", "ask", "start")]
        print("| measure | figure |\n|---|---|")
        for stage in stages:
            for name, value in _child(stage, index, arguments.chunks).items():
                print(f"| {name} | {value:.3g} |", flush=True)


def _child(stage: str, index: str, chunks: int) -> Figures:
    command = [sys.executable, __file__, "--stage", stage, "--index", index, "--chunks", str(chunks)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _publish(index: Path, chunks: int) -> Figures:
    """Record and publish `chunks` chunks whose vectors are there already."""
    from rag.build import build_indexer
    from rag.types import Chunk, Document

    with build_indexer(_settings(index)) as indexer:
        before = time.perf_counter()
        for number, texts in enumerate(_batches(chunks)):
            text, own, at = "\n".join(texts), [], 0
            for ordinal, each in enumerate(texts):
                own.append(Chunk(f"{number}.md", ordinal, each, at, at + len(each)))
                at += len(each) + 1
            indexer.store.replace(
                Document(f"{number}.md", text, str(number)), own, _vectors(number, len(own))
            )
        recorded = time.perf_counter()
        indexer.publish()
        return {
            f"record {chunks:,} chunks, s": recorded - before,
            f"publish {chunks:,} chunks, s": time.perf_counter() - recorded,
            "peak MB": _memory("VmHWM"),
        }


def _add(index: Path, _: int) -> Figures:
    """One more document until a search finds it."""
    from rag.build import build_engine, build_indexer
    from rag.types import Chunk, Document

    engine = build_engine(_settings(index))
    engine.search("warm up")
    times, embedding = [], []
    for number in range(_REPEATS):
        text = f"The quick hedgehog number{number} reads about lighthouses."
        with build_indexer(_settings(index)) as indexer:
            indexer.publish()  # verifies what is published, once for each ingest
            before = time.perf_counter()
            name = f"added-{number}.md"
            indexer.add(Document(name, text, "1"), [Chunk(name, 0, text, 0, len(text))])
            indexer.publish()
            [hit] = engine.search(f"number{number} hedgehog", k=1, mode="sparse").hits
            times.append(1000 * (time.perf_counter() - before))
            embedding.append(1000 * indexer.embedding_seconds)
            if hit.chunk.document_id != name:
                raise RuntimeError("the added document is not found")
    return {
        "one more document, found after ms": statistics.median(times),
        "of which embedding ms": statistics.median(embedding),
    }


def _open(index: Path, _: int) -> Figures:
    from rag.build import build_retriever
    from rag.models import build_embedder

    settings = _settings(index)
    build_embedder(settings).encode_query("warm up")
    memory, before = _memory("VmRSS"), time.perf_counter()
    retriever = build_retriever(settings)
    figures = {
        "open ms": 1000 * (time.perf_counter() - before),
        "memory of opening MB": _memory("VmRSS") - memory,
    }
    for mode in ("sparse", "hybrid"):
        before = time.perf_counter()
        retriever.search("term1 term20 term300", mode=mode)  # type: ignore[arg-type]
        figures[f"first {mode} question ms"] = 1000 * (time.perf_counter() - before)
    return figures


def _ask(index: Path, _: int) -> Figures:
    from rag.build import build_engine
    from rag.models import build_embedder

    settings = _settings(index)
    engine, embedder = build_engine(settings), build_embedder(settings)
    engine.warm()
    questions = [" ".join(words) for words in _drawn(7, [6] * _QUESTIONS)]
    for question in questions[:20]:
        engine.search(question)
    whole = [_milliseconds(lambda q=question: engine.search(q)) for question in questions[20:]]  # type: ignore[misc]
    embedding = [
        _milliseconds(lambda q=question: embedder.encode_query(f"{q} again"))  # type: ignore[misc]
        for question in questions
    ]
    return {
        "hybrid question p50 ms": statistics.median(whole),
        "hybrid question p95 ms": float(np.percentile(whole, 95)),
        "of which embedding p50 ms": statistics.median(embedding),
        "memory after 200 questions MB": _memory("VmRSS"),
    }


def _start(index: Path, _: int) -> Figures:
    """Process start to the first hit on the command line."""
    figures = {}
    for mode in ("sparse", "hybrid"):
        command = [
            sys.executable,
            "-m",
            "rag",
            "search",
            "term1 term20",
            "--index",
            str(index),
            "--mode",
            mode,
        ]
        times = [
            _milliseconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))  # noqa: B023, S603
            for _ in range(_REPEATS)
        ]
        figures[f"process start to {mode} hits, s"] = statistics.median(times) / 1000
    return figures


_STAGES: dict[str, Callable[[Path, int], Figures]] = {
    "publish": _publish,
    "add": _add,
    "open": _open,
    "ask": _ask,
    "start": _start,
}


def _settings(index: Path) -> Any:
    from rag.config import load_settings

    return load_settings({"index": str(index)})


def _batches(chunks: int) -> Iterator[list[str]]:
    lengths = np.random.default_rng(1).integers(60, 101, chunks).tolist()
    for first in range(0, chunks, 10_000):
        texts = [" ".join(words) for words in _drawn(first, lengths[first : first + 10_000])]
        for at in range(0, len(texts), _PER_DOCUMENT):
            yield texts[at : at + _PER_DOCUMENT]


def _drawn(seed: int, lengths: list[int]) -> list[list[str]]:
    weights = 1 / np.arange(1, _WORDS + 1) ** _EXPONENT
    share = np.cumsum(weights) / weights.sum()
    drawn = np.searchsorted(share, np.random.default_rng(seed).random(sum(lengths)))
    words = [f"term{number}" for number in drawn.tolist()]
    ends = np.cumsum(lengths).tolist()
    return [words[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _vectors(seed: int, count: int) -> list[Any]:
    drawn = np.random.default_rng(seed).normal(size=(count, 1, 384)).astype(np.float32)
    return list(drawn / np.linalg.norm(drawn, axis=2, keepdims=True))


def _milliseconds(work: Callable[[], Any]) -> float:
    before = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - before)


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name))) / 1024


if __name__ == "__main__":
    main()
