"""Answers from a causal language model in this process, by local folder or hub name.

Weights are read from safetensors only and no code that comes with a checkpoint is ever run. The
model is loaded at the first question, once, and answers one question at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from rag import prompt
from rag.compute import DTYPES, Dtype, first_line
from rag.errors import GeneratorError, SettingError
from rag.generators._checkpoint import HOW_TO_GET, load, out_of_memory
from rag.protocols import Generator
from rag.types import Draft, Hit


def build(
    model: str = "",
    device: str = "auto",
    dtype: Dtype = "auto",
    max_new_tokens: int = 512,
    max_context_tokens: int = 0,
    temperature: float = 0.0,
    template: Path | None = None,
) -> Generator:
    """A generator over `model` (folder or hub name).

    `device` "auto" takes a GPU if there is one; `dtype` "auto" takes bfloat16 where the device
    computes in it. `max_context_tokens` bounds prompt and answer together, 0 = the model's own window.
    `temperature` 0 is greedy: the same question gives the same answer. `template` replaces the prompt.
    Raises SettingError for a value out of range; a model that cannot be had is told at the first question.
    """
    if not model.strip():
        raise SettingError(f"generator.model is not set: {HOW_TO_GET}")
    if dtype not in DTYPES:
        raise SettingError(f"generator.dtype is {dtype!r}; valid: {', '.join(DTYPES)}")
    if max_new_tokens < 1:
        raise SettingError(f"generator.max_new_tokens is {max_new_tokens}; it must be at least 1")
    if max_context_tokens < 0 or 0 < max_context_tokens <= max_new_tokens:
        raise SettingError(
            f"generator.max_context_tokens is {max_context_tokens}; it must be more than "
            f"generator.max_new_tokens ({max_new_tokens}), or 0 for the model's own window"
        )
    if not (math.isfinite(temperature) and temperature >= 0):
        raise SettingError(f"generator.temperature is {temperature}; it must be 0 or more")
    return LocalModel(model, device, dtype, max_new_tokens, max_context_tokens, temperature, template)


class LocalModel:
    """A causal language model loaded with transformers."""

    def __init__(
        self,
        model: str,
        device: str,
        dtype: Dtype,
        max_new_tokens: int,
        max_context_tokens: int,
        temperature: float,
        template: Path | None,
    ) -> None:
        self._name = model
        self._device = device
        self._dtype = dtype
        self._max_new_tokens = max_new_tokens
        self._max_context_tokens = max_context_tokens
        self._temperature = temperature
        self._template = template
        self._lock = Lock()
        self._model: Any = None
        self._tokenizer: Any = None
        self._reserved: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"transformers {self._name}"

    def warm(self) -> None:
        """Load the model. Raises SettingError."""
        with self._lock:
            self._load()

    def generate(self, question: str, hits: Sequence[Hit]) -> Draft:
        """A draft from as many of `hits`, in order, as the model's window holds.

        `usage` counts prompt_tokens, completion_tokens and passages_left_out. Raises SettingError
        for a model that cannot be loaded, GeneratorError for one that cannot answer.
        """
        if not hits:
            return prompt.nothing_found(question)
        with self._lock:
            self._load()
            text, kept = self._fit(question, hits)
            reply, usage = self._complete(text)
        usage["passages_left_out"] = len(hits) - kept
        draft = prompt.read_reply(reply, usage)
        cut = usage["completion_tokens"] >= self._max_new_tokens
        if not draft.text:
            more = "; raise generator.max_new_tokens" if cut else ""
            raise GeneratorError(f"generator.model {self._name}: the model wrote an empty answer{more}")
        if cut and not draft.abstained:
            return replace(draft, reason=f"cut at generator.max_new_tokens = {self._max_new_tokens}")
        return draft

    def _load(self) -> None:
        if self._model is not None:
            return
        tokenizer, model = load(self._name, self._device, self._dtype)
        marks = (token for token in tokenizer.added_tokens_decoder.values() if token.special)
        self._reserved = tuple(mark.content for mark in marks)
        self._tokenizer, self._model = tokenizer, model

    def _fit(self, question: str, hits: Sequence[Hit]) -> tuple[str, int]:
        """The prompt with the most passages that fit, and their number."""
        room = self._room()

        def fits(passages: Sequence[Hit]) -> bool:
            return self._count(self._text(question, passages)) <= room

        # The prompt grows with its passages, so halving finds the most that fit in few countings.
        kept = _largest(len(hits), lambda number: fits(hits[:number]))
        if kept:
            return self._text(question, hits[:kept]), kept
        length = _largest(len(hits[0].chunk.text), lambda size: fits([_shortened(hits[0], size)]))
        if not length:
            raise GeneratorError(
                f"generator.model {self._name}: question and prompt leave no room for a passage in {room} "
                "tokens; shorten the question, lower generator.max_new_tokens or raise "
                "generator.max_context_tokens"
            )
        return self._text(question, [_shortened(hits[0], length)]), 1

    def _room(self) -> int:
        """Tokens that the prompt may take."""
        config = self._model.config.get_text_config()
        windows = [self._max_context_tokens, getattr(config, "max_position_embeddings", None)]
        window = min((size for size in windows if size), default=0)
        if not window:
            raise SettingError(
                f"generator.model {self._name} does not say how many tokens it reads; "
                "set generator.max_context_tokens"
            )
        if window <= self._max_new_tokens:
            raise SettingError(
                f"generator.max_new_tokens is {self._max_new_tokens}, but {self._name} reads {window} tokens "
                "in all; lower it to leave room for the passages"
            )
        return int(window) - self._max_new_tokens

    def _text(self, question: str, hits: Sequence[Hit]) -> str:
        parts = prompt.messages(question, hits, template=self._template, reserved=self._reserved)
        if not self._tokenizer.chat_template:
            return _joined(parts)
        from jinja2 import TemplateError

        try:
            return self._chat(parts)
        except TemplateError:
            pass  # some chat templates know no system role
        try:
            return self._chat([{"role": "user", "content": _joined(parts)}])
        except TemplateError as error:
            raise GeneratorError(f"generator.model {self._name}: its chat template fails: {error}") from error

    def _chat(self, parts: list[prompt.Message]) -> str:
        # Models that can think aloud first would spend the answer's tokens on it; others ignore this.
        return str(
            self._tokenizer.apply_chat_template(
                parts, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        )

    def _tokens(self, text: str) -> dict[str, Any]:
        # A chat template writes its own marks of beginning; plain text needs the tokenizer's.
        plain = not self._tokenizer.chat_template
        return dict(self._tokenizer(text, add_special_tokens=plain, return_tensors="pt", verbose=False))

    def _count(self, text: str) -> int:
        return int(self._tokens(text)["input_ids"].shape[1])

    def _complete(self, text: str) -> tuple[str, dict[str, int]]:
        import torch

        tokens = {
            name: tensor.to(self._model.device)
            for name, tensor in self._tokens(text).items()
            if name in ("input_ids", "attention_mask")
        }
        asked = int(tokens["input_ids"].shape[1])
        try:
            with torch.inference_mode():
                output = self._model.generate(**tokens, **self._decoding())
        except (RuntimeError, ValueError, IndexError, MemoryError) as error:
            if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
                torch.cuda.empty_cache()
                raise out_of_memory(self._name, self._model.device) from error
            raise GeneratorError(f"generator.model {self._name} failed: {first_line(error)}") from error
        written = output[0, asked:]
        usage = {"prompt_tokens": asked, "completion_tokens": int(written.shape[0])}
        return str(self._tokenizer.decode(written, skip_special_tokens=True)), usage

    def _decoding(self) -> dict[str, Any]:
        pad = self._tokenizer.pad_token_id
        decoding: dict[str, Any] = {
            "max_new_tokens": self._max_new_tokens,
            "pad_token_id": self._tokenizer.eos_token_id if pad is None else pad,
        }
        if self._temperature:
            return decoding | {"do_sample": True, "temperature": self._temperature}
        # A checkpoint's own sampling defaults mean nothing to greedy decoding and would be warned of.
        return decoding | {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}


def _joined(parts: Sequence[prompt.Message]) -> str:
    return "\n\n".join(part["content"] for part in parts) + "\n"


def _shortened(hit: Hit, size: int) -> Hit:
    chunk = hit.chunk
    return replace(hit, chunk=replace(chunk, text=chunk.text[:size], end=chunk.start + size))


def _largest(limit: int, holds: Any) -> int:
    """The largest number in [0, limit] for which `holds`; 0 if none. Once it fails it fails above."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
