"""What every sparse index promises, over every file in rag/sparse."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag import backends
from rag.protocols.legs import Explains, SparseIndex, SparseReader
from rag.types import Segment

DOCUMENTS = [
    ["lamp", "oil", "lamp"],
    ["bread", "dough"],
    [],
    ["oil", "部署", "a\tb", "naïve"],
    ["lamp", "oil", "lamp"],
    ["bread", "oil", "harbour", "window", "gale"],
]


@pytest.fixture(params=backends.names("rag.sparse"))
def index(request: pytest.FixtureRequest) -> SparseIndex:
    built: SparseIndex = import_module(f"rag.sparse.{request.param}").build()
    return built


@pytest.fixture
def reader(index: SparseIndex, tmp_path: Path) -> SparseReader:
    index.write(tmp_path, DOCUMENTS)
    return index.open([Segment(tmp_path, len(DOCUMENTS))])


@pytest.mark.parametrize("name", backends.names("rag.sparse"))
def test_build_says_what_it_takes_and_that_it_makes_a_sparse_index(name: str) -> None:
    build = import_module(f"rag.sparse.{name}").build
    types = get_type_hints(build)
    assert types["return"] is SparseIndex
    parameters = inspect.signature(build).parameters
    assert all(types.get(parameter) for parameter in parameters)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())


def test_a_term_is_in_as_many_rows_as_hold_it(reader: SparseReader) -> None:
    asked = ["oil", "lamp", "unknown", "部署", "oil", ""]
    found = reader.frequencies(asked)
    assert found.dtype == np.dtype(np.int64)
    assert found.tolist() == [sum(term in words for words in DOCUMENTS) for term in asked]
    assert reader.frequencies([]).tolist() == []


@pytest.mark.parametrize("terms", [["lamp"], ["oil", "bread"], ["部署"], ["lamp", "unknown"], ["oil", "oil"]])
def test_exactly_the_rows_that_share_a_term_are_found(reader: SparseReader, terms: Sequence[str]) -> None:
    ranking = reader.search(terms, 100)
    expected = {row for row, words in enumerate(DOCUMENTS) if set(words) & set(terms)}
    assert set(ranking.rows.tolist()) == expected
    assert ranking.rows.dtype == np.dtype(np.int64)
    assert ranking.scores.dtype == np.dtype(np.float32)
    assert ranking.rows.shape == ranking.scores.shape
    assert (ranking.scores > 0).all()


def test_the_best_come_first_and_equals_in_row_order(reader: SparseReader) -> None:
    ranking = reader.search(["lamp", "oil"], 100)
    pairs = list(zip(-ranking.scores, ranking.rows, strict=True))
    assert pairs == sorted(pairs)
    assert ranking.rows.tolist()[:2] == [0, 4]


def test_a_shorter_list_is_the_beginning_of_the_longer(reader: SparseReader) -> None:
    whole = reader.search(["lamp", "oil", "bread"], 100)
    for depth in range(1, 8):
        part = reader.search(["lamp", "oil", "bread"], depth)
        assert part.rows.tolist() == whole.rows.tolist()[:depth]
        assert part.scores.tolist() == whole.scores.tolist()[:depth]


def test_scoring_rows_agrees_with_searching(reader: SparseReader) -> None:
    terms = ["lamp", "oil", "unknown"]
    ranking = reader.search(terms, 100)
    assert reader.score(terms, ranking.rows.tolist()).tolist() == ranking.scores.tolist()
    assert reader.score(terms, [2, 1]).tolist() == [0.0, 0.0]
    assert reader.score(terms, []).shape == (0,)


@pytest.mark.parametrize("terms", [[], ["unknown"], ["unknown", "words"]])
def test_unknown_words_find_nothing(reader: SparseReader, terms: list[str]) -> None:
    assert len(reader.search(terms, 10).rows) == 0
    assert not reader.score(terms, range(len(DOCUMENTS))).any()


@pytest.mark.parametrize("documents", [[], [[]], [[], []]])
def test_a_collection_without_a_word_is_an_index(
    index: SparseIndex, tmp_path: Path, documents: list[list[str]]
) -> None:
    index.write(tmp_path, documents)
    reader = index.open([Segment(tmp_path, len(documents))])
    assert len(reader.search(["lamp"], 10).rows) == 0
    assert reader.score(["lamp"], range(len(documents))).tolist() == [0.0] * len(documents)


def test_documents_may_be_given_one_at_a_time(index: SparseIndex, tmp_path: Path) -> None:
    index.write(tmp_path, (words for words in DOCUMENTS))
    reader = index.open([Segment(tmp_path, len(DOCUMENTS))])
    assert len(reader.search(["lamp"], 10).rows) == 2


def test_equal_collections_give_equal_files(index: SparseIndex, tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        index.write(folder, [list(words) for words in DOCUMENTS])
        digests.append(
            {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
        )
    assert digests[0] == digests[1] != {}


def in_parts(index: SparseIndex, folder: Path, deleted: list[int]) -> list[Segment]:
    """The rows 0 and 1, 2 to 4, and 5 as segments of their own; `deleted` numbers them through."""
    places = []
    for first, last in ((0, 2), (2, 5), (5, 6)):
        own = folder / f"from-{first}"
        own.mkdir()
        index.write(own, DOCUMENTS[first:last])
        gone = [row - first for row in deleted if first <= row < last]
        places.append(Segment(own, last - first, np.array(gone, dtype=np.int64)))
    return places


@pytest.mark.parametrize("deleted", [[], [1], [0, 3], [2, 3, 4], [0, 1, 2, 3, 4, 5]])
def test_segments_are_one_collection_of_their_living_rows(
    index: SparseIndex, tmp_path: Path, deleted: list[int]
) -> None:
    """Counts of documents, lengths and entropies are those of the living rows, merged or not."""
    living = [row for row in range(6) if row not in deleted]
    for name in ("whole", "merged"):
        (tmp_path / name).mkdir()
    index.write(tmp_path / "whole", [DOCUMENTS[row] for row in living])
    parts = in_parts(index, tmp_path, deleted)
    index.merge(tmp_path / "merged", parts)
    whole, merged = (index.open([Segment(tmp_path / name, len(living))]) for name in ("whole", "merged"))
    opened = index.open(parts)
    for terms in (["lamp"], ["oil", "bread"], ["部署", "lamp", "oil"], ["unknown"], ["gale", "gale"]):
        expected, found = whole.search(terms, 100), opened.search(terms, 100)
        assert found.rows.tolist() == [living[row] for row in expected.rows.tolist()]
        assert found.scores.tolist() == expected.scores.tolist()
        assert (
            opened.score(terms, range(6))[living].tolist() == whole.score(terms, range(len(living))).tolist()
        )
        assert not opened.score(terms, range(6))[deleted].any()
        again = merged.search(terms, 100)
        assert (again.rows.tolist(), again.scores.tolist()) == (
            expected.rows.tolist(),
            expected.scores.tolist(),
        )


def test_only_rows_asked_for_are_found_with_the_scores_they_have(reader: SparseReader) -> None:
    for terms in (["lamp", "oil"], ["oil"], ["unknown"]):
        whole = reader.search(terms, 100)
        for among in (np.arange(6) % 2 == 0, np.zeros(6, dtype=np.bool_), np.ones(6, dtype=np.bool_)):
            kept = among[whole.rows]
            for depth in (1, 100):
                found = reader.search(terms, depth, among)
                assert found.rows.tolist() == whole.rows[kept].tolist()[:depth]
                assert found.scores.tolist() == whole.scores[kept].tolist()[:depth]


def test_an_index_without_segments_finds_nothing(index: SparseIndex) -> None:
    reader = index.open([])
    assert len(reader.search(["lamp"], 10).rows) == 0
    assert reader.score(["lamp"], []).shape == (0,)


WORDS = ["lamp", "oil", "部署", "a", "gale"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    documents=st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=6),
    question=st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=6),
)
def test_a_score_is_the_sum_of_what_its_terms_add(
    index: SparseIndex, documents: list[list[str]], question: list[str]
) -> None:
    """Only terms that both hold add something, the largest part first; a deleted row has no parts."""
    with TemporaryDirectory() as folder:
        index.write(Path(folder), documents)
        reader = index.open([Segment(Path(folder), len(documents), np.array([0]))])
        if not isinstance(reader, Explains):
            pytest.skip("this backend cannot take a score apart")
        scores = reader.score(question, range(len(documents)))
        for row, score in enumerate(scores.tolist()):
            parts = reader.explain(question, row)
            assert sum(part.score for part in parts) == pytest.approx(score, rel=1e-5, abs=1e-6)
            assert {part.term for part in parts} <= set(question) & set(documents[row])
            assert [part.score for part in parts] == sorted((part.score for part in parts), reverse=True)
        assert reader.explain(question, 0) == ()
