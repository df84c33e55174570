"""A test set is indexed once, as users' files are, and nobody's index is touched."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets import read_test_set
from eval.indexing import NOTE, as_document, index_key, prepare
from eval.types import Entry, PassageSet
from rag.config import Settings, load_settings
from rag.errors import SettingError

GOLDEN = Path(__file__).parents[1] / "golden" / "beir"


@pytest.fixture(scope="module")
def golden() -> PassageSet:
    test_set = read_test_set(GOLDEN)
    assert isinstance(test_set, PassageSet)
    return replace(test_set, corpus=(*test_set.corpus, Entry("blank", "", " ")))


@pytest.fixture(scope="module")
def made(golden: PassageSet, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose index holds the golden set."""
    settings = load_settings({"index": tmp_path_factory.mktemp("made") / "index"})
    indexed = prepare(golden, settings, ours=True)
    assert indexed.seconds
    assert indexed.peak_mb
    assert (indexed.documents, indexed.empty, indexed.chunks) == (21, 1, 20)
    return settings


def test_a_document_is_one_chunk_under_its_title() -> None:
    document, [chunk] = as_document(Entry("d", "Super_Bowl_50", " The text. "))
    assert (document.id, document.text, chunk.text) == ("d", " The text. ", " The text. ")
    assert chunk.heading == ("Super_Bowl_50",)
    assert chunk.indexed_text == "Super_Bowl_50\n The text. "


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_document_without_text_stands_for_its_title(text: str) -> None:
    document, [chunk] = as_document(Entry("d", "Firmware", text))
    assert (document.text, chunk.text, chunk.heading) == ("Firmware", "Firmware", ())


@given(st.text(), st.text())
def test_a_document_is_its_one_chunk_or_has_none_where_all_is_empty(title: str, text: str) -> None:
    document, chunks = as_document(Entry("d", title, text))
    assert bool(chunks) == bool(document.text)
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text == document.text


def test_an_index_found_ready_is_used_as_it_is(golden: PassageSet, made: Settings) -> None:
    before = {file: file.stat().st_mtime_ns for file in made.index.rglob("*") if file.is_file()}
    again = prepare(golden, made, ours=False)
    assert (again.seconds, again.peak_mb, again.chunks) == (None, None, 20)
    assert (
        before.items()
        <= {file: file.stat().st_mtime_ns for file in made.index.rglob("*") if file.is_file()}.items()
    )


def test_indexing_that_was_stopped_is_taken_up_where_the_folder_is_ours(
    golden: PassageSet, made: Settings, tmp_path: Path
) -> None:
    settings = made.model_copy(update={"index": Path(shutil.copytree(made.index, tmp_path / "index"))})
    (settings.index / NOTE).unlink()
    with pytest.raises(SettingError, match="not empty and not a finished evaluation"):
        prepare(golden, settings, ours=False)
    assert prepare(golden, settings, ours=True).chunks == 20
    assert (settings.index / NOTE).is_file()


def test_another_set_setting_or_analyser_is_another_index(
    golden: PassageSet, made: Settings, tmp_path: Path
) -> None:
    other = load_settings({"index": made.index, "embedder.model": "elsewhere"})
    keys = {index_key(golden, made), index_key(golden, other), index_key(replace(golden, digest="x"), made)}
    assert len(keys) == 3
    assert index_key(golden, load_settings({"retriever.depth": 7})) == index_key(golden, made)
    with pytest.raises(SettingError, match="the same dataset with other settings or another version; remove"):
        prepare(golden, other, ours=False)
    with pytest.raises(SettingError, match="made from another dataset; remove"):
        prepare(replace(golden, digest="x"), made, ours=False)
    copy = made.model_copy(update={"index": Path(shutil.copytree(made.index, tmp_path / "index"))})
    note = copy.index / NOTE
    found = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**found, "analyser": "older"}), encoding="utf-8")
    with pytest.raises(SettingError, match="or another version; remove"):
        prepare(golden, copy, ours=False)
    note.write_text("{", encoding="utf-8")
    with pytest.raises(SettingError, match=r"eval\.json: cannot be read"):
        prepare(golden, copy, ours=False)


def test_a_password_is_not_written_beside_the_index(span_set: Path, tmp_path: Path) -> None:
    settings = load_settings({"index": tmp_path / "index", "pdf.password": "open sesame"})
    assert prepare(read_test_set(span_set), settings, ours=True).documents == 3
    assert "open sesame" not in (tmp_path / "index" / NOTE).read_text(encoding="utf-8")


def test_files_that_cannot_be_read_are_named_and_the_rest_is_measured(
    span_set: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(span_set, tmp_path / "notes-set"))
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    indexed = prepare(read_test_set(folder), load_settings({"index": tmp_path / "index"}), ours=True)
    assert indexed.failed == ("broken.pdf",)
    assert indexed.documents == 3
    capfd.readouterr()
