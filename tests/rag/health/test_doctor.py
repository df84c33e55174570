"""The doctor: every finding by a planted cause, in a small real index over real files."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.pipeline import ingest
from rag.__main__ import main
from rag.build import build_indexer, build_store
from rag.command import run
from rag.config import Settings, load_settings
from rag.errors import IndexMissing
from rag.health.doctor import Finding, examine
from rag.indexes.generation import MANIFEST, publish, read_manifest, segment_folder
from rag.protocols.models import Embedder
from rag.types import Chunk, Document, Vectors, Warned

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]

SECRET = "Tr0ub4dor-xyz9"  # noqa: S105 - planted, to see that it is never shown
FILES = {
    "bread.md": "# Bread\n\nDough rests for twelve hours, see [the coast](coast.md#lamp).\n",
    "coast.md": "# Coast\n\nThe lighthouse was built in 1856.\n",
}
PLANTED = {
    "copy.md": b"# COAST\n\nThe lighthouse was built, in 1856!\n",
    "front.md": b"---\na: [\n---\n# Front\n\nThe front matter of this page is broken.\n",
    "gbk.md": "# 部署\n\n这是一个中文文件，量化后的模型可以部署在一台没有显卡的机器上。\n".encode("gbk"),
    "garbled.md": b"# Garbled\n\nThe caf\xc3\x83\xc2\xa9 is closed.\n",
    "links.md": b"# Links\n\nSee [nothing](nothing.md) and ![no picture](p/no.png).\n",
    "nothing.txt": b"",
    "blank.txt": b" \n\n \n",
    "tide.md": b"# Tide\n\nThe harbour fills at noon and boats of the northern bay come with herring.\n",
    "tide2.md": b"# Tide\n\nThe harbour fills at noon and boats of the northern bay come with herring. 2\n",
    "secret.md": f"# Access\n\n密码：{SECRET}\n".encode(),
}


def _ingested(folder: Path, settings: Settings) -> Settings:
    ingest(settings, [folder / "docs"], quiet=True)
    return settings


def _written(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "docs" / name).write_bytes(content)


@pytest.fixture
def healthy(tmp_path: Path, settings_for: SettingsFor) -> Settings:
    """An index that was just made of two sound files, beside the folder `docs` that holds them."""
    _written(tmp_path, {name: text.encode() for name, text in FILES.items()})
    return _ingested(tmp_path, settings_for(tmp_path / "index"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor) -> Settings:
    """An index of files with something the matter each; tests only read it."""
    folder = tmp_path_factory.mktemp("planted")
    _written(folder, {**{name: text.encode() for name, text in FILES.items()}, **PLANTED})
    return _ingested(folder, settings_for(folder / "index"))


@pytest.fixture
def copied(tmp_path: Path, index: Settings, settings_for: SettingsFor) -> Settings:
    """A copy of an index without files behind it, to be changed or broken."""
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    return settings


@pytest.fixture
def record(copied: Settings) -> Iterator[sqlite3.Connection]:
    """The record of `copied`, opened behind the back of everything."""
    connection = sqlite3.connect(copied.index / "record.sqlite", isolation_level=None)
    yield connection
    connection.close()


def found(settings: Settings, kind: str, *, files: bool = True) -> list[Finding]:
    return [each for each in examine(settings, files=files).findings if each.kind == kind]


def only(settings: Settings, kind: str) -> str:
    """The detail of the one finding there is, which needs a person."""
    [finding] = examine(settings).findings
    assert (finding.kind, finding.needs_a_person) == (kind, True)
    return finding.detail


def test_an_index_level_with_sound_files_is_healthy(healthy: Settings) -> None:
    examination = examine(healthy)
    assert examination.findings == ()
    assert examination.healthy
    assert (examination.documents, examination.chunks, len(examination.generation)) == (2, 2, 12)


@pytest.mark.parametrize(
    ("kind", "document", "needs_a_person", "part"),
    [
        ("duplicate", "copy.md", False, "is the same text as coast.md"),
        ("near_duplicate", "tide2.md", False, "% the same text as tide.md"),
        ("front_matter", "front.md", True, "indexed as text"),
        ("encoding", "gbk.md", False, "GB18030"),
        ("mojibake", "garbled.md", False, "repaired"),
        ("broken_link", "links.md", True, "line 3: there is no file nothing.md"),
        ("broken_link", "links.md", True, "line 3: there is no file p/no.png"),
        ("empty", "nothing.txt", False, "no text"),
        ("empty", "blank.txt", True, "no text"),
        ("secret", "secret.md", False, "on line 3: replaced by a placeholder"),
    ],
)
def test_what_is_the_matter_with_a_file_is_found(
    kind: str, document: str, needs_a_person: bool, part: str, planted: Settings
) -> None:
    own = [each for each in found(planted, kind) if part in each.detail]
    assert [(each.document, each.needs_a_person) for each in own if each.document == document] == [
        (document, needs_a_person)
    ]


def test_nothing_is_found_that_was_not_planted(planted: Settings) -> None:
    assert len(examine(planted).findings) == 10


def test_a_secret_is_never_shown_and_needs_a_person_where_it_is_left_in_the_text(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    _written(tmp_path, {"secret.md": PLANTED["secret.md"]})
    settings = _ingested(tmp_path, settings_for(tmp_path / "index", **{"ingest.secrets": "flag"}))
    detail = only(settings, "secret")
    assert "on line 3: left in the text" in detail
    assert SECRET not in detail


def test_a_file_that_could_not_be_read_is_named_with_the_reason_and_no_second_ingest_is_advised(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    _written(tmp_path, {"a.md": b"# Bread\n\nDough rests.\n", "b.ipynb": b"{", "empty.pdf": b""})
    settings = _ingested(tmp_path, settings_for(tmp_path / "index"))
    assert sorted((each.document, each.detail.split(":")[0]) for each in found(settings, "unread")) == [
        ("b.ipynb", "line 1 is not valid JSON"),
        ("empty.pdf", "is an empty file"),
    ]
    assert found(settings, "stale") == []


def test_files_that_are_gone_changed_or_new_are_stale(healthy: Settings) -> None:
    docs = healthy.index.parent / "docs"
    (docs / "coast.md").unlink()
    (docs / "bread.md").write_text("# Bread\n\nAnother text.\n", "utf-8")
    (docs / "new.md").write_text("# New\n\nA third text.\n", "utf-8")
    stale = {each.document: each.detail for each in found(healthy, "stale")}
    assert set(stale) == {None, "coast.md"}
    assert "2 new or changed, 1 gone or left out now: run `python -m ingest" in stale[None]
    assert str(docs / "coast.md") in stale["coast.md"]
    assert found(healthy, "stale", files=False) == []
    ingest(healthy, [docs], quiet=True)
    assert examine(healthy).healthy


def test_a_folder_that_is_gone_is_told_once(healthy: Settings) -> None:
    docs = healthy.index.parent / "docs"
    docs.rename(docs.with_name("elsewhere"))
    assert only(healthy, "stale") == f"the folder {docs}, from which 2 documents were read, is gone"


def test_the_files_are_held_against_the_settings_of_this_command_alone(
    healthy: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rag.toml where it is run and a variable say something else than what it was given."""
    (tmp_path / "rag.toml").write_text("[splitter]\nunheard_of = 1\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_INGEST__EXCLUDE", '["coast.md"]')
    assert examine(healthy).healthy
    (tmp_path / "rag.toml").unlink()
    from_here = load_settings({"index": str(healthy.index)})
    assert "gone or left out now" in only(from_here, "stale")


