"""What rerankers that run a model of their own in this process share: its settings, its turn, its name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.compute import DTYPES, Dtype
from rag.errors import SettingError
from rag.rerankers._models import checked, checked_name
from rag.types import Vectors


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which model, where and how precisely it computes, and how many tokens at once and in one pass."""

    model: str
    device: str
    dtype: Dtype
    batch_tokens: int
    max_tokens: int


def chosen(
    model: str, device: str, dtype: Dtype, batch_tokens: int, max_tokens: int, least_tokens: int
) -> Chosen:
    """The settings. Raises SettingError for a value out of range; `max_tokens` is 0 or `least_tokens` up."""
    if dtype not in DTYPES:
        raise SettingError(f"reranker.dtype = {dtype!r}: valid are {', '.join(DTYPES)}")
    if batch_tokens < 1:
        raise SettingError(f"reranker.batch_tokens = {batch_tokens}: must be at least 1")
    if max_tokens and max_tokens < least_tokens:
        raise SettingError(
            f"reranker.max_tokens = {max_tokens}: must be at least {least_tokens}, or 0 for the model's own"
        )
    return Chosen(checked_name(model), device, dtype, batch_tokens, max_tokens)


class LocalReranker:
    """One model; loaded at the first question, and safe to share between threads, which take turns.

    A kind of model says what it is (`_kind`), loads it (`_model`) and scores (`_scores`).
    """

    _kind: str
    _model: Any

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self._name = chosen.model
        self._turn = threading.Lock()  # truncation and padding are state of the one tokenizer

    @property
    def name(self) -> str:
        return f"{self._kind} {self._name}"

    def warm(self) -> None:
        """Load the model. Raises SettingError."""
        with self._turn:
            _ = self._model

    def score(self, question: str, passages: Sequence[str]) -> Vectors:
        """The model's score of each passage, float32 (len(passages),).

        The question may take half of what the model reads; what is longer is cut.
        """
        if not passages:
            return np.zeros(0, dtype=np.float32)
        with self._turn:
            return checked(self._scores(question, passages), self._name)

    def _scores(self, question: str, passages: Sequence[str]) -> Vectors:
        raise NotImplementedError
