"""What every embedder promises, over every file in rag/embedders."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import get_type_hints

import numpy as np
import pytest

from rag import backends
from rag.protocols.models import Embedder

TEXTS = ["The lamp burned oil.", "", "量化后的模型", "oil " * 700, "😀", "The lamp burned oil."]


@pytest.fixture(scope="module", params=backends.names("rag.embedders"))
def embedder(request: pytest.FixtureRequest) -> Embedder:
    built: Embedder = import_module(f"rag.embedders.{request.param}").build()
    return built


@pytest.mark.parametrize("name", backends.names("rag.embedders"))
def test_build_says_what_it_takes_and_that_it_makes_an_embedder(name: str) -> None:
    build = import_module(f"rag.embedders.{name}").build
    types = get_type_hints(build)
    assert types["return"] is Embedder
    parameters = inspect.signature(build).parameters
    assert all(types.get(parameter) for parameter in parameters)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())


def test_it_is_named_and_says_where_it_computes(embedder: Embedder) -> None:
    assert embedder.fingerprint.strip() == embedder.fingerprint != ""
    assert embedder.device


def test_there_is_one_unit_vector_a_text_in_their_order(embedder: Embedder) -> None:
    vectors = embedder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert np.array_equal(vectors[0], vectors[-1])
    assert not np.array_equal(vectors[0], vectors[2])


def test_a_question_has_one_unit_vector(embedder: Embedder) -> None:
    for text in ("What did the lamp burn?", "", "oil " * 700):
        vector = embedder.encode_query(text)
        assert vector.dtype == np.float32
        assert vector.shape == (embedder.dimension,)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_a_few_texts_have_the_vectors_of_many(embedder: Embedder) -> None:
    few, many = embedder.encode_few(TEXTS), embedder.encode(TEXTS)
    assert few.dtype == np.float32
    assert few.shape == many.shape
    assert (few * many).sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-3)


def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, embedder.dimension)
    assert embedder.encode_few([]).shape == (0, embedder.dimension)


def test_windows_hold_the_whole_text(embedder: Embedder) -> None:
    for text in TEXTS:
        assert "".join(embedder.windows(text)) == text
        assert embedder.windows(text)


def test_longer_texts_count_more_tokens(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert 0 < embedder.count_tokens("oil") < embedder.count_tokens("oil " * 700)


def test_readable_is_a_share(embedder: Embedder) -> None:
    assert all(0.0 <= embedder.readable(text) <= 1.0 for text in TEXTS)
    assert embedder.readable("The lamp burned oil.") == 1.0
