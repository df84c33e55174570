"""Publishing makes up for what is damaged or lost, from the record and never from another's."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.errors import IndexDamaged, RagError
from rag.indexes.generation import MANIFEST, read_manifest, segment_folder
from rag.stores.sqlite import SqliteStore
from rag.types import Chunk, Document

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]


@pytest.mark.parametrize("victim", ["dense-vectors.npy", "sparse-rows.bin", "keys.npy"])
def test_publishing_again_repairs_a_damaged_generation_from_the_record(
    victim: str, tmp_path: Path, index: Settings, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    before = read_manifest(settings.index)
    file = segment_folder(settings.index, before.number) / victim
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(IndexDamaged, match=victim):
        build_retriever(settings).search("oil lamp")
    with build_indexer(settings) as indexer:
        assert indexer.publish() == before.generation
        assert indexer.embedded_chunks == 0
    assert build_retriever(settings).search("oil lamp")[0].chunk.document_id == "lighthouse.md"


@pytest.mark.parametrize("content", [None, b"{"], ids=["lost", "damaged"])
def test_publishing_again_makes_up_for_a_manifest(
    content: bytes | None, tmp_path: Path, index: Settings, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    before = read_manifest(settings.index)
    (settings.index / MANIFEST).unlink()
    if content is not None:
        (settings.index / MANIFEST).write_bytes(content)
    with build_indexer(settings) as indexer:
        assert indexer.publish() == before.generation
    assert read_manifest(settings.index).number == before.number + 1
    assert build_retriever(settings).search("oil lamp")[0].chunk.document_id == "lighthouse.md"


def test_a_damaged_segment_that_is_to_be_merged_is_made_anew_from_the_record(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Lamp oil."})
    file = segment_folder(settings.index, 1) / "sparse-rows.bin"
    file.write_bytes(file.read_bytes()[:-1])
    write_index(settings, {"b.md": "Fresh bread."})
    found = build_retriever(settings).search("lamp bread", mode="sparse")
    assert {hit.chunk.text for hit in found} == {"Lamp oil.", "Fresh bread."}


def test_publishing_again_after_a_failure_loses_nothing(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails after the new manifest is in its place."""
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "Lamp oil."))
        with monkeypatch.context() as patch:
            patch.setattr("rag.indexes.generation._drop", _failing)
            with pytest.raises(RagError):
                indexer.publish()
        assert read_manifest(settings.index).number == 1
        indexer.add(*make_document("b.md", "Fresh bread."))
        indexer.publish()
    assert read_manifest(settings.index).number == 2, "what readers see is never written over"
    found = build_retriever(settings).search("lamp bread", mode="sparse")
    assert {hit.chunk.text for hit in found} == {"Lamp oil.", "Fresh bread."}


def test_after_a_kill_between_manifest_and_record_the_record_follows(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next publish would take the record for another's and write everything anew."""
    settings = settings_for(tmp_path / "index")
    write_index(settings, {f"{number}.md": f"Text {number}." for number in range(9)})
    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "collect", _failing)
        with pytest.raises(RagError):
            write_index(settings, {"new.md": "More."})
    killed = read_manifest(settings.index)
    assert killed.number == 2
    with build_indexer(settings) as indexer:
        assert indexer.store.settings()["published"] == "2"
        assert indexer.publish() == killed.generation
    write_index(settings, {"newer.md": "And more."})
    assert killed.segments[0] in read_manifest(settings.index).segments


def _failing(*_: object) -> None:
    raise RagError("the disk fails")


def test_a_lost_record_is_made_anew_and_its_keys_are_published(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    """The documents are the same, so only the record's identity tells that the old keys are void."""
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "An older version."})
    generation = write_index(settings, {"a.md": "Some text.", "b.md": "Harbour."})
    (settings.index / "record.sqlite").unlink()
    assert write_index(settings, {"b.md": "Harbour.", "a.md": "Some text."}) == generation
    assert [hit.chunk.text for hit in build_retriever(settings).search("harbour", mode="sparse")] == [
        "Harbour."
    ]


def test_a_record_put_back_to_before_a_removal_is_published_as_it_is(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    """A removal puts no document, so only the stamp of its publish is missing."""
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Lamp oil.", "b.md": "Fresh bread."})
    record = settings.index / "record.sqlite"
    shutil.copy(record, tmp_path / "backup")
    with build_indexer(settings) as indexer:
        indexer.remove(["b.md"])
        indexer.publish()
    shutil.copy(tmp_path / "backup", record)
    with pytest.raises(IndexDamaged, match="not the one that generation"):
        build_retriever(settings).search("lamp")
    with build_indexer(settings) as indexer:
        indexer.publish()
    assert [hit.chunk.text for hit in build_retriever(settings).search("bread", mode="sparse")] == [
        "Fresh bread."
    ]


def test_the_record_of_a_copy_that_went_another_way_never_lends_its_words(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings, other = settings_for(tmp_path / "index"), settings_for(tmp_path / "copy")
    write_index(settings, {"a.md": "Lamp oil."})
    shutil.copytree(settings.index, other.index)
    write_index(settings, {"b.md": "Fresh bread."})
    write_index(other, {"c.md": "A cheese wheel."})
    shutil.copy(other.index / "record.sqlite", settings.index / "record.sqlite")
    with pytest.raises(IndexDamaged, match="not the one that generation"):
        build_retriever(settings).search("bread")
    with build_indexer(settings) as indexer:
        indexer.publish()
    found = build_retriever(settings).search("cheese bread", mode="sparse")
    assert [hit.chunk.text for hit in found] == ["A cheese wheel."]


def test_what_is_published_stays_readable_however_often_the_next_publish_fails(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, make_document: MakeDocument
) -> None:
    """As where a watching ingest tries again and again on a disk that is full."""
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    with pytest.MonkeyPatch.context() as full:
        full.setattr("rag.indexes.generation.flush", _no_space)
        with build_indexer(settings) as indexer:
            for number in range(10):
                indexer.add(*make_document("b.md", f"Version {number} of a text."))
                with pytest.raises(RagError, match="No space left"):
                    indexer.publish()
    reader = build_retriever(settings)
    assert reader.generation == generation
    assert [hit.chunk.text for hit in reader.search("some text", mode="sparse")] == ["Some text."]
    with build_indexer(settings) as indexer:
        assert indexer.publish() != generation
    assert build_retriever(settings).search("version")[0].chunk.document_id == "b.md"
    assert [hit.chunk.text for hit in reader.search("some text", mode="sparse")] == ["Some text."]


def _no_space(_: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
