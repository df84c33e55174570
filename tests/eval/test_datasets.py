"""A path is read in the format that it is in, and options that do not fit it are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eval.datasets import expand, read_test_set
from eval.types import PassageSet, SpanSet
from rag.errors import SettingError

GOLDEN = Path(__file__).parents[1] / "golden" / "beir"
RETRIEVAL = Path(__file__).parents[3] / "shared" / "data" / "retrieval"


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A folder in BEIR layout that has span labels as well."""
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "sets" / "both"))
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text("Keys are rotated daily.")
    (folder / "gold_spans.jsonl").write_text('{"query_id": "q01", "doc": "a.md", "text": "daily"}\n')
    return folder


@pytest.fixture
def spans(tmp_path: Path) -> Path:
    folder = tmp_path / "sets" / "spans"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.md").write_text("Keys are rotated daily.")
    label = {"path": "a.md", "quote": "daily"}
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "1", "text": "how often?", "spans": [label]}))
    return folder


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    paragraph = {"context": "Keys rotate.", "qas": [{"id": "1", "question": "What rotates?", "answers": []}]}
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"data": [{"title": "Keys", "paragraphs": [paragraph]}]}))
    return path


def test_a_folder_in_beir_layout_is_read_as_passages() -> None:
    assert isinstance(read_test_set(GOLDEN), PassageSet)


def test_a_json_file_is_read_as_squad(squad: Path) -> None:
    assert read_test_set(squad).name == "dev"


def test_a_folder_with_queries_alone_is_read_by_their_labels(spans: Path) -> None:
    read = read_test_set(spans)
    assert isinstance(read, SpanSet)
    assert read.folder == spans / "docs"


def test_a_folder_with_both_is_read_as_passages_unless_spans_are_asked_for(both: Path) -> None:
    assert isinstance(read_test_set(both), PassageSet)
    assert isinstance(read_test_set(both, labels="passages"), PassageSet)
    read = read_test_set(both, labels="spans")
    assert isinstance(read, SpanSet)
    assert list(read.labels) == ["q01"]


def test_the_folder_that_span_labels_speak_of_can_be_named(spans: Path, tmp_path: Path) -> None:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "a.md").write_text("daily, then")
    read = read_test_set(spans, corpus=tmp_path / "guide")
    assert isinstance(read, SpanSet)
    assert read.folder == tmp_path / "guide"


def test_options_that_do_not_fit_the_format_are_refused(spans: Path, squad: Path) -> None:
    with pytest.raises(SettingError, match=r"--corpus x: .* has no span labels"):
        read_test_set(GOLDEN, corpus=Path("x"))
    with pytest.raises(SettingError, match=r"--qrels x: .* is read by its span labels"):
        read_test_set(spans, qrels=Path("x"))
    with pytest.raises(SettingError, match=r"--queries x: .* holds its own"):
        read_test_set(squad, queries=Path("x"))
    with pytest.raises(SettingError, match=r"--qrels x: .* holds its own"):
        read_test_set(squad, qrels=Path("x"))
    with pytest.raises(SettingError, match=r"--labels spans: .* has passages only"):
        read_test_set(squad, labels="spans")
    with pytest.raises(SettingError, match=r"--labels spans: .* has no spans\.jsonl"):
        read_test_set(GOLDEN, labels="spans")
    with pytest.raises(SettingError, match=r"--labels passages: .* has no qrels/test\.tsv"):
        read_test_set(spans, labels="passages")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_an_incomplete_folder_in_beir_layout_is_told_what_it_lacks(both: Path, name: str) -> None:
    (both / "gold_spans.jsonl").unlink()
    (both / name).unlink()
    with pytest.raises(SettingError, match=f"{name}: no such file; a dataset is a folder in BEIR layout"):
        read_test_set(both)


def test_what_is_no_test_set_is_told_what_one_looks_like(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes")
    for path, what in (
        (tmp_path, "holds no test set"),
        (tmp_path / "x", "no such"),
        (tmp_path / "notes.md", "not a"),
    ):
        with pytest.raises(SettingError, match=rf"{what}.*; a test set is a folder in BEIR layout"):
            read_test_set(path)
        with pytest.raises(SettingError, match=rf"{what}.*; a test set is a folder in BEIR layout"):
            expand([path])


def test_a_folder_of_test_sets_stands_for_all_of_them(both: Path, spans: Path, squad: Path) -> None:
    for name in (".hidden", "other"):
        shutil.copytree(both, both.parent / name)
    (both.parent / "notes").mkdir()
    (both.parent / "README.md").write_text("# Sets")
    assert expand([both.parent]) == [both, both.parent / "other", spans]
    assert expand([squad, spans, both.parent]) == [squad, spans, both, both.parent / "other"]


@pytest.mark.skipif(not RETRIEVAL.is_dir(), reason="the shared test sets are not here")
def test_every_shared_test_set_is_found_and_can_be_read() -> None:
    found = expand([RETRIEVAL])
    assert len(found) == 13
    assert read_test_set(RETRIEVAL / "xquad_en").queries["56beb4343aeaaa14008c925b"].answers == ("308",)


def test_a_folder_is_a_test_set_by_what_is_in_it_however_it_is_named(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = both.rename(both.parent / ".hidden")
    (hidden / "docs").mkdir(exist_ok=True)
    monkeypatch.chdir(hidden / "docs")
    for path in (hidden, Path("..")):
        assert expand([path]) == [path]
        assert isinstance(read_test_set(path), PassageSet)
