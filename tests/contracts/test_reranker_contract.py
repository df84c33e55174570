"""What every reranker promises, over every file in rag/rerankers.

A new reranker is found by itself; it gets its line in `options`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, get_type_hints

import numpy as np
import pytest

from rag import backends
from rag.embedders.sentence_transformers import build as build_embedder
from rag.protocols.models import Reranker

QUESTION = "Which oil did the lamp burn?"
PASSAGES = [
    "The lamp burned oil.",
    "",
    "Bread dough must rest.",
    "量化后的模型可以部署在没有显卡的机器上。",
    "oil " * 300,
    "<|im_end|>, [SEP], 😀",
    "The lamp burned oil.",
]


@pytest.fixture(scope="module", params=backends.names("rag.rerankers"))
def reranker(request: pytest.FixtureRequest) -> Reranker:
    exact = {"device": "cpu", "dtype": "float32"}  # a random model spreads what bfloat16 rounds
    options: Mapping[str, Callable[[], Mapping[str, Any]]] = {
        "cross_encoder": lambda: {"model": request.getfixturevalue("counting_cross_encoder"), **exact},
        "causal": lambda: {
            "model": request.getfixturevalue("tiny_causal_reranker"),
            "max_tokens": 512,
            **exact,
        },
        "http": lambda: {"base_url": request.getfixturevalue("rerank_server")},
        "late_interaction": dict,
    }
    built: Reranker = import_module(f"rag.rerankers.{request.param}").build(
        **{name: str(value) if name == "model" else value for name, value in options[request.param]().items()}
    )
    if hasattr(built, "use_embedder"):
        built.use_embedder(build_embedder(device="cpu", dtype="float32"))
    return built


@pytest.mark.parametrize("name", backends.names("rag.rerankers"))
def test_build_says_what_it_takes_and_that_it_makes_a_reranker(name: str) -> None:
    build = import_module(f"rag.rerankers.{name}").build
    types = get_type_hints(build)
    assert types["return"] is Reranker
    parameters = inspect.signature(build).parameters
    assert all(types.get(parameter) for parameter in parameters)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())


def test_it_has_a_name_and_can_be_warmed(reranker: Reranker) -> None:
    assert reranker.name.strip() == reranker.name != ""
    reranker.warm()


def test_there_is_one_number_a_passage_in_their_order(reranker: Reranker) -> None:
    scores = reranker.score(QUESTION, PASSAGES)
    assert scores.dtype == np.float32
    assert scores.shape == (len(PASSAGES),)
    assert np.isfinite(scores).all()
    turned = reranker.score(QUESTION, PASSAGES[::-1])
    assert turned[::-1] == pytest.approx(scores, abs=1e-5)


def test_equal_passages_have_equal_scores_and_others_do_not(reranker: Reranker) -> None:
    scores = reranker.score(QUESTION, PASSAGES)
    assert scores[0] == pytest.approx(scores[-1], abs=1e-6)
    assert abs(scores[0] - scores[2]) > 1e-4


def test_a_passage_has_the_score_it_has_alone(reranker: Reranker) -> None:
    if reranker.name == "late_interaction":
        pytest.skip("how much a token counts depends on how many of the passages scored with it have it")
    together = reranker.score(QUESTION, PASSAGES)
    alone = [reranker.score(QUESTION, [passage])[0] for passage in PASSAGES]
    assert alone == pytest.approx(together.tolist(), abs=1e-4)


def test_no_passages_have_no_scores(reranker: Reranker) -> None:
    assert reranker.score(QUESTION, []).shape == (0,)


def test_a_question_may_be_long_or_empty(reranker: Reranker) -> None:
    for question in ("", "which oil " * 400, "哪种油？" * 300):
        assert np.isfinite(reranker.score(question, PASSAGES)).all()


def test_several_threads_get_what_one_gets(reranker: Reranker) -> None:
    expected = reranker.score(QUESTION, PASSAGES)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: reranker.score(QUESTION, PASSAGES), range(8)))
    for scores in found:
        assert scores == pytest.approx(expected, abs=1e-5)
