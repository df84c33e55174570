"""Vectors on their way into an index: a text is embedded once, and nothing but numbers is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from weakref import ref

import numpy as np
import pytest

from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.errors import SettingError
from rag.indexes.vectors import ChunkVectors, finite
from rag.protocols.models import Embedder
from rag.types import Chunk, Document, Vectors

SettingsFor = Callable[..., Settings]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]


class _Overflowing:
    """The embedder, as half precision makes it of some texts."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = self._embedder.encode(texts)
        for row, text in enumerate(texts):
            if "gale" in text:
                vectors[row, 7] = np.nan
        return vectors


def chunk(text: str) -> Chunk:
    return Chunk("a.md", 0, text, 0, len(text))


def test_each_text_is_embedded_once_and_what_is_known_not_at_all(embedder: Embedder) -> None:
    old = np.ones((1, embedder.dimension), np.float32)
    vectors = ChunkVectors(embedder, lambda texts: {each: old for each in texts if each == "old"})
    found = list(vectors.of([chunk(each) for each in ("new", "old", "new", "given")], {"given": 2 * old}))
    assert [each.shape for each in found] == [(1, embedder.dimension)] * 4
    assert np.array_equal(found[0], embedder.encode(["new"]))
    assert np.array_equal(found[0], found[2])
    assert np.array_equal(found[1], old)
    assert np.array_equal(found[3], 2 * old)
    assert vectors.made == 2
    assert vectors.seconds > 0


def test_a_vector_that_is_no_number_is_never_recorded_and_the_setting_is_named(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument, embedder: Embedder
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("lamp.md", "The lamp burned oil."))
        generation = indexer.publish()
        indexer._vectors = ChunkVectors(cast(Embedder, _Overflowing(embedder)), indexer.store.known)
        indexer.add(*make_document("gale.md", "A gale broke the window."))
        with pytest.raises(SettingError, match=r"all-MiniLM.* not numbers: set embedder\.dtype = 'float32'"):
            indexer.publish()
        assert [each.id for each in indexer.store.documents()] == ["lamp.md"]
    assert build_retriever(settings).generation == generation


def test_vectors_that_were_made_elsewhere_are_held_to_the_same(embedder: Embedder) -> None:
    vectors = ChunkVectors(embedder, lambda _: {})
    given = {"text": np.full((1, embedder.dimension), np.inf, np.float32)}
    with pytest.raises(SettingError, match="not numbers"):
        list(vectors.of([chunk("text")], given))
    assert finite(np.zeros((0, 3), np.float32), embedder).shape == (0, 3)


def test_the_vectors_of_a_large_document_are_let_go_once_they_are_recorded(
    tmp_path: Path, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.indexes.vectors._AT_ONCE", 4)
    seen: list[ref[Vectors]] = []
    held: list[int] = []

    def watched(vectors: ChunkVectors, *given: Any) -> Iterator[Vectors]:
        for own in made(vectors, *given):
            seen.append(ref(own))
            held.append(sum(each() is not None for each in seen))
            yield own

    made = ChunkVectors.of
    monkeypatch.setattr(ChunkVectors, "of", watched)
    text = "".join(f"The lamp {number:02d} burned oil. " for number in range(40))
    chunks = [Chunk("a.md", n, text[24 * n : 24 * n + 24], 24 * n, 24 * n + 24) for n in range(40)]
    with build_indexer(settings_for(tmp_path / "index")) as indexer:
        indexer.add(Document("a.md", text, "1"), chunks)
        indexer.publish()
        assert indexer.embedded_chunks == 40
    assert len(held) == 40
    assert max(held) <= 8


def test_an_embedder_that_made_no_vector_is_not_the_embedder_of_the_index(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument, embedder: Embedder
) -> None:
    with build_indexer(settings_for(tmp_path / "index")) as indexer:
        indexer._vectors = ChunkVectors(cast(Embedder, _Overflowing(embedder)), indexer.store.known)
        indexer.add(*make_document("gale.md", "A gale broke the window."))
        with pytest.raises(SettingError, match=r"not numbers.* or another embedder\.model"):
            indexer.flush()
        assert "embedder" not in indexer.store.settings()
