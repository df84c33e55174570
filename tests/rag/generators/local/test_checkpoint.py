"""Loading a local model's checkpoint: precision, quantised weights, LoRA adapters, devices."""

from __future__ import annotations

import importlib.util
import json
import shutil
import warnings
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
import torch

from rag.compute import Dtype
from rag.errors import SettingError
from rag.generators import transformers as local
from rag.generators._local import quantised as packages_needed
from rag.generators._local.checkpoint import Checkpoint, load
from rag.types import Chunk, Hit

TEXT = "The server needs CUDA 12."
PASSAGES = [Hit(Chunk("a.md", 0, TEXT, 0, len(TEXT), ("Setup",)), 1.0)]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_model_is_loaded_in_the_precision_asked_for(tiny_model: Path, dtype: Dtype) -> None:
    _, model = load(Checkpoint(str(tiny_model), "cpu", dtype))
    assert model.dtype is getattr(torch, dtype)
    assert not model.training


def refusal(**wanted: Any) -> str:
    with pytest.raises(SettingError) as refused:
        load(Checkpoint(**wanted))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def quantised(model: Path, folder: Path, method: str) -> Path:
    """A copy of the model that says its weights are quantised."""
    copy = folder / method
    shutil.copytree(model, copy)
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": method, "bits": 4}
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return copy


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As on a machine where these packages are not installed, and all others are."""
    spec = ModuleSpec("anything", None)
    monkeypatch.setattr(packages_needed, "find_spec", lambda name: None if name in packages else spec)


@pytest.mark.parametrize(
    ("method", "package", "command"),
    [
        ("awq", "gptqmodel", "pip install gptqmodel"),
        ("gptq", "gptqmodel", "pip install gptqmodel"),
        ("compressed-tensors", "compressed_tensors", 'pip install -e ".[transformers]"'),
        ("bitsandbytes", "bitsandbytes", 'pip install -e ".[transformers]"'),
    ],
)
def test_a_quantised_checkpoint_says_which_package_it_needs_and_how_to_get_it(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, package: str, command: str
) -> None:
    without(monkeypatch, package)
    message = refusal(name=str(quantised(tiny_model, tmp_path, method)), device="cpu")
    assert f"it is quantised ({method}) and needs the package {package}: {command}" in message


def test_several_missing_packages_are_named_with_a_command_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "optimum", "accelerate")
    with pytest.raises(SettingError) as refused:
        packages_needed.require("It", ["gptqmodel", "optimum", "accelerate"])
    assert str(refused.value) == (
        "It needs the packages optimum and accelerate: "
        'pip install optimum && pip install -e ".[transformers]"'
    )


@pytest.mark.parametrize("quantise", ["8bit", "4bit"])
def test_loading_in_fewer_bits_without_the_package_says_how_to_get_it(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, quantise: Any
) -> None:
    without(monkeypatch, "bitsandbytes")
    message = refusal(name=str(tiny_model), device="cpu", quantise=quantise)
    assert f"generator.quantise = {quantise} needs the package bitsandbytes" in message
    assert 'pip install -e ".[transformers]"' in message


@pytest.mark.filterwarnings("ignore")
def test_a_model_is_loaded_in_fewer_bits_and_answers(tiny_model: Path) -> None:
    """In 8: the tiny model's layers are smaller than the blocks of 64 weights that 4 bits are scaled by."""
    if importlib.util.find_spec("bitsandbytes") is None:
        pytest.skip("bitsandbytes is not installed")
    generator = local.build(str(tiny_model), "cpu", quantise="8bit", max_new_tokens=4)
    assert generator.generate("Why?", PASSAGES).text


def test_a_checkpoint_quantised_already_is_not_quantised_again(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch)
    model = quantised(tiny_model, tmp_path, "compressed-tensors")
    message = refusal(name=str(model), device="cpu", quantise="4bit")
    assert "quantised already (compressed-tensors); set generator.quantise = no" in message


