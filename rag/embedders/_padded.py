"""Any sentence-transformers model on any device: texts of like length padded to one shape."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.compute import first_line
from rag.embedders._memory import Memory
from rag.embedders._padded_network import Features, PaddedNetwork, width_of
from rag.embedders._rounds import Batch
from rag.errors import SettingError
from rag.types import Vectors

# A GPU needs more rows than a processor before its arithmetic binds; yet the last batch of every width is
# filled up, so that many more would be spent on filling.
_GPU_TIMES = 4


class PaddedModel:
    """A model as sentence-transformers loads it, once on each device."""

    def __init__(self, source: str, devices: Sequence[Any], dtype: Any, batch_tokens: int) -> None:
        """Raises SettingError if it cannot be loaded."""
        self._batch_tokens = batch_tokens * (_GPU_TIMES if devices[0].type != "cpu" else 1)
        self.models = [_load(source, device, dtype) for device in devices]
        self.networks = [PaddedNetwork(model, self.rows) for model in self.models]
        self._tokenizing = threading.Lock()
        self._memory = Memory()
        places = ", ".join(dict.fromkeys(device.type for device in devices))
        times = f" x {len(devices)}" if len(devices) > 1 else ""
        self.device = f"{places}{times}, {str(self.models[0].dtype).removeprefix('torch.')}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.models[0].get_embedding_dimension())

    def tokens(self, texts: Sequence[str], limit: int, prompt: str = "") -> list[Features]:
        """What the model reads of each text behind `prompt`, special tokens included, at most `limit`."""
        with self._tokenizing:  # truncation is state of the shared tokenizer
            found = self.models[0].tokenizer(
                [prompt + text for text in texts], truncation=True, max_length=limit
            )
            beside = self._unpooled(prompt)
        return [{name: values[n] for name, values in found.items()} | beside for n in range(len(texts))]

    def _unpooled(self, prompt: str) -> dict[str, Any]:
        """How many tokens of the prompt a model leaves out of its mean that was trained to (INSTRUCTOR)."""
        model = self.models[0]
        if not prompt or all(getattr(module, "include_prompt", True) for module in model):
            return {}
        tokens = model.tokenizer(prompt)["input_ids"]
        return {"prompt_length": len(tokens) - (tokens[-1] in model.tokenizer.all_special_ids)}

    def rows(self, width: int) -> int:
        """Texts of this padded width in one batch."""
        return max(1, self._batch_tokens // width)

    def batches(self, texts: Iterable[tuple[int, Features]]) -> Iterator[Batch]:
        """(row, features) sorted into widths; a width's batch is made when it is full, or at the end."""
        waiting: dict[int, Batch] = defaultdict(lambda: ([], []))
        for row, text in texts:
            width = width_of(text)
            rows, batch = waiting[width]
            rows.append(row)
            batch.append(text)
            if len(rows) == self.rows(width):
                yield waiting.pop(width)
        yield from waiting.values()

    def few(self, texts: Sequence[Features]) -> Vectors:
        """Vectors, float32 (len(texts), dimension), of a question or a few sentences in the shortest time.

        That of a text alone is remembered; of several, the last bits depend on what stands beside a text.
        """
        if len(texts) == 1:
            return self._alone(texts[0])
        order = sorted(range(len(texts)), key=lambda at: -width_of(texts[at]))
        found = self.networks[0].few([texts[at] for at in order])
        vectors: Vectors = found[np.argsort(order)]
        return vectors

    def _alone(self, text: Features) -> Vectors:
        key = (text.get("prompt_length"), *text["input_ids"])
        vector = self._memory.get(key)
        if vector is None:
            vector = self.networks[0].few([text])
            self._memory.put(key, vector)
        return vector

    def hidden(self, texts: Sequence[Features]) -> list[Vectors]:
        """Vectors of each text's tokens before pooling, float32 (tokens, width), as `few` computes texts.

        Raises SettingError for a model that has none.
        """
        order = sorted(range(len(texts)), key=lambda at: -width_of(texts[at]))
        found = self.networks[0].hidden([texts[at] for at in order])
        return [found[place] for place in np.argsort(order)]


def _load(source: str, device: Any, dtype: Any) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = SentenceTransformer(
            source, device=str(device), model_kwargs={"dtype": dtype, "use_safetensors": True}
        )
    except Exception as error:  # whatever a broken folder makes the libraries raise
        raise SettingError(not_loaded(source, error)) from error
    return model.eval()


def not_loaded(source: str | Path, error: Exception) -> str:
    """What a user reads of a model that could not be loaded."""
    return (
        f"embedder.model = {str(source)!r} could not be loaded: {first_line(error)} "
        "(a folder of a sentence-transformers model needs no network; for a hub name see the README "
        "on mirrors)"
    )
