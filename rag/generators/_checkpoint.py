"""Loading a causal language model's checkpoint.

Weights are read from safetensors only; program code that comes with a checkpoint is never run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rag.compute import Dtype, choose_device, choose_dtype, first_line
from rag.errors import GeneratorError, SettingError

HOW_TO_GET = (
    "give a local folder, or a hub name with HF_HUB_OFFLINE=0 (make ... OFFLINE=0) for the one download; "
    "HF_ENDPOINT names a mirror"
)


def load(name: str, device: str, dtype: Dtype) -> tuple[Any, Any]:
    """Tokenizer and model of a local folder or hub name, on its device and ready to generate.

    Raises SettingError for a checkpoint that is absent or not usable, or a device that is not there;
    GeneratorError where memory does not hold it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = choose_device("generator.device", device)
    number = choose_dtype(dtype, place)
    given = {"trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **given)
        model, found = AutoModelForCausalLM.from_pretrained(
            name, dtype=number, use_safetensors=True, output_loading_info=True, **given
        )
        _refuse_incomplete(name, tokenizer, found["missing_keys"])
        return tokenizer, model.to(place).eval()
    except SettingError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise out_of_memory(name, place) from error
    except Exception as error:  # readers of foreign files raise whatever they like
        raise _unloadable(name, error) from error


def _refuse_incomplete(name: str, tokenizer: Any, missing: Iterable[str]) -> None:
    # transformers fills either gap in silence: it would answer, but with noise.
    if not tokenizer("lectern")["input_ids"]:
        raise SettingError(f"generator.model {name}: it has no tokenizer files; copy the checkpoint whole")
    absent = sorted(missing)
    if absent:
        raise SettingError(
            f"generator.model {name}: {len(absent)} weights are missing, {absent[0]} first; "
            "copy the checkpoint whole, or take one made for writing text"
        )


def out_of_memory(name: str, device: Any) -> GeneratorError:
    """The error to raise where memory holds neither the model nor its prompt."""
    return GeneratorError(
        f"generator.model {name} does not fit in memory ({device}): lower generator.max_context_tokens or "
        "retriever.k, take a smaller model, or set generator.device = cpu"
    )


def _unloadable(name: str, error: Exception) -> SettingError:
    said = str(error)
    if "trust_remote_code" in said:
        reason = "it brings its own program code, which is never run; take a model that transformers knows"
    elif "safetensors" in said and "config.json" not in said:
        reason = "it has no weights in safetensors; take a checkpoint that has, or convert it"
    elif isinstance(error, ImportError):
        reason = f"it needs a package that is not installed: {first_line(error)}"
    elif isinstance(error, OSError | ValueError) and not Path(name).is_dir():
        reason = f"no such folder, and no such model in the local cache or on a hub in reach; {HOW_TO_GET}"
    else:
        reason = f"it cannot be loaded: {first_line(error)}"
    return SettingError(f"generator.model {name}: {reason}")
