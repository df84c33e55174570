"""Vectors to measure a dense index with, made from real ones, and the truth about their neighbours.

The sentences of a folder's Markdown files (and pairs of sentences that follow each other) are embedded
with the default model; from there on, each further vector is a random mixture of a real one and one of
its 20 nearest, plus noise of length .2 in every direction. Noise makes neighbourhoods rounder than
clusters would be, so lists are not flattered, and mixtures keep them as dense as they are, so graphs are
not punished. Questions are real vectors set aside before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rag.types import Vectors

DEPTHS = (10, 100, 1000)
BLOCK = 20_000
_QUESTIONS = 300


def make_vectors(folder: Path, corpus: Path, real: int, count: int, keep: Path | None) -> None:
    """Write vectors.npy, questions.npy and truth.npy, the rows of each question's best 1,000.

    `count` vectors from at most `real` sentences of the Markdown files in `corpus`; what is embedded is read
    from `keep` if it is there, else written to it.
    """
    import faiss

    source = np.random.default_rng(7)
    own = _embedded(corpus, real, keep)
    own = own[source.permutation(len(own))]
    questions = min(_QUESTIONS, len(own) // 10)
    np.save(folder / "questions.npy", own[:questions])
    np.save(folder / "vectors.npy", _mixed(own[questions:], count, source))
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    heap: Any = faiss.ResultHeap(questions, max(DEPTHS), keep_max=True)
    for start in range(0, len(vectors), BLOCK):
        block = np.ascontiguousarray(vectors[start : start + BLOCK])
        products, rows = faiss.knn(own[:questions], block, max(DEPTHS), faiss.METRIC_INNER_PRODUCT)
        heap.add_result(products, np.where(rows < 0, rows, rows + start))
    heap.finalize()
    np.save(folder / "truth.npy", heap.I)


def _embedded(corpus: Path, most: int, keep: Path | None) -> Vectors:
    if keep and keep.exists():
        kept: Vectors = np.load(keep, allow_pickle=False)
        return kept[:most]
    from rag.embedders.sentence_transformers import build

    texts = sorted(set(_sentences(corpus)))
    order = np.random.default_rng(1).permutation(len(texts))[:most]
    vectors = build().encode([texts[at] for at in order])
    if keep:
        np.save(keep, vectors)
    return vectors


def _sentences(folder: Path) -> Iterator[str]:
    from rag.text import sentences

    for file in sorted(folder.rglob("*.md")):
        content = file.read_text("utf-8", errors="replace")
        pieces = [content[start:end].strip() for start, end in sentences(content)]
        yield from (piece for piece in pieces if piece)
        yield from (f"{one} {two}" for one, two in zip(pieces[::2], pieces[1::2], strict=False))


def _mixed(real: Vectors, count: int, source: np.random.Generator) -> Vectors:
    """The real vectors and mixtures of neighbours, `count` in all, shuffled."""
    import faiss

    index: Any = faiss.IndexFlatIP(real.shape[1])
    index.add(real)
    near = np.concatenate([index.search(real[at : at + 1000], 21)[1] for at in range(0, len(real), 1000)])
    vectors = np.empty((count, real.shape[1]), np.float32)
    filled = min(count, len(real))
    vectors[:filled] = real[:filled]
    for start in range(filled, count, BLOCK):
        size = min(BLOCK, count - start)
        own = source.integers(0, len(real), size)
        other = near[own, source.integers(1, min(21, len(real)), size)]
        share = source.uniform(0.15, 0.85, (size, 1)).astype(np.float32)
        mixed = _unit(share * real[own] + (1 - share) * real[other])
        noise = _unit(source.normal(size=mixed.shape).astype(np.float32))
        vectors[start : start + size] = _unit(mixed + np.float32(0.2) * noise)
    shuffled: Vectors = vectors[source.permutation(count)]
    return shuffled


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
