"""Carrying an index from one store to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.build import build_engine, build_indexer, build_store, published
from rag.config import Settings
from rag.copying import Copied, copy
from rag.errors import IndexDamaged, IndexMissing, SettingError
from rag.protocols.stores import Store
from rag.sections import Backend
from rag.stores.sqlite import SqliteStore
from rag.types import Chunk, Document, Page, Vectors, Warned

_TEXTS = {
    "a/one.md": "The gate opens at seven. 大门七点开。",
    "two.pdf": "The vault is closed on Sundays.",
    "空.md": "",
}


def _settings(folder: Path, store: str) -> Settings:
    if store != "sqlite":
        pytest.importorskip(f"py{store}", reason=f"needs the extra {store}")
    return Settings(index=folder, store=Backend(name=store))


def _quiet(done: int, of: int) -> None:
    assert 0 < done <= of


@pytest.fixture(params=["sqlite", "milvus"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return _settings(tmp_path / "target", str(request.param))


@pytest.fixture
def source(tmp_path: Path) -> Settings:
    settings = _settings(tmp_path / "source", "sqlite")
    with build_indexer(settings) as indexer:
        for name, text in _TEXTS.items():
            pages = (Page(1, 0, len(text)),) if name.endswith("pdf") else ()
            chunks = [Chunk(name, 0, text, 0, len(text), ("Top",), 1 if pages else None)] if text else []
            document = Document(name, text, f"digest of {name}", {"tag": "x"}, pages)
            indexer.add(document, chunks, f"/notes/{name}", 1, [Warned("encoding", "read as GB18030")])
        indexer.flush()
        indexer.store.remember("roots", '["/notes"]')
        indexer.publish()
    return settings


def _held(settings: Settings) -> tuple[list[object], list[object]]:
    store: Store = build_store(settings, read_only=True)
    documents = [(each, store.document(each.id)) for each in store.documents()]
    chunks = [(each.chunk, each.vectors.tobytes()) for each in store.chunks()]
    store.close()
    return list(documents), list(chunks)


def test_the_copy_holds_what_the_source_does_and_answers_alike(source: Settings, target: Settings) -> None:
    copied = copy(source, target, _quiet)
    assert (copied.copied, copied.present, copied.removed, copied.chunks) == (3, 0, 0, 2)
    assert _held(target) == _held(source)
    assert published(target).state == published(source).state
    hits = [build_engine(each).search("when does the gate open").hits for each in (source, target)]
    assert [hit.chunk for hit in hits[0]] == [hit.chunk for hit in hits[1]]
    assert [hit.score for hit in hits[0]] == pytest.approx([hit.score for hit in hits[1]], rel=1e-5)


def test_a_copy_run_again_carries_what_changed_and_removes_what_went(
    source: Settings, target: Settings
) -> None:
    first = copy(source, target, _quiet)
    assert copy(source, target, _quiet) == Copied(0, 3, 0, 2, first.generation)
    with build_indexer(source) as indexer:
        indexer.add(Document("two.pdf", "Open on Sundays.", "new"), [Chunk("two.pdf", 0, "Open", 0, 4)])
        indexer.remove(["空.md"])
        indexer.publish()
    again = copy(source, target, _quiet)
    assert (again.copied, again.present, again.removed) == (1, 1, 1)
    assert _held(target) == _held(source)


def test_a_copy_stopped_in_the_middle_goes_on_where_it_was(source: Settings, target: Settings) -> None:
    def stop(done: int, of: int) -> None:
        if done == of - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(source, target, stop)
    again = copy(source, target, _quiet)
    assert (again.copied, again.present) == (1, 2)
    assert _held(target) == _held(source)


def test_the_way_back_gives_the_same_index_again(source: Settings, target: Settings, tmp_path: Path) -> None:
    copy(source, target, _quiet)
    home = _settings(tmp_path / "home", "sqlite")
    copy(target, home, _quiet)
    assert _held(home) == _held(source)
    assert published(home).generation == published(source).generation


def test_a_target_that_does_not_give_back_what_it_got_is_named(
    source: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SqliteStore.replace

    def forgetful(
        self: SqliteStore, document: Document, chunks: list[Chunk], vectors: list[Vectors], **more: Any
    ) -> None:
        real(self, document, chunks, [np.zeros_like(each) for each in vectors], **more)

    monkeypatch.setattr(SqliteStore, "replace", forgetful)
    with pytest.raises(IndexDamaged, match=r"a/one\.md"):
        copy(source, _settings(tmp_path / "bad", "sqlite"), _quiet)


def test_a_copy_onto_itself_from_nowhere_or_of_another_embedder_is_refused(
    source: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="the same index"):
        copy(source, source, _quiet)
    with pytest.raises(IndexMissing, match="--from"):
        copy(_settings(tmp_path / "nowhere", "sqlite"), _settings(tmp_path / "new", "sqlite"), _quiet)
    with build_indexer(source) as indexer:
        indexer.store.remember("embedder", "another model")
    with pytest.raises(SettingError, match="another model"):
        copy(source, _settings(tmp_path / "new", "sqlite"), _quiet)
