"""What rerankers whose model runs in this process share: long passages, memory, models that do not load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.compute import first_line
from rag.errors import GeneratorError, SettingError
from rag.types import Vectors

_GPU_TIMES = 4  # as many tokens again as a processor is given at once


def best_windows(windows: Sequence[Sequence[str]], score: Callable[[list[str]], Vectors]) -> Vectors:
    """Each passage's score, float32: that of the best of its windows.

    MaxP of Dai and Callan, "Deeper text understanding for IR with contextual neural language modeling"
    (SIGIR 2019), section 3. `score` is asked once, for all windows of all passages.
    """
    flat = [window for own in windows for window in own]
    scores = score(flat)
    starts = np.cumsum([0, *[len(own) for own in windows]])[:-1]
    best: Vectors = np.maximum.reduceat(scores, starts).astype(np.float32)
    return best


def rows_of(longest: int, batch_tokens: int, device: Any) -> int:
    """Pairs of `longest` tokens that are computed at once."""
    return max(1, batch_tokens * (1 if device.type == "cpu" else _GPU_TIMES) // max(1, longest))


def checked(scores: Vectors, name: str) -> Vectors:
    """The scores. Raises GeneratorError if one of them is no number."""
    if not np.isfinite(scores).all():
        raise GeneratorError(f"reranker.model {name} gave no number: set reranker.dtype = float32")
    return scores


def failed(name: str, error: Exception, device: Any) -> GeneratorError:
    """What a user reads of a model that failed while it computed."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
        return GeneratorError(
            f"reranker.model {name} does not fit in memory ({device}): lower reranker.batch_tokens, take a "
            "smaller model, or set reranker.device = cpu"
        )
    return GeneratorError(f"reranker.model {name} failed: {first_line(error)}")


def checked_name(model: str) -> str:
    """A folder or hub name as it is loaded. Raises SettingError for none, or a folder that is not there."""
    if not model.strip():
        raise SettingError("reranker.model is not set: give a local folder or a hub name")
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder)
    if model.startswith((".", "/", "~")) or folder.is_absolute():
        raise SettingError(f"reranker.model = {model!r}: there is no such folder")
    return model


def unloadable(name: str, error: Exception) -> SettingError:
    """What a user reads of a model that cannot be loaded."""
    said = str(error)
    if "trust_remote_code" in said:
        reason = "it brings its own program code, which is never run; take a model that transformers knows"
    elif "safetensors" in said and "config.json" not in said:
        reason = "it has no weights in safetensors; take a checkpoint that has, or convert it"
    elif isinstance(error, OSError) and not Path(name).is_dir():
        reason = (
            "no such folder, and no such model in the local cache or on a hub in reach; give a local folder, "
            "or a hub name with HF_HUB_OFFLINE=0 for the one download; HF_ENDPOINT names a mirror"
        )
    else:
        reason = f"it cannot be loaded: {first_line(error)}"
    return SettingError(f"reranker.model {name}: {reason}")