def test_a_model_may_be_spread_by_a_device_map(tiny_model: Path) -> None:
    pytest.importorskip("accelerate", reason="device_map needs accelerate")
    generator = local.build(str(tiny_model), device_map="auto", max_new_tokens=4)
    assert generator.generate("Why?", PASSAGES).text


def test_a_device_map_without_its_package_says_how_to_get_it(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "accelerate")
    message = refusal(name=str(tiny_model), device_map="auto")
    assert "generator.device_map needs the package accelerate" in message


@pytest.mark.parametrize(
    "options", [{"device": "cpu", "device_map": "auto"}, {"quantise": "2bit"}], ids=["both", "bits"]
)
def test_settings_that_exclude_each_other_or_do_not_exist_are_refused_at_once(options: Any) -> None:
    with pytest.raises(SettingError, match=r"generator\.(?:device|quantise) is"):
        local.build("some/model", **options)


@pytest.fixture
def adapter(tiny_model: Path, tmp_path: Path) -> Path:
    """A LoRA adapter of the tiny model whose weights change what it writes."""
    peft = pytest.importorskip("peft", reason="adapters need peft")
    _, model = load(Checkpoint(str(tiny_model), "cpu", "float32"))
    torch.manual_seed(1)
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    folder = tmp_path / "adapter"
    warnings.simplefilter("ignore", FutureWarning)  # pytest puts the filters back after each test
    peft.get_peft_model(model, config).save_pretrained(str(folder))
    return folder


def test_an_adapter_changes_what_the_model_writes(tiny_model: Path, adapter: Path) -> None:
    plain = local.build(str(tiny_model), "cpu", "float32", max_new_tokens=12)
    tuned = local.build(str(tiny_model), "cpu", "float32", adapter=adapter, max_new_tokens=12)
    assert plain.generate("Why?", PASSAGES).text != tuned.generate("Why?", PASSAGES).text
    assert str(adapter) in tuned.name


def test_a_merged_adapter_gives_what_the_adapted_model_gives(tiny_model: Path, adapter: Path) -> None:
    import peft

    tokenizer, merged = load(Checkpoint(str(tiny_model), "cpu", "float32", adapter=adapter))
    _, model = load(Checkpoint(str(tiny_model), "cpu", "float32"))
    warnings.simplefilter("ignore", FutureWarning)
    apart = peft.PeftModel.from_pretrained(model, str(adapter))
    tokens = tokenizer("Which version of CUDA?", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        assert torch.allclose(merged(tokens).logits, apart(tokens).logits, atol=1e-3)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"adapter_config.json": None}, "no adapter_config.json"),
        ({"adapter_config.json": "{"}, "cannot be read"),
        ({"adapter_config.json": "[]"}, "only LORA"),
        ({"adapter_config.json": '{"peft_type": "PROMPT_TUNING"}'}, "kind PROMPT_TUNING; only LORA"),
        ({"adapter_model.safetensors": None, "adapter_model.bin": "x"}, "no weights in safetensors"),
        ({"adapter_model.safetensors": "x"}, "does not fit generator.model"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_refused_by_its_folder(
    tiny_model: Path, adapter: Path, files: dict[str, str | None], said: str
) -> None:
    for name, text in files.items():
        if text is None:
            (adapter / name).unlink()
        else:
            (adapter / name).write_text(text, encoding="utf-8")
    message = refusal(name=str(tiny_model), device="cpu", adapter=adapter)
    assert message.startswith(f"generator.adapter {adapter}: ")
    assert said in message


@pytest.mark.filterwarnings("ignore:Found missing adapter keys")
def test_an_adapter_of_another_model_is_refused(tiny_model: Path, adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    for wrong in ({"target_modules": ["absent"]}, {"r": 8}, {"target_modules": ["o_proj"]}):
        (adapter / "adapter_config.json").write_text(json.dumps(config | wrong), encoding="utf-8")
        assert "does not fit generator.model" in refusal(name=str(tiny_model), device="cpu", adapter=adapter)
