"""Answers from a causal language model in this process, by local folder or hub name.

Weights are read from safetensors only and no code that comes with a checkpoint is ever run. The
model is loaded at the first question, once, and answers one question at a time, in the order asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Literal, TypeAlias

from rag import prompt
from rag.compute import DTYPES, Dtype
from rag.errors import GeneratorError, SettingError
from rag.generators._budget import pack
from rag.generators._local.causal import CausalModel
from rag.generators._local.checkpoint import HOW_TO_GET, Checkpoint
from rag.generators._local.quantised import QUANTISE, Quantise
from rag.generators._turns import Turns
from rag.protocols.models import Generator, History, OnText
from rag.types import Draft, Hit

DeviceMap: TypeAlias = Literal["", "auto", "balanced", "balanced_low_0", "sequential"]


def build(
    model: str = "",
    device: str = "auto",
    dtype: Dtype = "auto",
    quantise: Quantise = "no",
    device_map: DeviceMap = "",
    adapter: Path | None = None,
    max_new_tokens: int = 512,
    max_context_tokens: int = 0,
    temperature: float = 0.0,
    template: Path | None = None,
) -> Generator:
    """A generator over `model` (folder or hub name).

    `device` "auto" takes a GPU if there is one; `device_map` spreads the model over several. `dtype`
    "auto" takes bfloat16 where the device computes in it. `quantise` loads whole weights in 8 or 4 bits;
    `adapter` is the folder of a LoRA adapter. `max_context_tokens` bounds prompt and answer together,
    0 = the model's own window. `temperature` 0 is greedy: the same question gives the same answer.
    `template` replaces the prompt.
    Raises SettingError for a value out of range; a model that cannot be had is told at the first question.
    """
    if not model.strip():
        raise SettingError(f"generator.model is not set: {HOW_TO_GET}")
    if dtype not in DTYPES:
        raise SettingError(f"generator.dtype is {dtype!r}; valid: {', '.join(DTYPES)}")
    if quantise not in QUANTISE:
        raise SettingError(f"generator.quantise is {quantise!r}; valid: {', '.join(QUANTISE)}")
    if device_map and device != "auto":
        raise SettingError(
            f"generator.device is {device!r}, but generator.device_map = {device_map!r} chooses the devices: "
            "set one of the two"
        )
    if max_new_tokens < 1:
        raise SettingError(f"generator.max_new_tokens is {max_new_tokens}; it must be at least 1")
    if max_context_tokens < 0 or 0 < max_context_tokens <= max_new_tokens:
        raise SettingError(
            f"generator.max_context_tokens is {max_context_tokens}; it must be more than "
            f"generator.max_new_tokens ({max_new_tokens}), or 0 for the model's own window"
        )
    if not (math.isfinite(temperature) and temperature >= 0):
        raise SettingError(f"generator.temperature is {temperature}; it must be 0 or more")
    checkpoint = Checkpoint(model, device, dtype, quantise, device_map, adapter)
    return LocalModel(checkpoint, Writing(max_new_tokens, max_context_tokens, temperature, template))


@dataclass(frozen=True, slots=True)
class Writing:
    """How a model answers; both limits in tokens."""

    max_new_tokens: int
    max_context_tokens: int
    temperature: float
    template: Path | None


class LocalModel:
    """A causal language model loaded with transformers."""

    def __init__(self, checkpoint: Checkpoint, writing: Writing) -> None:
        self._checkpoint = checkpoint
        self._writing = writing
        self._turns = Turns()
        self._loaded: CausalModel | None = None

    @property
    def name(self) -> str:
        adapter = self._checkpoint.adapter
        return f"transformers {self._checkpoint.name}" + (f" with {adapter}" if adapter else "")

    def warm(self) -> None:
        """Load the model. Raises SettingError."""
        with self._turns.turn():
            self._model()

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """A draft from as many of `hits`, in order, as the model's window holds.

        `usage` counts prompt_tokens, completion_tokens, passages_left_out and passages_cut. Raises
        SettingError for a model that cannot be loaded, GeneratorError for one that cannot answer, Cancelled.
        """
        if not hits:
            return prompt.nothing_found(question, on_text)
        with self._turns.turn(cancelled):
            model = self._model()
            room = self._room(model)
            template = self._writing.template
            reserved = model.reserved(prompt.messages(question, hits, template=template))

            def text(passages: Sequence[Hit]) -> str:
                return model.text(prompt.messages(question, passages, template=template, reserved=reserved))

            packed = pack(hits, lambda passages: model.count(text(passages)) <= room)
            if not packed.hits:
                raise self._no_room(room)
            written = model.write(
                text(packed.hits),
                self._writing.max_new_tokens,
                self._writing.temperature,
                on_text,
                cancelled,
            )
        draft = prompt.read_reply(written.text, written.usage | packed.usage)
        return self._checked(draft, written.tokens >= self._writing.max_new_tokens)

    def rewrite(self, question: str, history: History, *, cancelled: Event | None = None) -> str:
        """The follow-up `question` as one that stands on its own; empty if the model wrote nothing."""
        with self._turns.turn(cancelled):
            model = self._model()
            reserved = model.reserved(prompt.rewriting(question, history))
            text = model.text(prompt.rewriting(question, history, reserved=reserved))
            if model.count(text) > self._room(model):
                return ""
            limit = min(self._writing.max_new_tokens, prompt.REWRITTEN_TOKENS)
            return prompt.read_rewritten(model.write(text, limit, cancelled=cancelled).text)

    def reply(self, parts: list[prompt.Message], limit: int, *, cancelled: Event | None = None) -> str:
        """What the model says to messages of any kind, at most `limit` tokens; empty where they are more
        than it reads. Raises as `generate`.
        """
        with self._turns.turn(cancelled):
            model = self._model()
            text = model.text(parts)
            fits = model.count(text) <= self._room(model)
            return model.write(text, limit, cancelled=cancelled).text if fits else ""

    def _model(self) -> CausalModel:
        if self._loaded is None:
            self._loaded = CausalModel(self._checkpoint)
        return self._loaded

    def _room(self, model: CausalModel) -> int:
        """Tokens that the prompt may take."""
        limit, name = self._writing.max_new_tokens, self._checkpoint.name
        window = min((size for size in (self._writing.max_context_tokens, model.window) if size), default=0)
        if not window:
            raise SettingError(
                f"generator.model {name} does not say how many tokens it reads; "
                "set generator.max_context_tokens"
            )
        if window <= limit:
            raise SettingError(
                f"generator.max_new_tokens is {limit}, but {name} reads {window} tokens "
                "in all; lower it to leave room for the passages"
            )
        return int(window) - limit

    def _no_room(self, room: int) -> GeneratorError:
        return GeneratorError(
            f"generator.model {self._checkpoint.name}: question and prompt leave no room for a passage in "
            f"{room} tokens; shorten the question, lower generator.max_new_tokens or raise "
            "generator.max_context_tokens"
        )

    def _checked(self, draft: Draft, cut: bool) -> Draft:
        if not draft.text:
            more = "; raise generator.max_new_tokens" if cut else ""
            raise GeneratorError(
                f"generator.model {self._checkpoint.name}: the model wrote an empty answer{more}"
            )
        if cut and not draft.abstained:
            limit = self._writing.max_new_tokens
            return replace(draft, reason=f"cut at generator.max_new_tokens = {limit}")
        return draft