def test_that_an_ingest_could_not_tell_is_said_with_its_reason(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = healthy.model_copy(update={"splitter": healthy.splitter.model_copy(update={"name": "nobody"})})
    monkeypatch.delenv("RAG_SPLITTER", raising=False)
    assert "cannot be told: splitter.name: there is no 'nobody'" in only(wrong, "stale")


@pytest.mark.parametrize("what", ["damaged", "missing"])
def test_every_damaged_file_of_a_generation_is_named(what: str, copied: Settings) -> None:
    names = {"dense-rows.npy", "sparse-rows.bin"}
    for name in names:
        file = segment_folder(copied.index, 1) / name
        file.unlink() if what == "missing" else file.write_bytes(file.read_bytes()[:-1])
    details = [each.detail for each in found(copied, "damage")]
    assert len(details) == 2
    for name in names:
        assert any(f"{name} is {what}: run `python -m ingest`" in detail for detail in details)


def test_a_damaged_manifest_does_not_keep_the_record_from_being_examined(copied: Settings) -> None:
    (copied.index / MANIFEST).write_text("{")
    with build_indexer(copied) as indexer:
        indexer.add(Document("none.md", "", "1"), [])
        indexer.flush()
    examination = examine(copied)
    assert [each.kind for each in examination.findings] == ["damage", "empty"]
    assert "manifest.json is damaged" in examination.findings[0].detail
    assert examination.generation == ""


def test_a_lost_record_is_damage(copied: Settings) -> None:
    (copied.index / "record.sqlite").unlink()
    assert "record.sqlite" in only(copied, "damage")


def test_a_record_of_another_index_is_damage(copied: Settings, record: sqlite3.Connection) -> None:
    record.execute("UPDATE setting SET value = 'another' WHERE name = 'record'")
    assert "not the one that the generation was made from" in only(copied, "damage")


def test_a_record_whose_pages_were_overwritten_is_damage(copied: Settings) -> None:
    file = copied.index / "record.sqlite"
    content = bytearray(file.read_bytes())
    for page in range(3, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    file.write_bytes(content)
    assert not examine(copied).healthy
    assert all("record.sqlite" in each.detail for each in found(copied, "damage"))


def test_rows_without_their_document_are_damage(copied: Settings, record: sqlite3.Connection) -> None:
    record.execute("PRAGMA foreign_keys = OFF")
    record.execute("INSERT INTO chunk SELECT 999, 999, 0, 0, 1, '[]', 1, x'', x'', NULL, NULL")
    assert "1 rows refer to rows that are not there" in only(copied, "damage")


def test_a_record_whose_content_cannot_be_read_is_damage(
    copied: Settings, record: sqlite3.Connection
) -> None:
    record.execute("UPDATE chunk SET seal = NULL, vectors = substr(vectors, 1, 100) WHERE key = 3")
    assert "cannot be read" in only(copied, "damage")


def test_changes_that_searches_do_not_see_are_found(copied: Settings, make_document: MakeDocument) -> None:
    with build_indexer(copied) as indexer:
        indexer.add(*make_document("new.md", "A new text."))
        indexer.flush()
    assert "no search sees yet" in only(copied, "unpublished")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, 7.0])
