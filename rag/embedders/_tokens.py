"""Which of a model's token vectors stand for a text: those of special tokens and of its prompt do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rag.protocols.models import TokenVectors
from rag.types import Vectors


def token_vectors(
    tokenizer: Any,
    cut: Sequence[Sequence[str]],
    prompt: str,
    hidden: Callable[[list[str]], Sequence[Vectors]],
) -> list[TokenVectors]:
    """Each text's own tokens, made unit vectors, of all its windows one after the other.

    `cut` are the windows of each text; `hidden` gives (tokens, width) for each window: all that the model
    reads of it behind `prompt`.
    """
    pieces = [piece for own in cut for piece in own]
    if not pieces:
        return []
    encodings = tokenizer.encode_batch([prompt + piece for piece in pieces])
    pairs = zip(encodings, hidden(pieces), strict=True)
    found = iter([_own(encoding, len(prompt), vectors) for encoding, vectors in pairs])
    return [_joined([next(found) for _ in own]) for own in cut]


def _joined(parts: Sequence[TokenVectors]) -> TokenVectors:
    ids = np.concatenate([each.ids for each in parts])
    return TokenVectors(ids, np.concatenate([each.vectors for each in parts]))


def _own(encoding: Any, begin: int, hidden: Vectors) -> TokenVectors:
    ends = np.array([end for _, end in encoding.offsets], dtype=np.int64)
    special = np.array(encoding.special_tokens_mask, dtype=bool)
    own = np.flatnonzero(~special & (ends > begin))
    own = own[own < len(hidden)]
    vectors = hidden[own]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return TokenVectors(np.array(encoding.ids, dtype=np.int64)[own], unit)
