"""Status: what the index holds, and whether it is what was written and all that was recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ingest.pipeline import ingest
from rag.__main__ import main
from rag.build import build_indexer
from rag.command import run
from rag.config import Settings
from rag.errors import IndexDamaged, IndexMissing
from rag.health.status import status
from rag.indexes.generation import MANIFEST, read_manifest, segment_folder
from rag.protocols.models import Embedder
from rag.types import Chunk, Document

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]


@pytest.fixture
def copied(tmp_path: Path, index: Settings, settings_for: SettingsFor) -> Settings:
    """A copy of the index, to be changed or broken."""
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    return settings


def test_a_sound_index_is_described(index: Settings, texts: dict[str, str], embedder: Embedder) -> None:
    found = status(index)
    assert found["index"] == str(index.index)
    assert found["generation"] == read_manifest(index.index).generation
    assert found["documents"] == len(texts)
    assert found["chunks"] == 8
    assert found["empty_pages"] == 0
    assert (found["intact"], found["damage"], found["unpublished"]) == (True, None, False)
    assert found["embedder"] == found["embedder_set"] == embedder.fingerprint
    assert found["device"] == embedder.device
    assert found["generator"] == "extractive"
    assert found["segments"] == 1
    files = segment_folder(index.index, 1).iterdir()
    assert found["bytes"] == sum(file.stat().st_size for file in files)


def test_without_an_index_it_says_so(tmp_path: Path, settings_for: SettingsFor) -> None:
    with pytest.raises(IndexMissing, match="python -m ingest"):
        status(settings_for(tmp_path / "index"))


def test_a_first_ingest_that_was_stopped_is_told_with_what_it_recorded(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "Some text.\n\nMore of it."))
        indexer.flush()
    found = status(settings)
    assert (found["generation"], found["documents"], found["chunks"]) == (None, 1, 2)
    assert (found["unpublished"], found["intact"]) == (True, False)
    assert "1 documents are recorded" in found["damage"]
    assert "python -m ingest" in found["damage"]


def test_an_ingest_stopped_before_its_first_document_leaves_no_index(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings):
        pass
    with pytest.raises(IndexMissing, match="python -m ingest"):
        status(settings)


def test_a_damaged_file_is_named(copied: Settings) -> None:
    file = segment_folder(copied.index, 1) / "dense-rows.npy"
    file.write_bytes(file.read_bytes()[:-1])
    found = status(copied)
    assert found["intact"] is False
    assert "dense-rows.npy is damaged" in found["damage"]


def test_a_lost_generation_is_named(copied: Settings) -> None:
    shutil.rmtree(segment_folder(copied.index, 1))
    found = status(copied)
    assert found["intact"] is False
    assert "is missing" in found["damage"]
    assert found["bytes"] == 0


def test_a_damaged_manifest_or_record_is_an_error(copied: Settings) -> None:
    (copied.index / "record.sqlite").unlink()
    with pytest.raises(IndexDamaged, match=r"record\.sqlite"):
        status(copied)
    (copied.index / MANIFEST).write_text("{")
    with pytest.raises(IndexDamaged, match=r"manifest\.json"):
        status(copied)


@pytest.mark.parametrize("change", ["replaced", "added", "removed"])
def test_changes_that_searches_do_not_see_yet_are_told(
    change: str, copied: Settings, make_document: MakeDocument
) -> None:
    with build_indexer(copied) as indexer:
        if change == "removed":
            indexer.remove(["kitchen.md"])
        else:
            name = "kitchen.md" if change == "replaced" else "new.md"
            indexer.add(*make_document(name, "A new text."))
            indexer.flush()
    assert status(copied)["unpublished"] is True
    with build_indexer(copied) as indexer:
        indexer.publish()
    assert status(copied)["unpublished"] is False


def test_pages_without_text_are_counted(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.pdf", "Some text."), empty_pages=3)
        indexer.add(*make_document("b.pdf", "Some more."), empty_pages=2)
        indexer.publish()
    assert status(settings)["empty_pages"] == 5


def test_a_copy_over_another_index_is_refused_and_one_over_an_earlier_copy_is_not(
    tmp_path: Path,
    settings_for: SettingsFor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"# Title\n\nThe {name} depot keeps valves.\n")
        ingest(settings_for(tmp_path / f"{name}.index"), [tmp_path / name], quiet=True)
    words = ["copy", "--from", str(tmp_path / "one.index"), "--to"]
    assert run(lambda: main([*words, str(tmp_path / "two.index")])) == 2
    assert "holds another index (documents: 1), which would be lost" in capsys.readouterr().err
    assert status(settings_for(tmp_path / "two.index"))["documents"] == 1
    for _ in range(2):
        assert run(lambda: main([*words, str(tmp_path / "new.index")])) == 0
