"""A cross-encoder in this process: question and passage are read together and given one score.

Nogueira and Cho, "Passage re-ranking with BERT" (2019). Any model with one output that
sentence-transformers' CrossEncoder loads; weights from safetensors only, program code that a model brings
is never run. A passage longer than the model reads beside the question is scored window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from rag.compute import Dtype, choose_device, choose_dtype
from rag.errors import SettingError
from rag.protocols.models import Reranker
from rag.rerankers._local import LocalReranker, chosen
from rag.rerankers._models import best_windows, failed, rows_of, unloadable
from rag.tokens import Tokens
from rag.types import Vectors

_HEAD = "ForSequenceClassification"
_LEAST_TOKENS = 16  # of question and passage together


def build(
    model: str = "",
    device: str = "auto",
    dtype: Dtype = "auto",
    batch_tokens: int = 4096,
    max_tokens: int = 0,
) -> Reranker:
    """A cross-encoder from a folder or a hub name, as BAAI/bge-reranker-v2-m3.

    `device`: auto (a GPU if there is one), cpu, cuda, cuda:1, mps. `dtype`: auto, float32, bfloat16,
    float16. `batch_tokens`: tokens computed at once, padding included; a GPU takes 4 times as many.
    `max_tokens`: question and passage together, 0 for what the model reads.
    Raises SettingError for a value out of range; a model that cannot be had is told at the first question.
    """
    return LocalCrossEncoder(chosen(model, device, dtype, batch_tokens, max_tokens, _LEAST_TOKENS))


class LocalCrossEncoder(LocalReranker):
    """The score is what the model gives after its own last function."""

    _kind = "cross_encoder"

    def _scores(self, question: str, passages: Sequence[str]) -> Vectors:
        asked = self._tokens.windows(question, self._room // 2)[0]
        room = self._room - self._tokens.count(asked)
        pieces = [self._tokens.windows(passage, room) for passage in passages]
        return best_windows(pieces, lambda flat: self._score(asked, flat))

    def _score(self, question: str, passages: list[str]) -> Vectors:
        longest = max(map(self._tokens.count, passages))
        beside = self._special + self._tokens.count(question)
        rows = rows_of(longest + beside, self._chosen.batch_tokens, self._model.device)
        try:
            scores: Vectors = self._model.predict(
                [(question, passage) for passage in passages], batch_size=rows, show_progress_bar=False
            )
        except Exception as error:  # torch raises whatever its kernels like
            raise failed(self._name, error, self._model.device) from error
        return scores

    @cached_property
    def _model(self) -> Any:
        device = choose_device("reranker.device", self._chosen.device)
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        number = choose_dtype(self._chosen.dtype, device)
        try:
            model = CrossEncoder(
                self._name,
                device=str(device),
                model_kwargs={"dtype": number, "use_safetensors": True},
            )
        except Exception as error:  # whatever a broken folder makes the libraries raise
            raise unloadable(self._name, error) from error
        self._refuse_others(model)
        return model.eval()

    def _refuse_others(self, model: Any) -> None:
        """A model of another kind is given a last layer of random numbers, without a word."""
        kind = str((model.config.architectures or ["nothing known"])[0])
        if kind.endswith("ForCausalLM"):
            raise SettingError(
                f"reranker.model {self._name} writes text ({kind}): set reranker.name = causal for it"
            )
        if not kind.endswith(_HEAD):
            raise SettingError(
                f"reranker.model {self._name} is no cross-encoder but {kind}: take one trained to rerank"
            )
        if model.num_labels != 1:
            raise SettingError(
                f"reranker.model {self._name} has {model.num_labels} outputs, it sorts into classes: take a "
                "model with one, trained to rerank"
            )

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._tokenizer)

    @cached_property
    def _special(self) -> int:
        return int(self._tokenizer.num_special_tokens_to_add(is_pair=True))

    @cached_property
    def _room(self) -> int:
        """Tokens of question and passage together, special ones left out."""
        own = int(self._model.max_seq_length or 512)
        return (min(own, self._chosen.max_tokens) if self._chosen.max_tokens else own) - self._special
