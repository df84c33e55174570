"""One copy of a sentence-transformers model on one device: texts padded to one shape, and a batch that does
not fit into its memory halved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from rag.errors import SettingError
from rag.types import Vectors

# Texts are padded to a multiple of this and computed in batches of one fixed shape per width: the
# kernels chosen for another shape differ in the last bits. So a text's vector depends neither on its
# neighbours nor on where an interrupted ingest began again.
_PADDING = 32

Features: TypeAlias = Mapping[str, Sequence[int]]


class PaddedNetwork:
    """Computes batches of tokenised texts.

    Where the device runs out of memory the rows of a batch are halved, there and then and for all later
    batches of this network. Texts computed with the same number of rows still have equal vectors to the
    last bit; between numbers of rows the last bits may differ.
    """

    threads: int | None = None

    def __init__(self, model: Any, rows: Callable[[int], int]) -> None:
        self._model = model
        self._rows = rows
        self._halvings = 0

    def start(self, texts: Sequence[Features]) -> Callable[[], Vectors]:
        """Begin a batch of texts of one width. Raises SettingError if one text alone does not fit."""
        width = width_of(texts[0])
        rows = max(1, self._rows(width) >> self._halvings)
        if len(texts) > rows:
            begun = [self.start(texts[at : at + rows]) for at in range(0, len(texts), rows)]
            return lambda: np.concatenate([finish() for finish in begun])
        try:
            return self.forward([*texts, *[texts[-1]] * (rows - len(texts))], len(texts))
        except Exception as error:
            if not _out_of_memory(error):
                raise
            if rows == 1:
                raise SettingError(
                    f"embedder.device: {self._model.device} has too little memory for a single text of "
                    f"{width} tokens: choose a smaller embedder.model or embedder.device = 'cpu'"
                ) from error
        self._halvings += 1  # outside the handler, whose traceback holds on to the failed batch
        _release(self._model.device)
        return self.start(texts)

    def few(self, texts: Sequence[Features]) -> Vectors:
        """The vectors of texts, the longest first, in batches that are not filled up."""
        try:
            return np.concatenate([self.forward(part, len(part))() for part in self._parts(texts)])
        except Exception as error:
            if not _out_of_memory(error):
                raise
        return np.concatenate([self.start([text])() for text in texts])

    def hidden(self, texts: Sequence[Features]) -> list[Vectors]:
        """The token vectors of texts, the longest first."""
        try:
            return [each for part in self._parts(texts) for each in self._hidden(part)]
        except Exception as error:
            if not _out_of_memory(error):
                raise
        return [each for text in texts for each in self._hidden([text])]

    def _hidden(self, texts: Sequence[Features]) -> list[Vectors]:
        import torch

        features = {name: value.to(self._model.device) for name, value in self._features(texts).items()}
        with torch.inference_mode():
            found = self._model(features).get("token_embeddings")
            if found is None:
                raise SettingError(
                    "embedder.model has no vectors of its tokens, which late interaction needs"
                )
            kept = features["attention_mask"].bool()
            return [each[own].float().cpu().numpy() for each, own in zip(found, kept, strict=True)]

    def _parts(self, texts: Sequence[Features]) -> list[Sequence[Features]]:
        """Texts, the longest first, as many at a time as one batch has room for."""
        rows = max(1, self._rows(width_of(texts[0])) >> self._halvings)
        return [texts[at : at + rows] for at in range(0, len(texts), rows)]

    def _features(self, texts: Sequence[Features]) -> Any:
        """What the model takes: texts, the longest first, padded to the width of the first."""
        return self._model.tokenizer.pad(
            [dict(text) for text in texts],
            padding="max_length",
            max_length=width_of(texts[0]),
            return_tensors="pt",
        )

    def forward(self, texts: Sequence[Features], wanted: int) -> Callable[[], Vectors]:
        """Begin to compute; the vectors of the first `wanted` texts are fetched by what is returned."""
        import torch

        device = self._model.device
        features = self._features(texts)
        cuda = device.type == "cuda"
        with torch.inference_mode():
            if cuda:  # from pinned memory the copy runs beside the computation
                moved = {
                    name: value.pin_memory().to(device, non_blocking=True) for name, value in features.items()
                }
            else:
                moved = {name: value.to(device) for name, value in features.items()}
            found = self._model(moved)["sentence_embedding"][:wanted].float()
            if not cuda:
                vectors: Vectors = found.cpu().numpy()
                return lambda: vectors
            fetched = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
            fetched.copy_(found, non_blocking=True)
            done: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record(torch.cuda.current_stream(device))
        return lambda: _when(done, fetched)


def width_of(text: Features) -> int:
    """Padded length. At least one place stays empty: a batch without padding is computed unmasked, by
    another kernel.
    """
    return (len(text["input_ids"]) // _PADDING + 1) * _PADDING


def _when(done: Any, fetched: Any) -> Vectors:
    done.synchronize()
    vectors: Vectors = fetched.numpy()
    return vectors


def _out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _release(device: Any) -> None:
    """Give back what the allocator keeps for shapes that will not come again."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
