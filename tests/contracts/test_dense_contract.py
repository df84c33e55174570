"""What every dense index promises, over every file in rag/dense."""

from __future__ import annotations

import hashlib
import inspect
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from rag import backends
from rag.protocols.legs import DenseIndex, DenseReader
from rag.types import Segment, Vectors

ROWS = [0, 0, 1, 2, 2, 2, 3, 5]  # row 4 has no vector


def made_vectors() -> Vectors:
    vectors = np.random.default_rng(3).normal(size=(len(ROWS), 16)).astype(np.float32)
    vectors[6] = vectors[2]
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


# Every way in which a backend searches, whatever the size of the index: exactly, by codes, by codes in lists.
WAYS: dict[str, list[dict[str, float]]] = {
    "faiss": [{}, {"exact_below": 0, "effort": 1_000}, {"exact_below": 0, "listed_from": 0, "effort": 1_000}]
}


@pytest.fixture(
    params=[(name, way) for name in backends.names("rag.dense") for way in WAYS.get(name, [{}])], ids=str
)
def index(request: pytest.FixtureRequest) -> DenseIndex:
    name, way = request.param
    built: DenseIndex = import_module(f"rag.dense.{name}").build(**way)
    return built


@pytest.fixture
def reader(index: DenseIndex, tmp_path: Path) -> DenseReader:
    index.write(tmp_path, made_vectors(), ROWS)
    return index.open([Segment(tmp_path, 6)])


@pytest.mark.parametrize("name", backends.names("rag.dense"))
def test_build_says_what_it_takes_and_that_it_makes_a_dense_index(name: str) -> None:
    build = import_module(f"rag.dense.{name}").build
    types = get_type_hints(build)
    assert types["return"] is DenseIndex
    parameters = inspect.signature(build).parameters
    assert all(types.get(parameter) for parameter in parameters)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())


def test_a_row_finds_itself_by_any_of_its_vectors(reader: DenseReader) -> None:
    for row, vector in zip(ROWS, made_vectors(), strict=True):
        ranking = reader.search(vector, 3)
        assert row in ranking.rows.tolist()[:2], "rows 1 and 3 have the same vector"
        assert ranking.scores[0] == pytest.approx(1.0, abs=1e-6)
        assert ranking.rows.dtype == np.dtype(np.int64)
        assert ranking.scores.dtype == np.dtype(np.float32)


def test_the_best_come_first_and_equals_in_row_order(reader: DenseReader) -> None:
    for vector in made_vectors():
        ranking = reader.search(vector, 100)
        assert set(ranking.rows.tolist()) == {0, 1, 2, 3, 5}
        pairs = list(zip(-ranking.scores, ranking.rows, strict=True))
        assert pairs == sorted(pairs)
        assert ranking.rows.tolist().index(3) == ranking.rows.tolist().index(1) + 1


def test_a_shorter_list_is_the_beginning_of_the_longer(reader: DenseReader) -> None:
    for vector in made_vectors():
        whole = reader.search(vector, 100)
        for depth in range(1, 6):
            part = reader.search(vector, depth)
            assert part.rows.tolist() == whole.rows.tolist()[:depth]
            assert part.scores.tolist() == whole.scores.tolist()[:depth]


def test_scoring_rows_agrees_with_searching(reader: DenseReader) -> None:
    vector = made_vectors()[4]
    ranking = reader.search(vector, 100)
    assert reader.score(vector, ranking.rows.tolist()).tolist() == ranking.scores.tolist()
    assert reader.score(vector, ranking.rows.tolist()[::-1]).tolist() == ranking.scores.tolist()[::-1]
    assert reader.score(vector, []).shape == (0,)


def test_an_empty_index_finds_nothing(index: DenseIndex, tmp_path: Path) -> None:
    index.write(tmp_path, np.zeros((0, 16), dtype=np.float32), [])
    reader = index.open([Segment(tmp_path, 0)])
    assert len(reader.search(made_vectors()[0], 10).rows) == 0


def test_equal_vectors_give_equal_files(index: DenseIndex, tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        index.write(folder, made_vectors(), ROWS)
        digests.append(
            {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
        )
    assert digests[0] == digests[1] != {}


def in_parts(index: DenseIndex, folder: Path, deleted: list[int]) -> list[Segment]:
    """The rows 0 to 2 and the rows 3 to 5 as two segments; `deleted` numbers them through."""
    vectors, places = made_vectors(), []
    for name, first, own in (("a", 0, slice(0, 6)), ("b", 3, slice(6, 8))):
        (folder / name).mkdir()
        index.write(folder / name, vectors[own], [row - first for row in ROWS[own]])
        gone = [row - first for row in deleted if first <= row < first + 3]
        places.append(Segment(folder / name, 3, np.array(gone, dtype=np.int64)))
    return places


@pytest.mark.parametrize("deleted", [[], [1], [0, 3, 5], [3, 4, 5]])
def test_segments_are_searched_as_one_collection_without_deleted_rows(
    index: DenseIndex, reader: DenseReader, tmp_path: Path, deleted: list[int]
) -> None:
    parts = index.open(in_parts(index, tmp_path, deleted))
    for vector in made_vectors():
        whole = reader.search(vector, 100)
        living = ~np.isin(whole.rows, deleted)
        found = parts.search(vector, 100)
        assert found.rows.tolist() == whole.rows[living].tolist()
        assert found.scores.tolist() == whole.scores[living].tolist()
        scores = parts.score(vector, range(6))
        assert scores[found.rows].tolist() == found.scores.tolist()
        assert not scores[deleted].any()


@pytest.mark.parametrize("deleted", [[], [1], [0, 3, 5], [3, 4, 5], [0, 1, 2, 3, 4, 5]])
def test_merged_segments_hold_the_living_rows_without_gaps(
    index: DenseIndex, reader: DenseReader, tmp_path: Path, deleted: list[int]
) -> None:
    (tmp_path / "merged").mkdir()
    index.merge(tmp_path / "merged", in_parts(index, tmp_path, deleted))
    living = [row for row in range(6) if row not in deleted]
    merged = index.open([Segment(tmp_path / "merged", len(living))])
    for vector in made_vectors():
        whole = reader.search(vector, 100)
        kept = ~np.isin(whole.rows, deleted)
        found = merged.search(vector, 100)
        assert [living[row] for row in found.rows.tolist()] == whole.rows[kept].tolist()
        assert found.scores.tolist() == whole.scores[kept].tolist()


def test_only_rows_asked_for_are_found(reader: DenseReader) -> None:
    for vector in made_vectors():
        whole = reader.search(vector, 100)
        for among in (np.arange(6) % 2 == 0, np.zeros(6, dtype=np.bool_), np.ones(6, dtype=np.bool_)):
            for depth in (2, 100):
                found = reader.search(vector, depth, among)
                assert found.rows.tolist() == whole.rows[among[whole.rows]].tolist()[:depth]


def test_an_index_without_segments_finds_nothing(index: DenseIndex) -> None:
    assert len(index.open([]).search(made_vectors()[0], 10).rows) == 0
