"""A language model to measure with, and its first token without anything of ours around it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Figures: TypeAlias = npt.NDArray[np.float64]
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def now() -> Figures:
    """Milliseconds by the clock and of the processor's work."""
    return np.array([1000 * time.perf_counter(), 1000 * time.process_time()])


class Bare:
    """The model without anything of ours around it."""

    def __init__(self, model: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from rag.compute import choose_device, choose_dtype

        device = choose_device("generator.device", "auto")
        self._tokenizer = AutoTokenizer.from_pretrained(model)
        dtype = choose_dtype("auto", device)
        self._model = AutoModelForCausalLM.from_pretrained(model, dtype=dtype).to(device).eval()

    def first_token(self, question: str, answer: Any) -> Figures:
        """From the finished prompt of the question to its first token."""
        import torch

        from rag import prompt

        shown = len(answer.passages) - answer.usage["passages_left_out"]
        parts = prompt.messages(question, answer.passages[:shown])
        read = self._tokenizer.apply_chat_template(
            parts, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        tokens = {name: tensor.to(self._model.device) for name, tensor in read.items()}
        asked = tokens["input_ids"].shape[1]

        def shows(written: Any, *_: Any, **__: Any) -> Any:
            said = self._tokenizer.decode(written[0, asked:], skip_special_tokens=True)
            return torch.full((1,), bool(said.strip("\ufffd \n")), device=written.device)

        began = now()
        with torch.inference_mode():
            self._model.generate(**tokens, max_new_tokens=8, do_sample=False, stopping_criteria=[shows])
        return now() - began


def random_model(folder: Path, sentences: list[str]) -> Path:
    """Half the layers of Qwen2-0.5B with random weights, and a tokenizer of the guide's words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=4000, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(sentences, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=marks[2], pad_token=marks[0], additional_special_tokens=marks[1:2]
    )
    tokenizer.chat_template = _TEMPLATE
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=12,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=8192,
    )
    torch.manual_seed(0)
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
