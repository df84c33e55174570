"""Loading a causal language model's checkpoint, whole or quantised, with or without a LoRA adapter.

Weights are read from safetensors only; program code that comes with a checkpoint is never run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.compute import Dtype, choose_device, choose_dtype, first_line
from rag.errors import GeneratorError, SettingError
from rag.generators._local.adapter import adapted
from rag.generators._local.quantised import Quantise, quantisation, require, stored_as

HOW_TO_GET = (
    "give a local folder, or a hub name with HF_HUB_OFFLINE=0 (make ... OFFLINE=0) for the one download; "
    "HF_ENDPOINT names a mirror"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What to load and where to: `device_map` "" is all of it on `device`."""

    name: str
    device: str = "auto"
    dtype: Dtype = "auto"
    quantise: Quantise = "no"
    device_map: str = ""
    adapter: Path | None = None


def load(wanted: Checkpoint) -> tuple[Any, Any]:
    """Tokenizer and model of a local folder or hub name, on its device and ready to generate.

    Raises SettingError for a checkpoint or adapter that is absent or not usable, a package that it needs
    or a device that is not there; GeneratorError where memory does not hold it.
    """
    import torch

    place = choose_device("generator.device", wanted.device)
    try:
        return _load(wanted, place)
    except (SettingError, GeneratorError):
        raise
    except Exception as error:  # readers of foreign files raise whatever they like
        if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
            raise out_of_memory(wanted.name, place) from error
        raise _unloadable(wanted.name, error) from error


def _load(wanted: Checkpoint, place: Any) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    given = {"trust_remote_code": False}
    number = choose_dtype(wanted.dtype, place)
    method = stored_as(wanted.name, AutoConfig.from_pretrained(wanted.name, **given))
    placed = _placing(wanted, place, method)
    if wanted.quantise != "no":
        placed["quantization_config"] = quantisation(wanted.name, wanted.quantise, method, number)
    tokenizer = AutoTokenizer.from_pretrained(wanted.name, **given)
    model, found = AutoModelForCausalLM.from_pretrained(
        wanted.name, dtype=number, use_safetensors=True, output_loading_info=True, **placed, **given
    )
    _refuse_incomplete(wanted.name, tokenizer, found["missing_keys"])
    if wanted.adapter is not None:
        model = adapted(model, wanted.adapter, merge=method is None and wanted.quantise == "no")
    return tokenizer, (model if placed else model.to(place)).eval()


def _placing(wanted: Checkpoint, place: Any, method: str | None) -> dict[str, Any]:
    """How the weights find their device while they are read; empty: they are moved there afterwards."""
    if wanted.device_map:
        require("generator.device_map", ["accelerate"])
        return {"device_map": wanted.device_map}
    quantised = method is not None or wanted.quantise != "no"
    return {"device_map": {"": place}} if quantised else {}


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
        "retriever.k, set generator.quantise = 4bit, take a smaller model, or set generator.device = cpu"
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