def test_vectors_that_no_search_can_use_are_found(
    value: float, copied: Settings, record: sqlite3.Connection
) -> None:
    """In a record of before rows were sealed."""
    blob = (384).to_bytes(4, "little") + np.full((1, 384), value, "<f4").tobytes()
    record.execute("UPDATE chunk SET seal = NULL, vectors = ? WHERE key IN (1, 2)", [blob])
    assert only(copied, "vectors").startswith("vectors of 2 of 2 chunks are not unit vectors")


def test_vectors_of_another_length_are_found(copied: Settings, record: sqlite3.Connection) -> None:
    blob = (2).to_bytes(4, "little") + np.array([0.6, 0.8], "<f4").tobytes()
    record.execute("UPDATE chunk SET seal = NULL, vectors = ? WHERE key = 1", [blob])
    assert only(copied, "vectors").startswith("vectors of 1 of 2 chunks")


def test_a_long_chunk_is_truncated_where_windows_lack_vectors(
    copied: Settings, embedder: Embedder, make_document: MakeDocument
) -> None:
    document, chunks = make_document("long.md", "lighthouse keepers " * 300)
    windows = embedder.windows(chunks[0].indexed_text)
    assert len(windows) > 1
    with build_indexer(copied) as indexer:
        indexer.add(document, chunks)
        indexer.publish()
    assert examine(copied).healthy
    vectors: Vectors = embedder.encode(windows)[:1]
    store = build_store(copied, read_only=False)
    store.replace(document, chunks, [vectors])
    store.close()
    assert only(copied, "truncated").startswith("1 of 1 chunks were embedded in part only")


def test_another_embedder_than_the_indexs_is_found(copied: Settings) -> None:
    manifest = read_manifest(copied.index)
    publish(copied.index, replace(manifest, embedder="another"), manifest)
    assert "was made with the embedder another, the setting is now" in only(copied, "embedder")


def test_an_embedder_that_is_not_there_is_found(copied: Settings) -> None:
    options = copied.embedder.model_copy(update={"model": "./nowhere"})
    assert "there is no such folder" in only(copied.model_copy(update={"embedder": options}), "embedder")


