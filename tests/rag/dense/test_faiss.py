"""Exact dense search: what comparing with every vector gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.dense.faiss import build
from rag.protocols import DenseReader
from rag.types import Rows, Segment, Vectors

DIMENSION = 24


def opened(folder: Path, vectors: Vectors, rows: Sequence[int]) -> DenseReader:
    index = build()
    index.write(folder, vectors, rows)
    return index.open([Segment(folder, max(rows, default=-1) + 1)])


def unit(source: np.random.Generator, count: int) -> Vectors:
    vectors = source.normal(size=(count, DIMENSION)).astype(np.float32)
    result: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return result


def brute_force(vectors: Vectors, rows: Sequence[int], query: Vectors) -> tuple[Rows, Vectors]:
    """Every row's best inner product, rows best first and by number where they tie."""
    best: dict[int, float] = {}
    for row, product in zip(rows, vectors.astype(np.float64) @ query.astype(np.float64), strict=True):
        best[row] = max(best.get(row, -np.inf), float(np.float32(product)))
    order = sorted(best, key=lambda row: (-best[row], row))
    return np.array(order, dtype=np.int64), np.array([best[row] for row in order], dtype=np.float32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("windows", [1, 4])
def test_it_finds_what_comparing_with_every_vector_finds(seed: int, windows: int, tmp_path: Path) -> None:
    source = np.random.default_rng(seed)
    rows = np.sort(source.integers(0, 500 // windows, size=500)).tolist() if windows > 1 else list(range(500))
    vectors = unit(source, 500)
    reader = opened(tmp_path, vectors, rows)
    for query in unit(source, 10):
        expected_rows, expected_scores = brute_force(vectors, rows, query)
        for depth in (1, 7, 100, 499, 10_000):
            ranking = reader.search(query, depth)
            assert ranking.rows.tolist() == expected_rows[:depth].tolist()
            assert ranking.scores == pytest.approx(expected_scores[:depth], abs=1e-6)
        some = source.choice(expected_rows, 20).tolist()
        at = [expected_rows.tolist().index(row) for row in some]
        assert reader.score(query, some) == pytest.approx(expected_scores[at], abs=1e-6)


def test_a_row_counts_once_with_its_best_vector(tmp_path: Path) -> None:
    vectors = np.eye(DIMENSION, dtype=np.float32)[[0, 1, 0, 2, 3]]
    reader = opened(tmp_path, vectors, [0, 0, 1, 1, 1])
    query = np.zeros(DIMENSION, dtype=np.float32)
    query[[0, 1, 3]] = [0.5, 0.9, 0.7]
    ranking = reader.search(query, 5)
    assert ranking.rows.tolist() == [0, 1]
    assert ranking.scores.tolist() == pytest.approx([0.9, 0.7])


def test_a_row_of_very_many_vectors_takes_no_place_of_others(tmp_path: Path) -> None:
    source = np.random.default_rng(1)
    vectors = unit(source, 330)
    vectors[:300] = vectors[0]
    reader = opened(tmp_path, vectors, [0] * 300 + list(range(1, 31)))
    ranking = reader.search(vectors[0], 10)
    assert len(ranking.rows) == 10
    assert ranking.rows[0] == 0


@settings(deadline=None)
@given(
    ties=st.integers(1, 200), depth=st.integers(1, 220), better=st.integers(0, 5), seed=st.integers(0, 1000)
)
def test_equal_vectors_stand_in_row_order_also_where_the_list_is_cut(
    ties: int, depth: int, better: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = np.random.default_rng(seed)
    [query, other] = unit(source, 2)
    vectors = np.repeat(other[None, :], ties + better, axis=0)
    ahead = sorted(source.choice(ties + better, better, replace=False).tolist())
    vectors[ahead] = query
    reader = opened(tmp_path_factory.mktemp("dense"), vectors, list(range(ties + better)))
    behind = [row for row in range(ties + better) if row not in ahead]
    assert reader.search(query, depth).rows.tolist() == (ahead + behind)[:depth]


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    reader = opened(tmp_path, np.zeros((0, DIMENSION), dtype=np.float32), [])
    query = unit(np.random.default_rng(0), 1)[0]
    assert len(reader.search(query, 10).rows) == 0
    assert reader.score(query, []).shape == (0,)


def test_its_files_are_plain_arrays_without_objects(tmp_path: Path) -> None:
    opened(tmp_path, unit(np.random.default_rng(0), 3), [0, 1, 2])
    for file in tmp_path.iterdir():
        assert np.load(file, allow_pickle=False).dtype.kind in "if"
