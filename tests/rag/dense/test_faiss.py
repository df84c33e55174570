"""Dense search finds what comparing with every vector finds, exactly or by codes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.dense._columns import open_columns
from rag.dense.faiss import build
from rag.errors import IndexDamaged, SettingError
from rag.protocols.legs import DenseIndex, DenseReader
from rag.types import Rows, Segment, Vectors

DIMENSION = 24
Way: TypeAlias = Literal["exact", "codes", "lists"]
WAYS: tuple[Way, ...] = ("exact", "codes", "lists")
every_way = pytest.mark.parametrize("way", WAYS)


def built(way: Way, effort: float = 1_000) -> DenseIndex:
    """An index that searches in this way at any size; by default it looks at everything."""
    return build(
        exact_below=10**9 if way == "exact" else 0, listed_from=0 if way == "lists" else 10**9, effort=effort
    )


def opened(folder: Path, vectors: Vectors, rows: Sequence[int], way: Way = "exact") -> DenseReader:
    index = built(way)
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


@every_way
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("windows", [1, 4])
def test_it_finds_what_comparing_with_every_vector_finds(
    way: Way, seed: int, windows: int, tmp_path: Path
) -> None:
    source = np.random.default_rng(seed)
    rows = np.sort(source.integers(0, 500 // windows, size=500)).tolist() if windows > 1 else list(range(500))
    vectors = unit(source, 500)
    reader = opened(tmp_path, vectors, rows, way)
    for query in unit(source, 10):
        expected_rows, expected_scores = brute_force(vectors, rows, query)
        for depth in (1, 7, 100, 499, 10_000):
            ranking = reader.search(query, depth)
            assert ranking.rows.tolist() == expected_rows[:depth].tolist()
            assert ranking.scores == pytest.approx(expected_scores[:depth], abs=1e-6)
        some = source.choice(expected_rows, 20).tolist()
        at = [expected_rows.tolist().index(row) for row in some]
        assert reader.score(query, some) == pytest.approx(expected_scores[at], abs=1e-6)


@every_way
def test_a_row_counts_once_with_its_best_vector(way: Way, tmp_path: Path) -> None:
    vectors = np.eye(DIMENSION, dtype=np.float32)[[0, 1, 0, 2, 3]]
    reader = opened(tmp_path, vectors, [0, 0, 1, 1, 1], way)
    query = np.zeros(DIMENSION, dtype=np.float32)
    query[[0, 1, 3]] = [0.5, 0.9, 0.7]
    ranking = reader.search(query, 5)
    assert ranking.rows.tolist() == [0, 1]
    assert ranking.scores.tolist() == pytest.approx([0.9, 0.7])


@every_way
def test_a_row_of_very_many_vectors_takes_no_place_of_others(way: Way, tmp_path: Path) -> None:
    source = np.random.default_rng(1)
    vectors = unit(source, 330)
    vectors[:300] = vectors[0]
    reader = opened(tmp_path, vectors, [0] * 300 + list(range(1, 31)), way)
    ranking = reader.search(vectors[0], 10)
    assert len(ranking.rows) == 10
    assert ranking.rows[0] == 0


@settings(deadline=None)
@given(
    way=st.sampled_from(WAYS),
    ties=st.integers(1, 200),
    depth=st.integers(1, 220),
    better=st.integers(0, 5),
    seed=st.integers(0, 1000),
)
def test_equal_vectors_stand_in_row_order_also_where_the_list_is_cut(
    way: Way, ties: int, depth: int, better: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = np.random.default_rng(seed)
    [query, other] = unit(source, 2)
    vectors = np.repeat(other[None, :], ties + better, axis=0)
    ahead = sorted(source.choice(ties + better, better, replace=False).tolist())
    vectors[ahead] = query
    reader = opened(tmp_path_factory.mktemp("dense"), vectors, list(range(ties + better)), way)
    behind = [row for row in range(ties + better) if row not in ahead]
    assert reader.search(query, depth).rows.tolist() == (ahead + behind)[:depth]


@every_way
def test_an_empty_index_finds_nothing(way: Way, tmp_path: Path) -> None:
    reader = opened(tmp_path, np.zeros((0, DIMENSION), dtype=np.float32), [], way)
    query = unit(np.random.default_rng(0), 1)[0]
    assert len(reader.search(query, 10).rows) == 0
    assert reader.score(query, []).shape == (0,)


@every_way
def test_its_files_are_plain_arrays_without_objects(way: Way, tmp_path: Path) -> None:
    opened(tmp_path, unit(np.random.default_rng(0), 3), [0, 1, 2], way)
    for file in tmp_path.iterdir():
        assert np.load(file, allow_pickle=False).dtype.kind in "iuf"


@settings(deadline=None, max_examples=40)
@given(
    way=st.sampled_from(WAYS),
    sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    windows=st.integers(1, 3),
    lost=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_segments_deletions_filters_and_merging_change_no_score(
    way: Way, sizes: list[int], windows: int, lost: float, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source, folder, index = np.random.default_rng(seed), tmp_path_factory.mktemp("dense"), built(way)
    rows: list[int] = []
    segments: list[Segment] = []
    vectors, first = unit(source, sum(sizes)), 0
    for number, size in enumerate(sizes):
        own = np.sort(source.integers(0, max(1, size // windows), size))
        home = folder / str(number)
        home.mkdir()
        index.write(home, vectors[len(rows) : len(rows) + size], own.tolist())
        count = max(1, size // windows)
        segments.append(Segment(home, count, np.flatnonzero(source.random(count) < lost)))
        rows += (own + first).tolist()
        first += count
    gone = np.zeros(first, dtype=np.bool_)
    for segment, start in zip(segments, np.cumsum([0, *(each.rows for each in segments)]), strict=False):
        gone[segment.deleted + start] = True
    among = source.random(first) < 0.5
    reader = index.open(segments)
    (folder / "merged").mkdir()
    index.merge(folder / "merged", segments)
    merged = index.open([Segment(folder / "merged", first - int(gone.sum()))])
    numbers = np.flatnonzero(~gone)  # what the merged rows were
    for query in unit(source, 3):
        expected_rows, expected_scores = brute_force(vectors, rows, query)
        alive = ~gone[expected_rows]
        for depth in (1, 10, 1000):
            found = reader.search(query, depth)
            assert found.rows.tolist() == expected_rows[alive][:depth].tolist()
            assert found.scores == pytest.approx(expected_scores[alive][:depth], abs=1e-6)
            assert numbers[merged.search(query, depth).rows].tolist() == found.rows.tolist()
            some = alive & among[expected_rows]
            assert reader.search(query, depth, among).rows.tolist() == expected_rows[some][:depth].tolist()


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_by_default_codes_lose_hardly_a_row(depth: int, tmp_path: Path) -> None:
    source = np.random.default_rng(5)
    near = unit(source, 40)[source.integers(0, 40, 20_000)] + 0.7 * unit(source, 20_000)
    vectors: Vectors = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    index = built("lists", effort=1)
    index.write(tmp_path, vectors, range(20_000))
    reader = index.open([Segment(tmp_path, 20_000)])
    kept = 0
    among = np.arange(20_000) % 3 > 0
    for query in vectors[:40]:
        best = np.argsort(-(vectors @ query))
        kept += len(np.intersect1d(reader.search(query, depth).rows, best[:depth]))
        kept += len(np.intersect1d(reader.search(query, depth, among).rows, best[among[best]][:depth]))
    assert kept >= 0.98 * 80 * depth


def test_the_nearest_lists_are_looked_at_first(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(6), 5_000)
    index = built("lists", effort=0.005)  # 300 of the 5,000
    index.write(tmp_path, vectors, range(5_000))
    reader = index.open([Segment(tmp_path, 5_000)])
    found = [reader.search(vectors[row], 1).rows[0] == row for row in range(100)]
    assert sum(found) >= 95


def test_little_effort_still_gives_as_many_rows_as_are_asked_for(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(6), 3_000)
    index = built("lists", effort=0.001)
    index.write(tmp_path, vectors, [row // 3 for row in range(3_000)])
    reader = index.open([Segment(tmp_path, 1_000)])
    for depth in (1, 50, 999):
        assert len(reader.search(vectors[0], depth).rows) == depth


def test_opening_maps_the_vectors_and_copies_none(tmp_path: Path) -> None:
    """But for small files: each map holds a file descriptor."""
    opened(tmp_path, unit(np.random.default_rng(0), 9_000), range(9_000), "lists")
    columns = open_columns(tmp_path)
    assert columns.coded is not None
    for array in (columns.vectors, columns.coded.codes):
        assert isinstance(array.base, np.memmap)
    assert not isinstance(columns.coded.starts.base, np.memmap)


@pytest.mark.parametrize(
    "name", ["dense-vectors.npy", "dense-rows.npy", "dense-codes.npy", "dense-signs.npy"]
)
def test_a_file_of_another_size_is_refused_by_name(name: str, tmp_path: Path) -> None:
    opened(tmp_path, unit(np.random.default_rng(0), 100), range(100), "lists")
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-100])
    with pytest.raises(IndexDamaged, match=name):
        open_columns(tmp_path)
    np.save(tmp_path / name, np.load(BytesIO(content))[:-3])
    with pytest.raises(IndexDamaged, match="does not fit"):
        open_columns(tmp_path)


@pytest.mark.parametrize(
    ("option", "value"), [("exact_below", -1), ("listed_from", -1), ("effort", 0), ("effort", 1e9)]
)
def test_an_option_out_of_range_is_refused_by_name(option: str, value: float) -> None:
    with pytest.raises(SettingError, match=f"dense.{option}"):
        build(**{option: value})  # type: ignore[arg-type]


def test_threads_share_a_reader(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(8), 2_000)
    reader = opened(tmp_path, vectors, range(2_000), "lists")
    alone = [reader.search(query, 50).rows.tolist() for query in vectors[:64]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: reader.search(query, 50).rows.tolist(), vectors[:64]))
    assert together == alone


def test_a_dropped_reader_gives_its_file_back(tmp_path: Path) -> None:
    opened(tmp_path, unit(np.random.default_rng(8), 200), range(200), "codes")
    columns = open_columns(tmp_path)
    file = columns.file
    del columns
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(file)


def test_compiled_code_that_the_disk_does_not_take_is_used_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from numba.core.caching import FunctionCache

    from rag.dense._kernel import _compiled

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FunctionCache, "save_overload", full)
    following = _compiled(_following)
    assert [following(1), following(2)] == [2, 3]


def _following(number: int) -> int:
    return number + 1
