"""A LoRA adapter over a loaded model, from a local folder as peft writes it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from rag.compute import first_line
from rag.errors import SettingError
from rag.generators._local.quantised import require


def adapted(model: Any, folder: Path, *, merge: bool) -> Any:
    """The model with the adapter in `folder`; merged into its weights, it costs nothing per token.

    Raises SettingError for a folder that holds no LoRA adapter in safetensors, or one of another model.
    """
    require("generator.adapter", ["peft"])
    _check(folder)
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            # peft would go on with part of the adapter left as it was before training: at nothing.
            warnings.filterwarnings("error", message="Found missing adapter keys")
            warnings.filterwarnings("ignore", category=FutureWarning)  # between peft and transformers
            found = PeftModel.from_pretrained(model, str(folder))
    except Exception as error:  # readers of foreign files raise whatever they like
        raise SettingError(
            f"generator.adapter {folder}: it does not fit generator.model: {first_line(error)}"
        ) from error
    return found.merge_and_unload() if merge else found


def _check(folder: Path) -> None:
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingError(
            f"generator.adapter {folder}: no adapter_config.json there; give the folder that peft saved"
        ) from error
    except (OSError, ValueError) as error:
        raise SettingError(
            f"generator.adapter {folder}: adapter_config.json cannot be read: {first_line(error)}"
        ) from error
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA":
        raise SettingError(f"generator.adapter {folder}: it is of the kind {kind}; only LORA is read")
    if not (folder / "adapter_model.safetensors").is_file():
        raise SettingError(
            f"generator.adapter {folder}: it has no weights in safetensors; save it with "
            "save_pretrained(..., safe_serialization=True)"
        )
