"""A BERT encoder on the processor, several texts in one matrix: no library but torch is imported.

The common case of an embedding model is a BERT with mean pooling. sentence-transformers pads its texts
to equal lengths and takes seconds to import. Here the tokens of a batch lie one below the other in a
matrix of a fixed number of rows; the linear layers run over all of it with weights packed once for the
processor's matrix unit, and attention runs text by text. Each batch is computed by one thread and
several batches at once, since threads that share one small matrix spend their time waiting for each other.

Model: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (NAACL 2019), in the
post-norm form of its reference implementation; mean pooling as in Reimers and Gurevych, "Sentence-BERT"
(EMNLP 2019), section 3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rag.types import Vectors

# A text's tokens are padded to a multiple of this: the attention kernel works in blocks of 32 columns.
BLOCK = 32


@dataclass(frozen=True, slots=True)
class _Layer:
    """Packed weight and bias of each linear layer, and (weight, bias) of the two normalisations."""

    inputs: tuple[Any, Any]
    attended: tuple[Any, Any]
    attended_norm: tuple[Any, Any]
    widened: tuple[Any, Any]
    narrowed: tuple[Any, Any]
    norm: tuple[Any, Any]


class Bert:
    """The network of one model folder; safe to share between threads."""

    def __init__(self, folder: Path, dtype: Any, rows: int) -> None:
        """Read the weights. Raises KeyError, ValueError, OSError or safetensors' error for a bad file."""
        import torch
        from safetensors.torch import load_file

        config = json.loads((folder / "config.json").read_text("utf-8"))
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._dtype = dtype
        weights = load_file(folder / "model.safetensors")
        prefix = "" if "embeddings.word_embeddings.weight" in weights else "bert."
        with torch.inference_mode():
            named = {
                name.removeprefix(prefix): value.to(dtype)
                for name, value in weights.items()
                if value.is_floating_point()
            }
            self._words = named["embeddings.word_embeddings.weight"]
            self._places = (
                named["embeddings.position_embeddings.weight"]
                + named["embeddings.token_type_embeddings.weight"][0]
            )
            self._norm = _pair(named, "embeddings.LayerNorm")
            self._layers = [_layer(named, n, rows) for n in range(int(config["num_hidden_layers"]))]

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._words.shape[1])

    @property
    def dtype(self) -> str:
        """The precision it computes in, for people."""
        return str(self._dtype).removeprefix("torch.")

    def vectors(self, texts: Sequence[Sequence[int]], rows: int) -> Vectors:
        """Mean-pooled vectors, float32 (len(texts), dimension), of texts given as token ids.

        Their lengths, each rounded up to `BLOCK`, sum to at most `rows`, or there is one text alone; the
        rest of the matrix is filled up, so that every batch of so many rows is computed by the same
        kernels and a text's vector does not depend on its neighbours.
        """
        import torch

        with torch.inference_mode():
            found: Vectors = torch.stack([each.mean(0) for each in self._hidden(texts, rows)]).numpy()
        return found

    def tokens(self, text: Sequence[int]) -> Vectors:
        """The vectors of one text's tokens before pooling, float32 (len(text), dimension)."""
        import torch

        with torch.inference_mode():
            found: Vectors = self._hidden([text], 0)[0].numpy()
        return found

    def _hidden(self, texts: Sequence[Sequence[int]], rows: int) -> list[Any]:
        """What the last layer makes of each text's tokens, float32; for `rows` see `vectors`."""
        import torch

        sizes = [padded(len(text)) for text in texts]
        rows = max(rows, sum(sizes))
        tokens = np.zeros(rows, dtype=np.int64)
        places = np.zeros(rows, dtype=np.int64)
        cuts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        for start, text in zip(cuts, texts, strict=False):
            tokens[start : start + len(text)] = text
            places[start : start + len(text)] = np.arange(len(text))
        hidden = self._words[torch.from_numpy(tokens)] + self._places[torch.from_numpy(places)]
        hidden = self._normalised(hidden, self._norm)
        spans = [
            (start, end, self._mask(end - start, len(text)))
            for (start, end), text in zip(pairwise(cuts), texts, strict=True)
        ]
        for layer in self._layers:
            hidden = self._through(layer, hidden, spans)
        return [hidden[start : start + len(text)].float() for start, text in zip(cuts, texts, strict=False)]

    def _mask(self, size: int, length: int) -> Any:
        """What is added to the attention scores: minus infinity where a text is padded."""
        import torch

        if size == length:
            return None
        mask = torch.zeros(1, 1, 1, size, dtype=self._dtype)
        mask[..., length:] = -torch.inf
        return mask

    def _through(self, layer: _Layer, hidden: Any, spans: Sequence[tuple[int, int, Any]]) -> Any:
        import torch

        linear = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 - the only door to packed weights
        joined = linear(hidden, *layer.inputs, "none", [], "")
        attended = torch.zeros_like(hidden)
        for start, end, mask in spans:
            attended[start:end] = self._attention(joined[start:end], mask)
        hidden = self._normalised(
            linear.binary(attended, hidden, *layer.attended, "add"), layer.attended_norm
        )
        wide = linear(hidden, *layer.widened, "gelu", [], "none")
        return self._normalised(linear.binary(wide, hidden, *layer.narrowed, "add"), layer.norm)

    def _attention(self, joined: Any, mask: Any) -> Any:
        """`joined` (tokens, 3 * dimension) holds queries, keys and values side by side."""
        from torch.nn.functional import scaled_dot_product_attention

        size, width = joined.shape
        parts = joined.view(1, size, 3, self._heads, width // 3 // self._heads).permute(2, 0, 3, 1, 4)
        found = scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=mask)
        return found[0].transpose(0, 1).reshape(size, width // 3)

    def _normalised(self, hidden: Any, norm: tuple[Any, Any]) -> Any:
        from torch.nn.functional import layer_norm

        return layer_norm(hidden, hidden.shape[-1:], *norm, self._epsilon)


def padded(length: int) -> int:
    """Rows that a text of `length` tokens takes."""
    return -(-length // BLOCK) * BLOCK


def _pair(named: dict[str, Any], name: str) -> tuple[Any, Any]:
    return named[f"{name}.weight"], named[f"{name}.bias"]


def _layer(named: dict[str, Any], number: int, rows: int) -> _Layer:
    import torch

    def packed(*names: str) -> tuple[Any, Any]:
        pairs = [_pair(named, f"encoder.layer.{number}.{name}") for name in names]
        weight = torch.cat([weight for weight, _ in pairs])
        return torch.ops.mkldnn._reorder_linear_weight(weight, rows), torch.cat([bias for _, bias in pairs])  # noqa: SLF001

    return _Layer(
        inputs=packed("attention.self.query", "attention.self.key", "attention.self.value"),
        attended=packed("attention.output.dense"),
        attended_norm=_pair(named, f"encoder.layer.{number}.attention.output.LayerNorm"),
        widened=packed("intermediate.dense"),
        narrowed=packed("output.dense"),
        norm=_pair(named, f"encoder.layer.{number}.output.LayerNorm"),
    )
