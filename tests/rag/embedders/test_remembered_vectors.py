"""Vectors are remembered in one place, up to a bound, and are those that would be computed again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.embedders._memory import Memory
from rag.embedders._padded import PaddedModel
from rag.embedders.sentence_transformers import SentenceTransformersEmbedder, build

Make = Callable[..., Path]


def vector(number: float) -> Any:
    return np.array([number], dtype=np.float32)


def test_what_was_asked_for_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.embedders._memory._MOST", 2)
    memory = Memory()
    memory.put("a", vector(1))
    memory.put("b", vector(2))
    assert memory.get("a") == vector(1)
    memory.put("c", vector(3))
    assert [memory.get(key) for key in "abc"] == [vector(1), None, vector(3)]


def test_many_threads_may_ask_and_remember(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.embedders._memory._MOST", 3)
    memory = Memory()

    def used(number: int) -> bool:
        memory.put(number % 7, vector(number % 7))
        return memory.get(number % 7) in (None, vector(number % 7))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(used, range(2000)))
    assert sum(memory.get(key) is not None for key in range(7)) == 3


def test_a_question_is_computed_once_and_is_no_other_one_behind_another_prompt(make: Make) -> None:
    embedder = build(model=str(make(kind="distilbert")), device="cpu", dtype="float32", query_prompt="find: ")
    assert isinstance(embedder, SentenceTransformersEmbedder)
    model = embedder._model
    assert isinstance(model, PaddedModel)
    seen: list[int] = []
    model.models[0].register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0]["input_ids"])))
    first = embedder.encode_query("the lamp")
    assert np.array_equal(embedder.encode_query("the lamp"), first)
    assert seen == [1]
    assert not np.allclose(embedder.encode_few(["the lamp"])[0], first)
    embedder.encode_few(["the lamp", "oil"])
    assert seen == [1, 1, 2]


def test_a_question_longer_than_the_model_reads_is_cut_and_the_cut_is_the_same_each_time(make: Make) -> None:
    embedder = build(model=str(make()), device="cpu", dtype="float32")
    long = "lamp oil " * 400
    vectors = [embedder.encode_query(long), embedder.encode_query(f"{long} and more")]
    assert np.array_equal(vectors[0], vectors[1])
    assert not np.allclose(vectors[0], embedder.encode_query("lamp oil"))
