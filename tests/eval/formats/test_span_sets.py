"""A set with span labels is read whole and checked, or refused with the line that must be mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.formats.spans import read_spans
from eval.types import Label, Query, SpanSet
from rag.errors import DocumentError, SettingError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three queries over three files: one labelled, one that asks for what is withheld, one unjudged."""
    folder = tmp_path / "set"
    (folder / "docs" / "sub").mkdir(parents=True)
    (folder / "docs" / "a b.md").write_text("Keys are rotated daily.")
    (folder / "docs" / "sub" / "c.md").write_text("Snow is white.")
    (folder / "docs" / "secret.md").write_text("The answer is 42.")
    label = {"path": "./a b.md", "quote": "rotated\r\ndaily", "start": 9}
    withheld = [{"path": "secret.md", "quote": "42"}]
    _write(
        folder / "queries.jsonl",
        {"_id": "1", "text": " how often? ", "answers": ["daily"], "spans": [label], "note": "x"},
        {"_id": "2", "text": "what?", "answerable": False, "answers": ["42"], "spans": withheld},
        {"_id": "3", "text": "why?"},
    )
    _write(folder / "set.json", {"withheld": ["secret.md"], "synthetic": True, "seed": 3})
    return folder


def _write(path: Path, *records: Any) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def test_reads_queries_labels_and_what_is_withheld(folder: Path) -> None:
    read = read_spans(folder)
    label = Label("a b.md", "rotated\ndaily", 9, f"{folder / 'queries.jsonl'}:1")
    assert read == SpanSet(
        "set",
        read.digest,
        {"1": Query("how often?", ("daily",)), "2": Query("what?", answerable=False), "3": Query("why?")},
        folder / "docs",
        {"1": (label,)},
        frozenset({"secret.md"}),
        synthetic=True,
    )


@pytest.mark.parametrize("name", ["spans.jsonl", "gold_spans.jsonl"])
@pytest.mark.parametrize(("path", "quote"), [("path", "quote"), ("doc", "text")])
def test_labels_may_stand_in_a_file_of_their_own(folder: Path, name: str, path: str, quote: str) -> None:
    _write(folder / name, {"query_id": "3", path: "sub/c.md", quote: "white", "end": 14})
    read = read_spans(folder)
    assert read.labels["3"] == (Label("sub/c.md", "white", None, f"{folder / name}:1"),)
    assert list(read.labels) == ["1", "3"]


def test_the_files_may_be_elsewhere(folder: Path) -> None:
    (folder / "docs").rename(folder.parent / "guide")
    with pytest.raises(SettingError, match=r"docs: no such folder; name the folder .* with --corpus"):
        read_spans(folder)
    assert read_spans(folder, corpus=folder.parent / "guide").folder == folder.parent / "guide"
    before = read_spans(folder, corpus=folder.parent / "guide").digest
    _write(folder / "set.json", {"corpus": "../guide", "withheld": ["secret.md"]})
    read = read_spans(folder)
    assert read.folder.resolve() == (folder.parent / "guide").resolve()
    assert read.digest != before


def test_other_queries_take_the_place_of_the_folders_own(folder: Path, tmp_path: Path) -> None:
    _write(
        tmp_path / "mine.jsonl", {"_id": "7", "text": "?", "spans": [{"path": "sub/c.md", "quote": "Snow"}]}
    )
    assert list(read_spans(folder, tmp_path / "mine.jsonl").labels) == ["7"]


