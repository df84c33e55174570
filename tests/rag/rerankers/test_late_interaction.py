"""Late interaction with the embedder's token vectors: its sum, what it remembers, what it cannot read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from rag.embedders.sentence_transformers import build as build_embedder
from rag.errors import GeneratorError, SettingError
from rag.protocols.models import Embedder, EmbedsTokens, TokenVectors
from rag.rerankers.late_interaction import LateInteraction, build

# Unit vectors in a plane, 60 degrees apart, that stand for words.
VECTORS = {
    "oil": (1.0, 0.0),
    "fuel": (0.5, math.sqrt(0.75)),
    "lamp": (0.0, 1.0),
    "dough": (-1.0, 0.0),
}
WORDS = list(VECTORS)


class Words:
    """An embedder whose tokens are words, and which has a vector for each of four."""

    def __init__(self, scale: float = 1.0) -> None:
        self.read: list[str] = []
        self.scale = scale

    def readable(self, text: str) -> float:
        words = text.split()
        return sum(word in VECTORS for word in words) / len(words) if words else 0.0

    def question_tokens(self, text: str) -> TokenVectors:
        known = [word for word in text.split() if word in VECTORS]
        vectors = np.array([VECTORS[word] for word in known], dtype=np.float32).reshape(-1, 2)
        return TokenVectors(np.array([WORDS.index(word) for word in known], dtype=np.int64), vectors)

    def passage_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        self.read += texts
        found = [self.question_tokens(text) for text in texts]
        return [TokenVectors(each.ids, each.vectors * self.scale) for each in found]


def opened(words: object, cache_mb: int = 1) -> LateInteraction:
    reranker = build(cache_mb)
    assert isinstance(reranker, LateInteraction)
    reranker.use_embedder(cast(Embedder, words))
    return reranker


def test_the_score_is_the_mean_of_the_largest_cosines_weighted_by_rarity() -> None:
    passages = ["oil lamp", "fuel dough", "oil", "dough"]
    rare, common = math.log(1 + 4 / (1 + 1)), math.log(1 + 4 / (1 + 2))  # lamp is in one of four, oil in two
    expected = [
        (common * oil + rare * lamp) / (common + rare)
        for oil, lamp in ((1.0, 1.0), (0.5, math.sqrt(0.75)), (1.0, 0.0), (-1.0, 0.0))
    ]
    assert opened(Words()).score("oil lamp", passages) == pytest.approx(expected, abs=1e-3)


def test_a_passage_without_tokens_is_worse_than_any_other() -> None:
    scores = opened(Words()).score("oil", ["", "dough", "lamp"])
    assert scores == pytest.approx([-1.0, -1.0, 0.0], abs=1e-3)


@pytest.mark.parametrize("question", ["哪种 油", "oil 油", ""])
def test_of_a_question_it_cannot_read_it_says_nothing_and_computes_nothing(question: str) -> None:
    words = Words()
    assert opened(words).score(question, ["oil", "dough"]).tolist() == [0.0, 0.0]
    assert words.read == []


def test_a_passage_is_computed_once() -> None:
    words = Words()
    reranker = opened(words)
    first = reranker.score("oil lamp", ["oil", "dough", "oil"])
    assert words.read == ["oil", "dough"]
    assert reranker.score("oil lamp", ["oil", "dough", "oil"]).tolist() == first.tolist()
    assert reranker.score("lamp", ["dough", "fuel"]).tolist()[0] == 0.0
    assert words.read == ["oil", "dough", "fuel"]


def test_without_a_cache_the_scores_are_the_same() -> None:
    words = Words()
    reranker = opened(words, cache_mb=0)
    passages = ["fuel", "oil fuel lamp", "dough"]
    assert reranker.score("oil", passages).tolist() == opened(Words()).score("oil", passages).tolist()
    reranker.score("oil", passages)
    assert words.read == passages * 2


def test_what_was_not_asked_for_longest_makes_room() -> None:
    words = Words()
    reranker = opened(words)
    first, second = "oil " * 40_000, "lamp " * 30_000  # some 0.8 and 0.66 MB with their tokens
    for passage in ("dough", first, "dough", second, "dough", first, "dough", second):
        reranker.score("oil", [passage])
    assert words.read == ["dough", first, second, first, second]


def test_what_is_no_number_is_a_setting_to_change() -> None:
    with pytest.raises(GeneratorError, match=r"set embedder\.dtype = float32"):
        opened(Words(scale=math.nan)).score("oil", ["lamp"])


def test_settings_that_cannot_be_are_told() -> None:
    with pytest.raises(SettingError, match=r"reranker\.cache_mb = -1"):
        build(-1)
    for embedder in (None, object()):
        with pytest.raises(SettingError, match=r"late_interaction: this embedder has no token vectors"):
            opened(embedder).warm()


def test_with_the_default_model_the_passage_that_answers_comes_first() -> None:
    embedder = build_embedder(device="cpu", dtype="float32")
    assert isinstance(embedder, EmbedsTokens)
    scores = opened(embedder).score(
        "What did the lamp of the lighthouse burn?",
        ["The keeper bakes bread on Sundays.", "The lighthouse lamp burned rape oil.", "A gale broke it."],
    )
    assert int(np.argmax(scores)) == 1
    assert scores.max() <= 1.0
