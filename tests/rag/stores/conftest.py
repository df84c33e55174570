"""What the tests of the Milvus store over the wire share: the steps of a writer and of a reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rag.errors import RagError
from rag.indexes.within import publish_within
from rag.types import Chunk, Document

_NAMES = [f"{number}.md" for number in range(4)]


class _Embedder:
    """As much of an embedder as publishing asks for."""

    fingerprint = "three"
    dimension = 3


def _open(uri: str, timeout: float = 15.0, **options: Any) -> Any:
    from rag.stores import milvus

    return milvus.build(folder=Path(), uri=uri, timeout=timeout, **options)


def _put(store: Any, name: str, content: str) -> None:
    vector = np.array([[1.0, float(len(content)), 0.0]], dtype=np.float32)
    vector /= np.linalg.norm(vector)
    chunk = Chunk(name, 0, content, 0, len(content))
    store.replace(Document(name, content, content), [chunk], [vector])


def _publish(store: Any) -> str:
    return publish_within(store, _Embedder())  # type: ignore[arg-type]


def _ingest(uri: str, word: str, timeout: float = 15.0) -> None:
    """What a person's command does: every document in this wording, then a publish."""
    store = _open(uri, timeout)
    try:
        for name in _NAMES:
            _put(store, name, f"{word} in {name}")
        _publish(store)
    finally:
        store.close()


def _seen(uri: str) -> set[str]:
    """The first word of every passage that a reader finds."""
    reader = _open(uri, read_only=True)
    index = reader.open_index()
    found = index.dense.search(np.array([0.0, 1.0, 0.0], dtype=np.float32), 20)
    chunks = index.chunks(found.rows.tolist())
    reader.close()
    assert sorted(chunk.document_id for chunk in chunks) == _NAMES
    return {chunk.text.split()[0] for chunk in chunks}


def _assert_one_line(error: pytest.ExceptionInfo[RagError], uri: str) -> None:
    said = str(error.value)
    assert uri in said
    assert "\n" not in said
    assert len(said) < 500


def _on_change(monkeypatch: pytest.MonkeyPatch, call: int, event: Callable[[], None]) -> None:
    """`event` takes place when the writer's `call`-th change is on its way."""
    from rag.stores._milvus.client import Connection

    real, left = Connection.put, [call]

    def put(self: Any, name: str, *rest: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] == -1:
            event()
        real(self, name, *rest, **more)

    monkeypatch.setattr(Connection, "put", put)


@pytest.fixture
def over_wire(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`open`, `put`, `publish`; `ingest` as a person's command does; `seen` by a reader; `check` an error;
    `on_change` something happens.

    The claim of a writer that could not take leave ends by itself, here at once.
    """
    monkeypatch.setattr("rag.stores._milvus.lease._SECONDS", 0.5)
    monkeypatch.setattr("rag.stores._milvus.lease._RENEWED", 0.4)
    return SimpleNamespace(
        names=_NAMES,
        open=_open,
        put=_put,
        publish=_publish,
        ingest=_ingest,
        seen=_seen,
        check=_assert_one_line,
        on_change=_on_change,
    )
