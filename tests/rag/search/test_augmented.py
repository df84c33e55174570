"""The sparse leg over a question and what is added to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.expansion.wording import Added, Wording
from rag.protocols.legs import Explains, SparseReader
from rag.search import augmented
from rag.sparse.bmx import build
from rag.types import Segment

Read: TypeAlias = Callable[[], SparseReader]
WORDS = ["lamp", "oil", "boat", "harbour", "bread", "gale"]
TERMS = st.lists(st.sampled_from([*WORDS, "unheard"]), min_size=1, max_size=4).map(tuple)
WORDINGS = st.builds(
    Wording,
    question=st.just(""),
    terms=TERMS,
    added=st.lists(
        st.builds(Added, TERMS, st.sampled_from([0.1, 0.5, 2.0]), st.just("feedback")), max_size=2
    ).map(tuple),
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> SparseReader:
    folder: Path = tmp_path_factory.mktemp("augmented")
    documents = [[WORDS[(at + 2 * step) % 6] for step in range(1 + at % 4)] for at in range(40)]
    index = build()
    index.write(folder, documents)
    return index.open([Segment(folder, len(documents))])


def summed(reader: SparseReader, wording: Wording) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    rows = list(range(40))
    total = reader.score(wording.terms, rows).astype(np.float64)
    for added in wording.added:
        total += added.weight * reader.score(added.terms, rows)
    return total


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wording=WORDINGS, depth=st.integers(1, 45))
def test_a_score_is_the_weighted_sum_of_all_the_questions(
    reader: SparseReader, wording: Wording, depth: int
) -> None:
    whole = summed(reader, wording)
    found = augmented.found(reader, wording, depth)
    assert found.scores == pytest.approx(whole[found.rows], abs=1e-5)
    assert (np.diff(found.scores) <= 0).all()
    assert len(np.unique(found.rows)) == len(found.rows) >= min(depth, int((whole > 0).sum()))
    assert augmented.score(reader, wording, [3, 1]) == pytest.approx(whole[[3, 1]], abs=1e-5)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wording=WORDINGS, row=st.integers(0, 39))
def test_what_the_terms_add_is_the_score(reader: SparseReader, wording: Wording, row: int) -> None:
    assert isinstance(reader, Explains)
    parts = augmented.explain(reader, wording, row)
    assert sum(part.score for part in parts) == pytest.approx(summed(reader, wording)[row], abs=1e-5)
    assert len({part.term for part in parts}) == len(parts)


def test_rows_that_are_left_out_are_not_found_by_an_addition_either(reader: SparseReader) -> None:
    among = np.arange(40) % 2 == 0
    wording = Wording("", ("lamp",), added=(Added(("oil",), 0.5, "glossary"),))
    assert (augmented.found(reader, wording, 40, among).rows % 2 == 0).all()
