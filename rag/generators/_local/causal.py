"""A loaded causal language model: its tokens, its chat template, and how it writes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from rag import prompt
from rag.compute import first_line
from rag.errors import GeneratorError
from rag.generators._local.checkpoint import Checkpoint, load, out_of_memory
from rag.generators._spoken import Spoken
from rag.generators._turns import check
from rag.protocols.models import OnText

# Tokenizers also list words and runs of spaces that were added to them; those say nothing to the model.
_CONTROL = re.compile(r"[<\[{|＜]\S+")


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote after a prompt, and the tokens of both."""

    text: str
    asked: int
    tokens: int

    @property
    def usage(self) -> dict[str, int]:
        """Its counts, as a draft's usage has them."""
        return {"prompt_tokens": self.asked, "completion_tokens": self.tokens}


class CausalModel:
    """Tokenizer and model of one checkpoint. For one thread at a time."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Raises as `_checkpoint.load` does."""
        self._name = checkpoint.name
        self._tokenizer, self._model = load(checkpoint)
        added = self._tokenizer.added_tokens_decoder.items()
        # Qwen3's <think> and <tool_call>, among others, are not called special and steer the model too.
        self._marks: dict[int, str] = {
            number: token.content
            for number, token in added
            if token.special or _CONTROL.fullmatch(token.content)
        }
        # The prompt last read: what was counted is what is then answered.
        self._read: tuple[str, dict[str, Any]] | None = None

    @property
    def window(self) -> int | None:
        """Tokens of prompt and answer together that the model was made for, None if it does not say."""
        return getattr(self._model.config.get_text_config(), "max_position_embeddings", None)

    def reserved(self, parts: Sequence[prompt.Message]) -> tuple[str, ...]:
        """What a document must not say: the tokenizer's marks, and what it reads as one in `parts`.

        A tokenizer that folds text (NFKC) makes marks of ＜|im_end|＞ and its like.
        """
        read = (found for part in parts for found in self._read_as_marks(part["content"]))
        return tuple(dict.fromkeys([*self._marks.values(), *read]))

    def _read_as_marks(self, text: str) -> Iterator[str]:
        if not self._tokenizer.is_fast:
            return
        read = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        for number, (start, end) in zip(read["input_ids"], read["offset_mapping"], strict=True):
            if number in self._marks:
                yield text[start:end].strip()

    def text(self, parts: Sequence[prompt.Message]) -> str:
        """The messages as this model reads them. Raises GeneratorError if its chat template fails."""
        if not self._tokenizer.chat_template:
            return _joined(parts)
        from jinja2 import TemplateError

        try:
            return self._chat(list(parts))
        except TemplateError:
            pass  # some chat templates know no system role
        try:
            return self._chat([{"role": "user", "content": _joined(parts)}])
        except TemplateError as error:
            raise GeneratorError(f"generator.model {self._name}: its chat template fails: {error}") from error

    def count(self, text: str) -> int:
        """Tokens of a prompt."""
        return int(self._tokens(text)["input_ids"].shape[1])

    def write(
        self,
        text: str,
        limit: int,
        temperature: float = 0.0,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Written:
        """At most `limit` tokens after the prompt `text`. Raises GeneratorError, Cancelled."""
        import torch

        tokens = self._on_device(self._tokens(text))
        asked = int(tokens["input_ids"].shape[1])
        thinking = text.rstrip().endswith("<think>")
        spoken = Spoken(on_text, thinking=thinking) if on_text is not None else None
        watch = _Watch(self._tokenizer, asked, spoken, cancelled)
        try:
            with torch.inference_mode():
                output = self._model.generate(
                    **tokens, **self._decoding(limit, temperature), stopping_criteria=[watch]
                )
        except (RuntimeError, ValueError, IndexError, MemoryError) as error:
            raise self._failure(error) from error
        check(cancelled)
        written = output[0, asked:]
        reply = str(self._tokenizer.decode(written, skip_special_tokens=True))
        if spoken is not None:
            spoken.add(reply[watch.said :])
            spoken.end()
        return Written(f"<think>{reply}" if thinking else reply, asked, int(written.shape[0]))

    def _on_device(self, tokens: dict[str, Any]) -> dict[str, Any]:
        read = ("input_ids", "attention_mask")
        return {name: tensor.to(self._model.device) for name, tensor in tokens.items() if name in read}

    def _failure(self, error: Exception) -> GeneratorError:
        import torch

        if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
            torch.cuda.empty_cache()
            return out_of_memory(self._name, self._model.device)
        return GeneratorError(f"generator.model {self._name} failed: {first_line(error)}")

    def _chat(self, parts: list[prompt.Message]) -> str:
        # Models that can think aloud first would spend the answer's tokens on it; others ignore this.
        return str(
            self._tokenizer.apply_chat_template(
                parts, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        )

    def _tokens(self, text: str) -> dict[str, Any]:
        if self._read is None or self._read[0] != text:
            # A chat template writes its own marks of beginning; plain text needs the tokenizer's.
            plain = not self._tokenizer.chat_template
            read = self._tokenizer(text, add_special_tokens=plain, return_tensors="pt", verbose=False)
            self._read = (text, dict(read))
        return self._read[1]

    def _decoding(self, limit: int, temperature: float) -> dict[str, Any]:
        pad = self._tokenizer.pad_token_id
        decoding: dict[str, Any] = {
            "max_new_tokens": limit,
            "pad_token_id": self._tokenizer.eos_token_id if pad is None else pad,
        }
        if temperature:
            return decoding | {"do_sample": True, "temperature": temperature}
        # A checkpoint's own sampling defaults mean nothing to greedy decoding and would be warned of.
        return decoding | {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}


class _Watch:
    """Called after every token: hands on what it completes, and stops once nobody wants the answer."""

    def __init__(self, tokenizer: Any, asked: int, spoken: Spoken | None, cancelled: Event | None) -> None:
        self._tokenizer = tokenizer
        self._asked = asked
        self._spoken = spoken
        self._cancelled = cancelled
        self.said = 0

    def __call__(self, tokens: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002 - transformers' signature
        import torch

        if self._spoken is not None:
            reply = self._tokenizer.decode(tokens[0, self._asked :], skip_special_tokens=True)
            if not reply.endswith("\ufffd"):  # a character may be of several tokens
                self._spoken.add(reply[self.said :])
                self.said = len(reply)
        stop = self._cancelled is not None and self._cancelled.is_set()
        return torch.full((tokens.shape[0],), stop, dtype=torch.bool, device=tokens.device)


def _joined(parts: Sequence[prompt.Message]) -> str:
    return "\n\n".join(part["content"] for part in parts) + "\n"
