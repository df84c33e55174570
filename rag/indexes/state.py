"""Names of what an index holds: equal content, equal name, whatever its history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from rag.protocols.stores import StoredDocument

# The state without a document.
EMPTY = f"{0:064x}"


def state_of(documents: Iterable[StoredDocument]) -> str:
    """Digest of the living documents, for which a manifest says what it was made from."""
    return shifted(EMPTY, documents, ())


def shifted(state: str, added: Iterable[StoredDocument], removed: Iterable[StoredDocument]) -> str:
    """The digest after documents came and went.

    A sum of the documents' digests modulo 2^256 (Bellare and Micciancio, "A New Paradigm for
    Collision-Free Hashing", EUROCRYPT 1997, AdHash): it costs what changed and knows no order.
    """
    total = int(state, 16)
    for sign, documents in ((1, added), (-1, removed)):
        total += sign * sum(int(_digest([each.id, each.digest]), 16) for each in documents)
    return f"{total % (1 << 256):064x}"


def generation_name(state: str, embedder: str, made_with: Mapping[str, str]) -> str:
    """The name of the generation over these documents, made so."""
    return _digest([state, embedder, made_with])[:12]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
