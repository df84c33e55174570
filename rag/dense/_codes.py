"""Writes a segment's vectors once more as codes, grouped in lists around centroids.

A vector is coded by what it differs from its list's centroid: by the signs of the components alone, and
by four bits a component. Both codes are scaled so that their product with the difference itself is right
(Gao and Long 2024, RaBitQ, section 3.2, without its rotation: learnt vectors' components are even
enough). Lists are made by spherical k-means on a sample (Dhillon and Modha 2001), searched as the
inverted file of Jegou et al. 2011, Product Quantization for Nearest Neighbor Search, section IV.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rag.dense._columns import (
    CENTROIDS,
    CODED_ROWS,
    CODES,
    FACTORS,
    SIGNS,
    STARTS,
    STEPS,
    Columns,
    Ints,
    open_columns,
    write_array,
)
from rag.files import let_go
from rag.types import Vectors

BLOCK = 16_384  # vectors held in memory at once
_LISTS_PER_ROOT = 4.0  # lists = this x sqrt(vectors): about as dear to choose among as to scan
_SAMPLE = 131_072  # vectors that k-means looks at
_ITERATIONS = 6
_WORD = 64
# The step of 16 even levels that codes a normal distribution of deviation 1 with the least square error
# (Max 1960, Quantizing for Minimum Distortion, table II).
_STEP = 0.3352

Signs: TypeAlias = npt.NDArray[np.uint64]
Bytes: TypeAlias = npt.NDArray[np.uint8]


def write_codes(folder: Path, listed_from: int) -> None:
    """Code the vectors of the segment in `folder`; one list below `listed_from` vectors, several from there.

    Memory: a sample of 131,072 vectors, about 24 bytes a vector, some blocks; and the signs of one list.
    """
    columns = open_columns(folder)
    vectors, count = columns.vectors, len(columns.vectors)
    centroids = _centroids(columns, listed_from)
    lists = _assign(vectors, centroids)
    order = np.argsort(lists, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(lists, minlength=len(centroids)))])
    factors, steps = np.empty(count, np.float32), np.empty(count, np.float32)

    def differences() -> Iterator[tuple[slice, Vectors]]:
        for start in range(0, count, BLOCK):
            places = order[start : start + BLOCK]
            yield slice(start, start + BLOCK), padded(columns.gather(places) - centroids[lists[places]])

    def signs() -> Iterator[Signs]:
        """List by list, word by word: so the scan has vectors side by side."""
        held, at = np.zeros((0, words), np.uint64), 0
        for own, block in differences():
            codes, factors[own] = signs_of(block)
            held = np.concatenate([held, codes])
            while at < len(centroids) and starts[at + 1] <= own.start + len(block):
                size = int(starts[at + 1] - starts[at])
                yield held[:size].T
                held, at = held[size:], at + 1

    def nibbles() -> Iterator[Bytes]:
        for own, block in differences():
            codes, steps[own] = nibbles_of(block)
            yield codes

    words = padded(vectors[:0]).shape[1] // _WORD
    write_array(folder / SIGNS, np.uint64, (count * words,), signs())
    write_array(folder / CODES, np.uint8, (count, words * _WORD // 2), nibbles())
    owners = np.repeat(np.arange(columns.rows, dtype=np.int32), np.diff(columns.offsets))
    for name, array in (
        (FACTORS, factors),
        (STEPS, steps),
        (CODED_ROWS, owners[order]),
        (CENTROIDS, centroids),
        (STARTS, starts.astype(np.int64)),
    ):
        np.save(folder / name, array, allow_pickle=False)


def padded(vectors: Vectors) -> Vectors:
    """With zeros up to a whole number of 64 components."""
    return np.pad(vectors, ((0, 0), (0, -vectors.shape[1] % _WORD)))


def signs_of(vectors: Vectors) -> tuple[Signs, Vectors]:
    """Bit j of the words is whether component j is positive; and the size to take each component for."""
    words: Signs = np.packbits(vectors > 0, axis=1, bitorder="little").view(np.uint64)
    return words, _scales(vectors, np.where(vectors > 0, np.float32(1), np.float32(-1)))


def nibbles_of(vectors: Vectors) -> tuple[Bytes, Vectors]:
    """Two codes a byte, component j low and j + width/2 high; code c stands for (c - 7.5) steps."""
    deviations = np.sqrt(np.mean(np.square(vectors), axis=1, keepdims=True))
    steps = np.where(deviations > 0, deviations * np.float32(_STEP), np.float32(1))
    codes = np.clip(np.floor(vectors / steps) + 8, 0, 15).astype(np.uint8)
    half = vectors.shape[1] // 2
    packed: Bytes = codes[:, :half] | (codes[:, half:] << np.uint8(4))
    return packed, _scales(vectors, codes - np.float32(7.5))


def _scales(vectors: Vectors, levels: Vectors) -> Vectors:
    """The factor of `levels` that makes their product with the vectors that of the vectors themselves."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    products = np.einsum("ij,ij->i", vectors, levels)
    scales: Vectors = np.where(products > 0, squares / np.where(products > 0, products, 1), 0)
    return scales.astype(np.float32)


def _centroids(columns: Columns, listed_from: int) -> Vectors:
    """Unit vectors float32 (lists, dimension); the same vectors give the same ones."""
    count, dimension = columns.vectors.shape
    if count < listed_from:
        return np.asarray(
            np.mean(columns.vectors[:BLOCK], axis=0, keepdims=True, dtype=np.float64), np.float32
        )
    import faiss

    lists = max(1, min(count, round(_LISTS_PER_ROOT * math.sqrt(count))))
    every = max(1, math.ceil(count / _SAMPLE))
    sample = columns.gather(np.arange(0, count, every))
    kmeans: Any = faiss.Kmeans(
        dimension,
        min(lists, len(sample)),
        niter=_ITERATIONS,
        spherical=True,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=_SAMPLE,
    )
    kmeans.train(sample)
    return np.ascontiguousarray(kmeans.centroids, np.float32)


def _assign(vectors: Vectors, centroids: Vectors) -> Ints:
    """The list of each vector, int32 (n,): its nearest centroid by inner product."""
    if len(centroids) == 1:
        return np.zeros(len(vectors), np.int32)
    import faiss

    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(centroids)
    lists = np.empty(len(vectors), np.int32)
    for start in range(0, len(vectors), BLOCK):
        block = np.ascontiguousarray(vectors[start : start + BLOCK])
        lists[start : start + BLOCK] = index.search(block, 1)[1][:, 0]
        let_go(vectors)
    return lists
