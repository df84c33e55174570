"""Where a model computes and in which precision, chosen alike for embedders and generators."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from rag.errors import SettingError

Dtype: TypeAlias = Literal["auto", "bfloat16", "float16", "float32"]
DTYPES = ("auto", "bfloat16", "float16", "float32")


def cores() -> int:
    """Processors this process may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def products_by_one_thread() -> None:
    """Have numpy compute matrix products with one thread, in this process.

    Those of a question are small, and OpenBLAS's threads wait actively for some 30 ms after each: over
    10,000 passages that was two fifths of an answer's processor time. What embeds has its own threads.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


def choose_device(setting: str, wanted: str) -> Any:
    """The torch device; "auto" takes a GPU if there is one.

    Raises SettingError, naming `setting`, if the device is not there.
    """
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        raise SettingError(
            f"{setting} = {wanted!r}: {first_line(error)}; valid here: auto, cpu"
            + (", cuda" if torch.cuda.is_available() else "")
        ) from error
    return device


def choose_devices(setting: str, wanted: str) -> list[Any]:
    """The torch devices of a comma-separated list; "auto" takes every GPU there is.

    A device may stand there twice. Raises SettingError, naming `setting`, if one is not there.
    """
    import torch

    if wanted == "auto" and torch.cuda.device_count() > 1:
        return [torch.device("cuda", number) for number in range(torch.cuda.device_count())]
    return [choose_device(setting, each.strip()) for each in wanted.split(",")]


def choose_dtype(wanted: Dtype, device: Any) -> Any:
    """The torch dtype; "auto" takes bfloat16 where the device computes in it, not where it is emulated."""
    import torch

    if wanted != "auto":
        return getattr(torch, wanted)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if native_bfloat16() else torch.float32


def native_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself (AMX, AVX512-BF16, ARM's BF16)."""
    import torch

    found = torch.cpu.get_capabilities()
    return any(found.get(feature) for feature in ("amx_bf16", "avx512_bf16", "bf16"))


def first_line(error: BaseException) -> str:
    """What an error says, as one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
