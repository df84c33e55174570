"""Loading a local model's checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rag.compute import Dtype
from rag.generators import _checkpoint


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_is_loaded_in_the_precision_asked_for(tiny_model: Path, dtype: Dtype) -> None:
    _, model = _checkpoint.load(str(tiny_model), "cpu", dtype)
    assert model.dtype is getattr(torch, dtype)
    assert not model.training
