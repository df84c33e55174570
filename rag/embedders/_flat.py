"""Which model folders `_bert` computes, and their batches.

A matrix unit is quick with tall matrices, so in half precision texts lie one below the other until a batch
is full, and a text alone costs as much as a batch. In float32 each row costs the same: every text has a
matrix of its own, and a folder in which one file changed is not kept waiting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rag.compute import cores, native_bfloat16
from rag.embedders._bert import BLOCK, Bert, padded
from rag.embedders._rounds import Batch, one_threaded
from rag.embedders._together import Together
from rag.types import Vectors

# More threads than this wait for Python's lock rather than compute.
_MOST_NETWORKS = 16
# Rows of a matrix of questions and sentences. A matrix unit takes 2 ms longer for 128 rows than for the 32
# of a question alone, and half as long for four texts together.
_FEW_ROWS = 128
_FLOAT32_BYTES = 4


class FlatModel:
    """A BERT with mean pooling on the processor; a batch each for as many threads as there are cores."""

    def __init__(self, folder: Path, dtype: Any, copies: int, batch_tokens: int) -> None:
        """`copies` networks compute side by side, 0 for as many as are useful; they share the weights."""
        self._bert = Bert(folder, dtype, batch_tokens)
        joins = dtype.itemsize < _FLOAT32_BYTES
        self._rows = batch_tokens if joins else BLOCK
        processors = cores()
        # One thread reads the weights as fast as several, and leaves the others to other questions.
        self._asking = one_threaded(min(processors, _MOST_NETWORKS))
        rows = _FEW_ROWS if joins else BLOCK
        self._few = Together(lambda texts: self._bert.vectors(texts, rows), padded, rows, self._asking)
        copies = copies or min(processors, _MOST_NETWORKS)
        self.networks = [
            _FlatNetwork(self._bert, self._rows, max(1, processors // copies)) for _ in range(copies)
        ]
        self.dimension = self._bert.dimension
        self.device = f"cpu, {self._bert.dtype}"

    def batches(self, texts: Iterable[tuple[int, Sequence[int]]]) -> Iterator[Batch]:
        """(row, token ids) put together until their padded lengths fill a batch; in float32 each alone."""
        rows: list[int] = []
        batch: list[Any] = []
        filled = 0
        for row, text in texts:
            size = padded(len(text))
            if rows and filled + size > self._rows:
                yield rows, batch
                rows, batch, filled = [], [], 0
            rows.append(row)
            batch.append(text)
            filled += size
        if rows:
            yield rows, batch

    def few(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Vectors, float32 (len(texts), dimension), of a question or a few sentences."""
        return self._few.vectors(texts)

    def hidden(self, texts: Sequence[Sequence[int]]) -> list[Vectors]:
        """Vectors of each text's tokens before pooling, float32 (tokens, dimension).

        A text is computed alone, so that nothing that stands beside it changes its last bits.
        """
        return list(self._asking.map(self._bert.tokens, texts))


class _FlatNetwork:
    def __init__(self, bert: Bert, rows: int, threads: int) -> None:
        self.threads: int | None = threads
        self._bert = bert
        self._rows = rows

    def start(self, texts: Sequence[Sequence[int]]) -> Callable[[], Vectors]:
        vectors = self._bert.vectors(texts, self._rows)
        return lambda: vectors


def fits(folder: Path | None, devices: Sequence[Any], dtype: Any) -> bool:
    """Whether the folder holds Transformer (BERT), Pooling (mean) and perhaps Normalize, whole, and the
    processor is to compute it in a precision that it has. Raises ValueError for a damaged JSON file.
    """
    import torch

    if folder is None or any(device.type != "cpu" for device in devices):
        return False
    if not torch._C._has_mkldnn:  # noqa: SLF001 - its packed weights are used
        return False
    if dtype is not torch.float32 and not (dtype is torch.bfloat16 and native_bfloat16()):
        return False
    whole = all((folder / name).is_file() for name in ("tokenizer.json", "model.safetensors", "modules.json"))
    return whole and _plain_modules(folder) and _plain_bert(_read(folder / "config.json"))


def _plain_modules(folder: Path) -> bool:
    modules = _read(folder / "modules.json")
    types = [str(module.get("type", "")) for module in modules]
    if not all(each.startswith("sentence_transformers.") for each in types):
        return False  # program code of the model's own
    kinds = [each.rpartition(".")[2] for each in types]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return False
    reading = _read(folder / "sentence_bert_config.json")
    if modules[0].get("path") or reading.get("do_lower_case") or not reading.get("max_seq_length"):
        return False
    pooling = _read(folder / str(modules[1].get("path")) / "config.json")
    modes = {name for name, value in pooling.items() if name.startswith("pooling_mode_") and value is True}
    mean = modes == {"pooling_mode_mean_tokens"} or (not modes and pooling.get("pooling_mode") == "mean")
    return mean and pooling.get("include_prompt", True) is True


def _plain_bert(config: dict[str, Any]) -> bool:
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and not config.get("quantization_config")
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}