@pytest.mark.parametrize(
    ("warned", "needs_a_person"),
    [
        (Warned("garbled", "page 2 holds glyphs"), True),
        (Warned("broken_pages", "page 2 could not be read"), True),
        (Warned("ocr", "page 2 was read by OCR"), False),
        (Warned("encoding", "line 2: 1 character that cannot be read is replaced by \ufffd"), True),
        (Warned("mojibake", "1 line (2) garbled beyond repair"), True),
        (Warned("control_characters", "3 removed"), False),
        (Warned("something_new", "nobody knows what"), True),
    ],
)
def test_a_warning_needs_a_person_unless_what_it_tells_was_mended(
    warned: Warned, needs_a_person: bool, copied: Settings, make_document: MakeDocument
) -> None:
    with build_indexer(copied) as indexer:
        indexer.add(*make_document("a.pdf", "Some words."), warnings=[warned])
        indexer.publish()
    expected = Finding(warned.kind, "a.pdf", warned.detail, needs_a_person)
    assert examine(copied).findings == (expected,)


def test_a_record_of_before_warnings_were_kept_still_tells_its_empty_pages(
    copied: Settings, make_document: MakeDocument
) -> None:
    with build_indexer(copied) as indexer:
        indexer.add(*make_document("a.pdf", "Some words."), empty_pages=3)
        indexer.publish()
    with sqlite3.connect(copied.index / "record.sqlite") as connection:
        connection.execute("ALTER TABLE document DROP COLUMN warnings")
    connection.close()
    assert only(copied, "empty_pages") == "3 pages hold no text"


def test_without_an_index_it_says_so(tmp_path: Path, settings_for: SettingsFor) -> None:
    with pytest.raises(IndexMissing, match="python -m ingest"):
        examine(settings_for(tmp_path / "index"))


def test_a_first_ingest_that_was_stopped_needs_a_person(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "Some text."))
        indexer.flush()
    found = examine(settings)
    assert [(each.kind, each.document) for each in found.findings] == [("unpublished", None)]
    assert not found.healthy


def _doctor(settings: Settings, *words: str) -> int:
    arguments = ["doctor", "--index", str(settings.index), "--set", "embedder.batch_tokens=64", *words]
    return run(lambda: main(arguments))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, without settings from outside."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("here")
def test_the_exit_status_is_0_healthy_1_a_person_is_needed_2_no_index(
    healthy: Settings, planted: Settings, settings_for: SettingsFor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _doctor(healthy) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "healthy"
    assert _doctor(planted) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "4 of 10 findings, marked !, need a person"
    assert "  ! links.md: line 3: there is no file nothing.md" in out
    assert "    copy.md: is the same text as coast.md" in out
    assert SECRET not in out
    assert _doctor(settings_for(Path("nowhere"))) == 2
    assert capsys.readouterr().err.startswith("error: there is no index in nowhere")


@pytest.mark.usefixtures("here")
def test_as_json_it_has_the_promised_shape(planted: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert _doctor(planted, "--json", "--no-files") == 1
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"index", "generation", "documents", "chunks", "findings", "healthy"}
    assert (result["index"], result["documents"], result["healthy"]) == (str(planted.index), 12, False)
    for finding in result["findings"]:
        assert set(finding) == {"kind", "document", "detail", "needs_a_person"}
    kinds = {finding["kind"] for finding in result["findings"]}
    assert kinds == {
        "duplicate", "near_duplicate", "empty", "encoding", "front_matter", "mojibake", "secret"
    }  # fmt: skip


@pytest.mark.usefixtures("here")
def test_ten_lines_of_a_kind_are_printed_unless_all_are_asked_for(
    copied: Settings, make_document: MakeDocument, capsys: pytest.CaptureFixture[str]
) -> None:
    document, chunks = make_document("a\x1b[2J.pdf", "Some words.")
    with build_indexer(copied) as indexer:
        indexer.add(document, chunks, warnings=[Warned("garbled", f"page {n}") for n in range(12)])
        indexer.add(replace(document, id="b.pdf", text="Others."), [], warnings=[Warned("ocr", "page 1")])
        indexer.publish()
    assert _doctor(copied) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:4] == ["garbled: 12", "  ! a\\x1b[2J.pdf: page 0"]
    assert "    and 2 more: --all shows them" in lines
    assert _doctor(copied, "--all") == 1
    assert sum("page" in line for line in capsys.readouterr().out.splitlines()) == 13
