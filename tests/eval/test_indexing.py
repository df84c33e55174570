"""A test set is indexed once, as users' files are, and nobody's index is touched."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets import read_test_set
from eval.indexing import NOTE, as_document, concealed, index_key, prepare
from eval.types import Entry, PassageSet
from rag.config import Settings, load_settings
from rag.errors import SettingError
from rag.expansion.dictionary import Dictionary

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
    note.write_text(json.dumps({**found, "code": "older"}), encoding="utf-8")
    with pytest.raises(SettingError, match="or another version; remove"):
        prepare(golden, copy, ours=False)
    note.write_text("{", encoding="utf-8")
    with pytest.raises(SettingError, match=r"eval\.json: cannot be read"):
        prepare(golden, copy, ours=False)


@pytest.mark.parametrize("section", ["embedder", "sparse", "dense", "store"])
def test_every_part_of_an_index_is_named_by_its_settings(golden: PassageSet, section: str) -> None:
    assert index_key(golden, load_settings({f"{section}.option": 1})) != index_key(golden, load_settings())


def test_what_is_read_of_the_files_makes_another_index_of_files_alone(
    golden: PassageSet, span_set: Path
) -> None:
    plain, notes = load_settings(), read_test_set(span_set)
    for name, value in [
        ("ingest.secrets", "flag"),
        ("ingest.exclude", ["team/"]),
        ("splitter.chunk_tokens", 60),
        ("pdf.password", "open sesame"),
        ("pdf.passwords", ["open sesame"]),
    ]:
        other = load_settings({name: value})
        assert index_key(notes, other) != index_key(notes, plain), name
        assert index_key(golden, other) == index_key(golden, plain), name
    assert index_key(notes, load_settings({"ingest.threads": 7})) == index_key(notes, plain)


def test_an_index_made_by_other_code_is_another_index(
    golden: PassageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index_key(golden, load_settings())
    monkeypatch.setattr("eval.indexing.code_digest", lambda places: f"other {len(places)}")
    assert index_key(golden, load_settings()) != before


def test_an_index_made_with_another_dictionary_is_another_index(
    golden: PassageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = set()
    for number, entries in enumerate(["灯塔 灯塔 [deng1 ta3] /lighthouse/", "油 油 [you2] /oil/"]):
        file = tmp_path / f"{number}.gz"
        file.write_bytes(gzip.compress(entries.encode()))
        monkeypatch.setattr("eval.indexing.find_dictionary", lambda *_, file=file: Dictionary(file))
        keys.add(index_key(golden, load_settings()))
    monkeypatch.setattr("eval.indexing.find_dictionary", lambda *_: None)
    assert len({*keys, index_key(golden, load_settings())}) == 3


def test_passwords_and_tokens_are_not_written_beside_the_index(span_set: Path, tmp_path: Path) -> None:
    secrets = {
        "pdf.password": "sesame-1",
        "pdf.passwords": ["sesame-2"],
        "pdf.file_passwords": {"*.pdf": "sesame-3"},
    }
    settings = load_settings({"index": tmp_path / "index", **secrets})
    assert prepare(read_test_set(span_set), settings, ours=True).documents == 3
    assert "sesame" not in (tmp_path / "index" / NOTE).read_text(encoding="utf-8")


def test_secrets_are_concealed_at_any_depth_and_nothing_else_is() -> None:
    settings = {
        "store": {"uri": "https://me:sesame@host:19530/a@b", "token": "sesame", "timeout": 3},
        "pdf": {"passwords": ["sesame"], "file_passwords": {"a": "sesame"}, "password": ""},
        "splitter": {"chunk_tokens": 250},
        "unsupported": "mark",
    }
    assert concealed(settings, lambda value: type(value).__name__) == {
        "store": {"uri": "https://host:19530/a@b", "token": "str", "timeout": 3},
        "pdf": {"passwords": "list", "file_passwords": "dict", "password": ""},
        "splitter": {"chunk_tokens": 250},
        "unsupported": "mark",
    }


def test_files_that_cannot_be_read_are_named_and_the_rest_is_measured(
    span_set: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(span_set, tmp_path / "notes-set"))
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    indexed = prepare(read_test_set(folder), load_settings({"index": tmp_path / "index"}), ours=True)
    assert indexed.failed == ("broken.pdf",)
    assert indexed.documents == 3
    capfd.readouterr()
