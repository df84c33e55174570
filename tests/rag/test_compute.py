"""Where and in what precision a local model computes."""

from __future__ import annotations

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from rag.compute import choose_device, choose_dtype, products_by_one_thread
from rag.errors import SettingError


def test_a_gpu_is_taken_if_there_is_one_and_the_processor_otherwise() -> None:
    device = choose_device("generator.device", "auto")
    assert device.type == "cuda" if torch.cuda.is_available() else device.type in ("cpu", "mps")
    assert choose_device("generator.device", "cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_with_what_there_is() -> None:
    with pytest.raises(SettingError, match=r"generator\.device = 'cuda'.*valid here: auto, cpu"):
        choose_device("generator.device", "cuda")


def test_bfloat16_is_taken_only_where_the_processor_computes_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for features, dtype in (
        ({"avx2": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda features=features: features)
        assert choose_dtype("auto", cpu) is dtype
    assert choose_dtype("float16", cpu) is torch.float16


def test_products_of_numpy_take_one_thread() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        products_by_one_thread()
        assert {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"} == {1}
