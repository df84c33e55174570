"""What the files of a sentence-transformers model say of it, read without loading the model.

Of a model that is only known by its name on the hub, the small file with its prompts is looked up; what
else the files would say the loaded model is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from rag.compute import first_line
from rag.embedders._padded import PaddedModel
from rag.embedders._prompts import Prompts, by_name, carried, name_of
from rag.errors import SettingError
from rag.tokens import Tokens

_PROMPTS = "config_sentence_transformers.json"
_MODULES = "modules.json"
# Of each file of weights that is read to tell models apart: training changes nearly all of them.
_SAMPLES, _SAMPLE_BYTES = 64, 4096


class ModelFolder:
    """One model's files; `folder` None for a name on the hub."""

    def __init__(self, folder: Path | None, name: str, loaded: Callable[[], PaddedModel]) -> None:
        """`loaded` gives the model, for what the files do not say."""
        self.folder = folder
        self.name = name
        self._loaded = loaded

    @cached_property
    def identity(self) -> str:
        """The model's name and a digest of its configuration, its tokenizer and samples of its weights.

        Prompts are left out, since those of passages alone shape an index.
        """
        if self.folder is None:
            return self.name
        digest = hashlib.sha256()
        for file in sorted(self.folder.rglob("*")):
            if file.suffix == ".json":
                digest.update(file.name.encode() + self._without_prompts(file))
            elif file.suffix in (".safetensors", ".bin"):
                digest.update(file.name.encode() + _sampled(file))
        return f"{self.name}@{digest.hexdigest()[:12]}"

    @cached_property
    def prompts(self) -> Prompts:
        """The prompts that the model carries, or else those that are known of its name."""
        config = self._json(_PROMPTS) if self.folder else self._from_hub(_PROMPTS)
        return carried(config) or by_name(name_of(self.folder) if self.folder else self.name)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector as the model computes it."""
        pooling = self._json("1_Pooling/config.json")
        size = pooling.get("word_embedding_dimension") or pooling.get("embedding_dimension")
        only_pooled = len(self._json(_MODULES) or ()) <= 3 and not self._json("2_Dense/config.json")
        return int(size) if size and only_pooled else self._loaded().dimension

    @cached_property
    def limit(self) -> int:
        """Tokens that the model reads, special ones included."""
        limit = self._json("sentence_bert_config.json").get("max_seq_length")
        return int(limit or self._loaded().models[0].max_seq_length or 512)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, without truncation and padding."""
        from tokenizers import Tokenizer

        file = self.folder / "tokenizer.json" if self.folder else None
        if file and file.is_file():
            try:
                tokenizer = Tokenizer.from_file(str(file))
            except Exception as error:  # tokenizers raises nothing narrower
                raise SettingError(f"embedder.model: {file} is damaged: {first_line(error)}") from error
        else:
            tokenizer = Tokenizer.from_str(self._loaded().models[0].tokenizer.backend_tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def tokens(self) -> Tokens:
        """The tokenizer, to count and to cut with."""
        return Tokens(self.tokenizer)

    @cached_property
    def special(self) -> int:
        """Special tokens around a text."""
        return int(self.tokenizer.num_special_tokens_to_add(is_pair=False))

    @cached_property
    def unknown(self) -> int | None:
        """The token for what the vocabulary does not have, None without one."""
        model = json.loads(self.tokenizer.to_str())["model"]
        name = model.get("unk_token")
        if name is None and model.get("unk_id") is not None:  # SentencePiece unigram
            return int(model["unk_id"])
        return None if name is None else self.tokenizer.token_to_id(name)

    def _without_prompts(self, file: Path) -> bytes:
        content = file.read_bytes()
        if file.name != _PROMPTS:
            return content
        read = _read(file)
        if "prompts" not in read:
            return content
        kept = {key: value for key, value in read.items() if key not in ("prompts", "default_prompt_name")}
        return json.dumps(kept, sort_keys=True).encode()

    def _json(self, name: str) -> Any:
        file = self.folder / name if self.folder else None
        return _read(file) if file and file.is_file() else {}

    def _from_hub(self, name: str) -> Any:
        """A file of the model in the cache or on the hub; {} where there is none, or no hub in reach."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, HFValidationError

        repository = self.name if "/" in self.name else f"sentence-transformers/{self.name}"
        try:
            return _read(Path(hf_hub_download(repository, name)))
        except (EntryNotFoundError, HFValidationError, OSError):
            return {}


def _sampled(file: Path) -> bytes:
    """Size and evenly spread blocks of a file: to read gigabytes at each start would take too long."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        blocks = []
        for at in range(_SAMPLES):
            stream.seek(max(0, size - _SAMPLE_BYTES) * at // (_SAMPLES - 1))
            blocks.append(stream.read(_SAMPLE_BYTES))
    return b"".join([str(size).encode(), *blocks])


def _read(file: Path) -> Any:
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise SettingError(f"embedder.model: {file} is damaged: {first_line(error)}") from error
    if not isinstance(found, list if file.name == _MODULES else dict):
        raise SettingError(f"embedder.model: {file} is damaged: it holds something else than settings")
    return found
