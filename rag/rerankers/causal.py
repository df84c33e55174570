"""A causal language model that was trained to say "yes" or "no" to a passage, as Qwen3-Reranker was.

The score is the probability of "yes" against "no" as the next token (Zhang et al., "Qwen3 Embedding",
2025, section 2; the prompt is that of the models' card). Weights come from safetensors only, and no
program code that comes with a checkpoint is ever run. A passage longer than the model reads is scored
window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rag.compute import Dtype, choose_device, choose_dtype
from rag.errors import SettingError
from rag.protocols.models import Reranker
from rag.rerankers._local import Chosen, LocalReranker, chosen
from rag.rerankers._models import best_windows, failed, rows_of, unloadable
from rag.tokens import Tokens
from rag.types import Vectors

_SYSTEM = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the "
    'Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
_REPLY = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
_INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"
_LEAST_ROOM = 16  # tokens of a passage
_LEAST_TOKENS = 256  # of the prompt, which alone takes some eighty, question and passage together
_LONGEST = 8192  # tokens, as in the models' card: they could read more, and were trained on less


def build(
    model: str = "",
    device: str = "auto",
    dtype: Dtype = "auto",
    batch_tokens: int = 4096,
    max_tokens: int = 0,
    instruction: str = _INSTRUCTION,
) -> Reranker:
    """A causal reranker from a folder or a hub name, as Qwen/Qwen3-Reranker-0.6B.

    `device`: auto (a GPU if there is one), cpu, cuda, cuda:1, mps. `dtype`: auto, float32, bfloat16,
    float16. `batch_tokens`: tokens computed at once, padding included; a GPU takes 4 times as many.
    `max_tokens`: prompt, question and passage together, 0 for what the model reads, 8192 at most.
    `instruction` tells the model what is searched for, in English whatever the language of the question.
    Raises SettingError for a value out of range; a model that cannot be had is told at the first question.
    """
    settings = chosen(model, device, dtype, batch_tokens, max_tokens, _LEAST_TOKENS)
    return CausalReranker(settings, instruction)


class CausalReranker(LocalReranker):
    """The score is the probability of "yes"."""

    _kind = "causal"

    def __init__(self, chosen: Chosen, instruction: str) -> None:
        super().__init__(chosen)
        self._instruction = instruction

    def _scores(self, question: str, passages: Sequence[str]) -> Vectors:
        room = self._limit - len(self._before) - len(self._after)
        asked = self._tokens.windows(question, room // 2)[0]
        head = f"<Instruct>: {self._instruction}\n<Query>: {asked}\n<Document>: "
        if self._tokens.count(head) + _LEAST_ROOM > room:
            raise SettingError(
                f"reranker.instruction leaves no room for a passage in {self._limit} tokens: shorten it, "
                "or raise reranker.max_tokens"
            )
        pieces = [self._tokens.windows(passage, room, head) for passage in passages]
        return best_windows(pieces, lambda flat: self._score(head, flat))

    def _score(self, head: str, passages: list[str]) -> Vectors:
        prompts = [
            [*self._before, *self._text.encode(head + passage, add_special_tokens=False).ids, *self._after]
            for passage in passages
        ]
        order = sorted(range(len(prompts)), key=lambda at: -len(prompts[at]))
        rows = rows_of(len(prompts[order[0]]), self._chosen.batch_tokens, self._model.device)
        scores = np.zeros(len(prompts), dtype=np.float32)
        try:
            for at in range(0, len(order), rows):
                batch = order[at : at + rows]
                scores[batch] = self._forward([prompts[each] for each in batch])
        except Exception as error:  # torch raises whatever its kernels like
            raise failed(self._name, error, self._model.device) from error
        return scores

    def _forward(self, prompts: list[list[int]]) -> Vectors:
        """Probabilities of "yes"; the prompts are filled up on their left, so that all end together."""
        import torch

        width = max(len(prompt) for prompt in prompts)
        tokens = torch.zeros((len(prompts), width), dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        device = self._model.device
        with torch.inference_mode():
            logits = self._model(
                input_ids=tokens.to(device), attention_mask=mask.to(device), logits_to_keep=1, use_cache=False
            ).logits[:, -1, self._answers]
            yes: Vectors = torch.softmax(logits.float(), dim=1)[:, 0].cpu().numpy()
        return yes

    @cached_property
    def _model(self) -> Any:
        device = choose_device("reranker.device", self._chosen.device)
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            model, found = AutoModelForCausalLM.from_pretrained(
                self._name,
                dtype=choose_dtype(self._chosen.dtype, device),
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as error:  # whatever a broken folder makes the library raise
            raise unloadable(self._name, error) from error
        if absent := sorted(found["missing_keys"]):
            raise SettingError(
                f"reranker.model {self._name}: {len(absent)} weights are missing, {absent[0]} first; copy "
                "the checkpoint whole, or set reranker.name = cross_encoder if it is one"
            )
        return model.to(device).eval()

    @cached_property
    def _marked(self) -> Any:
        """The tokenizer, which takes the marks between turns for what they are."""
        from tokenizers import Tokenizer
        from transformers import AutoTokenizer

        try:
            loaded = AutoTokenizer.from_pretrained(self._name, trust_remote_code=False)
            tokenizer = Tokenizer.from_str(loaded.backend_tokenizer.to_str())
        except Exception as error:  # as above
            raise unloadable(self._name, error) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if None in map(tokenizer.token_to_id, ("<|im_start|>", "<|im_end|>", "yes", "no")):
            raise SettingError(
                f"reranker.model {self._name} has other tokens than the Qwen3-Reranker models, whose prompt "
                "this is: take one of them, or a cross-encoder with reranker.name = cross_encoder"
            )
        return tokenizer

    @cached_property
    def _text(self) -> Any:
        """The tokenizer for text that others wrote: a mark in it is text, too."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._marked.to_str())
        tokenizer.encode_special_tokens = True
        return tokenizer

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._text)

    @cached_property
    def _before(self) -> list[int]:
        return list(self._marked.encode(_SYSTEM, add_special_tokens=False).ids)

    @cached_property
    def _after(self) -> list[int]:
        return list(self._marked.encode(_REPLY, add_special_tokens=False).ids)

    @cached_property
    def _answers(self) -> list[int]:
        return [self._marked.token_to_id(answer) for answer in ("yes", "no")]

    @cached_property
    def _limit(self) -> int:
        own = getattr(self._model.config.get_text_config(), "max_position_embeddings", None) or _LONGEST
        return min(int(own), self._chosen.max_tokens or _LONGEST, _LONGEST)