def test_the_digest_covers_every_file_that_ingesting_would_see_withheld_ones_too(folder: Path) -> None:
    digests = [read_spans(folder).digest]
    assert read_spans(folder).digest == digests[0]
    (folder / "docs" / ".hidden").write_text("x")
    (folder / "docs" / ".git").mkdir()
    (folder / "docs" / ".git" / "x.md").write_text("x")
    (folder / "docs" / "link.md").symlink_to(folder / "docs" / "secret.md")
    assert read_spans(folder).digest == digests[0]
    (folder / "docs" / "secret.md").write_text("The answer is 43.")
    digests.append(read_spans(folder).digest)
    (folder / "docs" / "sub" / "c.md").rename(folder / "docs" / "sub" / "d.md")
    digests.append(read_spans(folder).digest)
    _append(folder / "queries.jsonl", "")
    digests.append(read_spans(folder).digest)
    _write(folder / "spans.jsonl", {"query_id": "1", "path": "a b.md", "quote": "Keys"})
    digests.append(read_spans(folder).digest)
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("queries.jsonl", '{"_id": "1", "text": "x"}', "queries.jsonl:4: the id '1' is already on"),
        (
            "queries.jsonl",
            '{"_id": "4", "text": "x", "spans": [3]}',
            'queries.jsonl:4: "spans" must be a list of',
        ),
        ("queries.jsonl", '{"_id": "4", "text": "x", "spans": [{"path": "a"}]}', '"quote" must be a string'),
        (
            "spans.jsonl",
            '{"query_id": "9", "path": "a", "quote": "x"}',
            "spans.jsonl:1: no query '9' in queries",
        ),
        (
            "spans.jsonl",
            '{"path": "a", "quote": "x"}',
            'spans.jsonl:1: "query_id" must be a string (it is None)',
        ),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "a", "quote": " \\n"}',
            "spans.jsonl:1: the quote is empty",
        ),
        ("spans.jsonl", '{"query_id": "1", "quote": "x"}', '"path" must name a file (it is None)'),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "../a", "quote": "x"}',
            "'../a' must be relative to the folder",
        ),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "/a", "quote": "x"}',
            "'/a' must be relative to the folder",
        ),
        ("spans.jsonl", '{"query_id": "1", "path": "s\\\\a", "quote": "x"}', "with forward slashes"),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "\\ud800", "quote": "x"}',
            "must be relative to the folder",
        ),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "a", "quote": "x", "start": -1}',
            '"start" must be a number',
        ),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "a", "quote": "x", "start": "3"}',
            "characters (it is '3')",
        ),
        (
            "spans.jsonl",
            '{"query_id": "1", "path": "secret.md", "quote": "x"}',
            "'secret.md' is withheld; mark '1'",
        ),
        ("spans.jsonl", '{"query_id": "2", "path": "a b.md", "quote": "x"}', "false and yet has a label"),
        ("spans.jsonl", " ", "spans.jsonl: is empty"),
    ],
)
def test_a_bad_line_is_refused_by_file_and_number(folder: Path, name: str, line: str, says: str) -> None:
    _append(folder / name, line)
    with pytest.raises(DocumentError) as caught:
        read_spans(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n"corpus":', "set.json:2: not JSON"),
        ("[]", "set.json: must be a JSON object"),
        ('{"corpus": 3}', '"corpus" must be the path of a folder (it is 3)'),
        ('{"withheld": "a"}', "\"withheld\" must be a list of paths (it is 'a')"),
        ('{"withheld": ["../a"]}', "'../a' must be relative to the folder"),
        ('{"withheld": ["gone.md"]}', "\"withheld\": no file 'gone.md' in the corpus"),
        ('{"synthetic": 1}', '"synthetic" must be true or false (it is 1)'),
    ],
)
def test_a_bad_setting_of_the_set_is_refused(folder: Path, text: str, says: str) -> None:
    (folder / "set.json").write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_spans(folder)
    assert says in str(caught.value)


def test_a_set_needs_a_label_unless_all_its_questions_are_unanswerable(folder: Path) -> None:
    _write(folder / "queries.jsonl", {"_id": "1", "text": "x"})
    with pytest.raises(DocumentError, match=r"queries\.jsonl: no query has a label"):
        read_spans(folder)
    _write(folder / "queries.jsonl", {"_id": "1", "text": "x", "answerable": False})
    assert read_spans(folder).labels == {}


def test_labels_none_of_which_names_a_file_are_refused_and_a_stale_one_is_not(folder: Path) -> None:
    labels = [{"path": name, "quote": "x"} for name in ("docs/a b.md", "gone.md")]
    _write(folder / "queries.jsonl", {"_id": "1", "text": "x", "spans": labels})
    with pytest.raises(
        DocumentError, match=r"queries\.jsonl:1: no file 'docs/a b\.md' in .*docs, nor any other"
    ):
        read_spans(folder)
    labels[0]["path"] = "a b.md"
    _write(folder / "queries.jsonl", {"_id": "1", "text": "x", "spans": labels})
    assert len(read_spans(folder).labels["1"]) == 2


def test_a_description_that_is_not_utf8_is_told_so(folder: Path) -> None:
    (folder / "set.json").write_bytes('{"corpus": "docs"}'.encode("utf-16"))
    with pytest.raises(DocumentError, match=r"set\.json: not UTF-8; save the file as UTF-8"):
        read_spans(folder)


def test_a_corpus_without_files_and_a_missing_folder_are_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingError, match="empty: holds no file"):
        read_spans(folder, corpus=tmp_path / "empty")
    with pytest.raises(SettingError, match="x: no such folder; a folder with span labels has"):
        read_spans(tmp_path / "x")
    (folder / "queries.jsonl").unlink()
    with pytest.raises(SettingError, match=r"queries\.jsonl: no such file; a folder with span labels has"):
        read_spans(folder)
