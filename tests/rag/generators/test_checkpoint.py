"""Where and in what precision a local model computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rag.errors import SettingError
from rag.generators import _checkpoint


def test_a_gpu_is_taken_if_there_is_one_and_the_processor_otherwise() -> None:
    device = _checkpoint.choose_device("auto")
    assert device.type == "cuda" if torch.cuda.is_available() else device.type in ("cpu", "mps")
    assert _checkpoint.choose_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_with_what_there_is() -> None:
    with pytest.raises(SettingError, match=r"generator\.device is 'cuda'.*valid here: auto, cpu"):
        _checkpoint.choose_device("cuda")


def test_bfloat16_is_taken_only_where_the_processor_computes_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for features, dtype in (
        ({"avx2": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda features=features: features)
        assert _checkpoint.choose_dtype("auto", cpu) is dtype
    assert _checkpoint.choose_dtype("float16", cpu) is torch.float16


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_is_loaded_in_the_precision_asked_for(tiny_model: Path, dtype: _checkpoint.Dtype) -> None:
    _, model = _checkpoint.load(str(tiny_model), "cpu", dtype)
    assert model.dtype is getattr(torch, dtype)
    assert not model.training
