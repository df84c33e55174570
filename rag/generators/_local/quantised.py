"""Weights in fewer bits: quantised while they are loaded (bitsandbytes), or stored so already."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from rag.errors import SettingError

Quantise: TypeAlias = Literal["no", "8bit", "4bit"]
QUANTISE = ("no", "8bit", "4bit")

# What transformers reads each kind of stored checkpoint with.
_READERS = {
    "awq": ["gptqmodel", "accelerate"],
    "gptq": ["gptqmodel", "optimum"],
    "compressed-tensors": ["compressed_tensors", "accelerate"],
    "bitsandbytes": ["bitsandbytes", "accelerate"],
}
# The packages of the extra; the others are built for one GPU and its CUDA, which no range can name.
_EXTRA = ("accelerate", "bitsandbytes", "compressed_tensors", "peft")


def require(what: str, packages: Sequence[str]) -> None:
    """Raise SettingError, with the pip command, if one of the packages is not installed."""
    absent = [package for package in packages if find_spec(package) is None]
    if not absent:
        return
    own = [package for package in absent if package not in _EXTRA]
    commands = [f"pip install {' '.join(own)}"] if own else []
    if len(own) < len(absent):
        commands.append('pip install -e ".[transformers]"')
    raise SettingError(
        f"{what} needs the package{'s' if len(absent) > 1 else ''} {' and '.join(absent)}: "
        f"{' && '.join(commands)}"
    )


def stored_as(name: str, config: Any) -> str | None:
    """The method by which a checkpoint's weights are quantised, None for whole ones.

    Raises SettingError if a package to read them with is not installed.
    """
    stored = getattr(config, "quantization_config", None)
    if stored is None:
        return None
    said = stored.get("quant_method") if isinstance(stored, dict) else getattr(stored, "quant_method", None)
    method = str(getattr(said, "value", said))
    require(f"generator.model {name}: it is quantised ({method}) and", _READERS.get(method, []))
    return method


def quantisation(name: str, quantise: Quantise, method: str | None, number: Any) -> Any:
    """What transformers is told to quantise while loading; 4 bits are NF4 (QLoRA, Dettmers et al. 2023,
    section 3), computed with in the dtype `number`.

    Raises SettingError for a checkpoint that is quantised already, or without the package.
    """
    if method is not None:
        raise SettingError(
            f"generator.quantise is {quantise}, but generator.model {name} is quantised already ({method}); "
            "set generator.quantise = no"
        )
    require(f"generator.quantise = {quantise}", ["bitsandbytes", "accelerate"])
    from transformers import BitsAndBytesConfig

    if quantise == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=number)
