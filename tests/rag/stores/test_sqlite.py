"""The SQLite record: what it refuses, what survives a kill, and what a full disk leaves behind."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.errors import IndexDamaged, QuestionError, RagError, SettingError
from rag.stores._sqlite_file import SqliteFile
from rag.stores.sqlite import FILE_NAME, SqliteStore, build
from rag.types import Chunk, Document, Filter, Page, Warned

# A child that replaces the same documents by ever newer versions until it is killed. Version v of
# document d has 1 + v % 7 chunks that all name both.
CHILD = """
import sys
from pathlib import Path
import numpy as np
from rag.stores.sqlite import SqliteStore
from rag.types import Chunk, Document, Warned

store = SqliteStore(Path(sys.argv[1]))
vectors = np.ones((3, 384), dtype=np.float32)
for version in range(1, 100_000):
    for name in ("a.md", "b.md", "c.md"):
        part = f"{name} version {version}. "
        count = 1 + version % 7
        chunks = [Chunk(name, n, part, n * len(part), (n + 1) * len(part)) for n in range(count)]
        document = Document(name, part * count, f"digest {version}")
        store.replace(document, chunks, [vectors * version] * count)
    print(version, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path)
    yield opened
    opened.close()


def put(store: SqliteStore, name: str, text: str, digest: str = "1") -> None:
    vectors = np.full((1, 4), len(text), dtype=np.float32)
    store.replace(Document(name, text, digest), [Chunk(name, 0, text, 0, len(text))], [vectors])


def test_a_text_is_held_once_when_it_is_recorded(store: SqliteStore) -> None:
    text = "部署 " + "the lamp burned oil " * 1000
    before = sys.getsizeof(text)
    put(store, "a.md", text)
    assert sys.getsizeof(text) == before, "it holds its UTF-8 as well"


def test_one_who_stops_reading_after_the_file_was_closed_hears_of_nothing(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "file", read_only=False)
    rows = file.query("SELECT 1 UNION SELECT 2")
    assert next(rows) == (1,)
    file.close()
    rows.close()  # as the garbage collector does, which could only print what is raised


@pytest.mark.parametrize("wait", [0.0, 0.013, 0.031])
def test_a_killed_writer_leaves_every_document_old_or_new_but_whole(tmp_path: Path, wait: float) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    reported = 0
    while reported < 3:
        reported = int(child.stdout.readline())
    time.sleep(wait)
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().split("\n")
    child.wait()
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    reported = max([reported, *(int(line) for line in rest[:-1])])

    store = SqliteStore(tmp_path)
    versions = []
    for stored in store.documents():
        version = int(stored.digest.removeprefix("digest "))
        versions.append(version)
        document = store.document(stored.id)
        own = [each for each in store.chunks() if each.chunk.document_id == stored.id]
        assert document is not None
        assert document.text == f"{stored.id} version {version}. " * (1 + version % 7)
        assert [each.chunk.ordinal for each in own] == list(range(1 + version % 7))
        for each in own:
            assert document.text[each.chunk.start : each.chunk.end] == each.chunk.text
            assert (each.vectors == version).all()
            assert each.vectors.shape == (3, 384)
    # What was reported as written is there: at most the version then in the making is newer.
    assert versions == sorted(versions, reverse=True)
    assert all(reported <= version <= reported + 1 for version in versions)
    put(store, "a.md", "written after the kill")
    store.check()
    store.close()


def test_what_fails_half_way_changes_nothing(store: SqliteStore) -> None:
    put(store, "a.md", "the old text")
    chunk = Chunk("a.md", 0, "the", 0, 3)
    broken = [np.zeros((1, 4), np.float32)]  # one for two chunks
    with pytest.raises(ValueError, match="argument"):
        store.replace(Document("a.md", "the new text", "2"), [chunk, chunk], broken)
    document = store.document("a.md")
    assert document is not None
    assert (document.text, document.digest) == ("the old text", "1")
    assert [each.chunk.text for each in store.chunks()] == ["the old text"]


def test_a_full_disk_is_said_to_be_full_and_the_last_version_stays(store: SqliteStore) -> None:
    put(store, "a.md", "the old text")
    pages = store._file.connection.execute("PRAGMA page_count").fetchone()[0]
    store._file.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(RagError, match="the disk is full"):
        put(store, "a.md", "new " * 100_000)
    assert [each.chunk.text for each in store.chunks()] == ["the old text"]
    store._file.connection.execute("PRAGMA max_page_count = 1000000")
    put(store, "a.md", "new " * 100_000)
    assert [each.chunk.text for each in store.chunks()] == ["new " * 100_000]


def test_a_file_that_is_no_record_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database " * 500)
    for read_only in (True, False):
        with pytest.raises(IndexDamaged, match=r"record\.sqlite.*--rebuild"):
            build(tmp_path, read_only=read_only)


def test_another_programs_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE birds (name TEXT)")
    other.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(IndexDamaged, match="--rebuild"):
        build(tmp_path, read_only=True)
    with pytest.raises(IndexDamaged, match="--rebuild"):
        build(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("birds",)]
    other.close()
    assert len(before) == (tmp_path / FILE_NAME).stat().st_size


def test_a_record_of_another_format_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT)")
        other.execute("CREATE TABLE document (another TEXT)")
        other.execute("INSERT INTO setting VALUES ('format', '7')")
    other.close()
    for read_only in (True, False):
        with pytest.raises(SettingError, match=r"format 7, this one reads 1.*--rebuild"):
            build(tmp_path, read_only=read_only)
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        assert other.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone() == (2,)
    other.close()


def test_a_missing_record_is_refused_to_readers_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match=r"record\.sqlite.*--rebuild"):
        build(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", [100, 5 * 4096], ids=["first page", "a later page"])
def test_starting_over_puts_a_damaged_record_aside(tmp_path: Path, at: int) -> None:
    store = SqliteStore(tmp_path)
    for number in range(50):
        put(store, f"{number}.md", f"text {number} " * 200)
    store.close()
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    content[at : at + 3000] = b"\xff" * 3000
    file.write_bytes(content)

    anew = build(tmp_path, start_over=True)
    assert anew.documents() == []
    anew.close()
    assert (tmp_path / f"damaged-{FILE_NAME}").read_bytes() == content


def test_starting_over_keeps_a_record_that_can_be_read(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    put(store, "a.md", "kept")
    store.close()
    again = build(tmp_path, start_over=True)
    assert [document.id for document in again.documents()] == ["a.md"]
    again.close()
    assert not (tmp_path / f"damaged-{FILE_NAME}").exists()


def test_a_damaged_page_is_named_when_it_is_read(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    for number in range(50):
        put(store, f"{number}.md", f"text {number} " * 200)
    store.close()
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    for page in range(3, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    file.write_bytes(content)
    reader = SqliteStore(tmp_path, read_only=True)
    with pytest.raises(IndexDamaged, match=r"record\.sqlite.*--rebuild"):
        list(reader.chunks())
    reader.close()


def test_a_schema_whose_bytes_are_no_text_is_damage(tmp_path: Path) -> None:
    """SQLite quotes the bytes in its message, and Python cannot read that."""
    store = SqliteStore(tmp_path)
    put(store, "a.md", "text")
    store.close()
    file = tmp_path / FILE_NAME
    content = file.read_bytes()
    assert b"CREATE TABLE setting" in content
    file.write_bytes(content.replace(b"CREATE TABLE setting", b"CREATE TABL\xe4 setting"))
    with pytest.raises(IndexDamaged, match=r"record\.sqlite: its schema is malformed.*--rebuild"):
        SqliteStore(tmp_path, read_only=True)


def test_what_is_forgotten_is_no_longer_in_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    put(store, "a.md", "the password is opensesame " * 400, digest="1")
    put(store, "b.md", "text", digest="1")
    store.collect(1)
    put(store, "a.md", "the password is gone", digest="2")
    for published in (2, 3):
        store.collect(published)
    store.close()
    content = (tmp_path / FILE_NAME).read_bytes()
    assert b"is gone" in content
    assert b"opensesame" not in content


def test_a_reader_cannot_write(store: SqliteStore, tmp_path: Path) -> None:
    put(store, "a.md", "text")
    reader = SqliteStore(tmp_path, read_only=True)
    with pytest.raises(RagError):
        reader.remove(["a.md"])
    assert [document.id for document in reader.documents()] == ["a.md"]
    reader.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="to root every folder is writable")
def test_a_folder_that_cannot_be_written_is_no_damage(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    put(store, "a.md", "text")
    store.close()
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(SettingError, match=r"record\.sqlite.*write permission on the folder"):
            build(tmp_path, read_only=True)
    finally:
        tmp_path.chmod(0o755)


def test_every_thread_may_read_while_one_writes(store: SqliteStore, tmp_path: Path) -> None:
    put(store, "a.md", "version 0", "0")
    reader = SqliteStore(tmp_path, read_only=True)
    stop = threading.Event()
    failures: list[str] = []

    def read() -> None:
        while not stop.is_set():
            own = [each.chunk.text for each in reader.chunks()]
            if len(own) != 1 or not own[0].startswith("version"):
                failures.append(str(own))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in range(1, 60):
        put(store, "a.md", f"version {version}", str(version))
    stop.set()
    for thread in threads:
        thread.join()
    reader.close()
    assert failures == []


def test_a_closed_store_leaves_one_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    put(store, "a.md", "text")
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def _without_the_column(folder: Path) -> None:
    """The record as releases before the column `embedded` wrote it."""
    with sqlite3.connect(folder / FILE_NAME) as record:
        record.execute("ALTER TABLE chunk DROP COLUMN embedded")
    record.close()


def test_a_record_without_the_column_embedded_is_read_and_upgraded_in_place(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    put(store, "a.md", "the old text")
    store.close()
    _without_the_column(tmp_path)

    reader = build(tmp_path, read_only=True)
    [before] = reader.chunks()
    assert before.chunk == Chunk("a.md", 0, "the old text", 0, 12)
    assert reader.fetch([before.key]) == {before.key: before.chunk}
    writer = build(tmp_path)
    new = Chunk("b.md", 0, "[x](y)", 0, 6, embedded="x")
    writer.replace(Document("b.md", "[x](y)", "1"), [new], [np.ones((1, 4), np.float32)])
    expected = [before.chunk, new]
    for opened in (writer, reader):
        assert [each.chunk for each in opened.chunks()] == expected
        opened.close()


def test_text_that_is_embedded_as_it_is_takes_no_place_twice(store: SqliteStore) -> None:
    chunk = Chunk("a.md", 0, "text", 0, 4, embedded="text")
    store.replace(Document("a.md", "text", "1"), [chunk], [np.ones((1, 4), np.float32)])
    assert [each.chunk.embedded for each in store.chunks()] == [None]


def test_a_record_without_the_column_warnings_is_read_and_upgraded_in_place(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    put(store, "a.md", "the old text")
    store.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as record:
        record.execute("ALTER TABLE document DROP COLUMN warnings")
    record.close()

    reader = build(tmp_path, read_only=True)
    [before] = reader.documents()
    assert (before.id, before.chunks, before.warnings) == ("a.md", 1, ())
    writer = build(tmp_path)
    warned = (Warned("garbled", "page 2"),)
    writer.replace(Document("b.md", "text", "1"), [], [], warnings=warned)
    for opened in (writer, reader):
        assert [document.warnings for document in opened.documents()] == [(), warned]
        opened.close()


def test_a_damaged_page_and_rows_without_their_document_are_faults(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    for number in range(50):
        put(store, f"{number}.md", f"text {number} " * 200)
    store._file.connection.execute("PRAGMA foreign_keys = OFF")
    store._file.connection.execute("DELETE FROM document WHERE id IN ('3.md', '4.md')")
    assert [line.rpartition(": ")[2] for line in store.faults()] == [
        "2 rows refer to rows that are not there"
    ]
    store.close()
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    content[5 * 4096 : 5 * 4096 + 3000] = b"\xff" * 3000
    file.write_bytes(content)
    reader = build(tmp_path, read_only=True)
    assert reader.faults()
    assert all(FILE_NAME in line for line in reader.faults())
    reader.close()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("document", "text", "'other text, as long'"),
        ("document", "pages", "'[[2, 0, 5]]'"),
        ("document", "metadata", "'{}'"),
        ("chunk", "start", "1"),
        ("chunk", "page", "9"),
        ("chunk", "heading", "'[\"Other\"]'"),
        ("chunk", "ordinal", "3"),
        ("chunk", "embedded", "'other'"),
        ("chunk", "vectors", "x'01000000000000000000'"),
    ],
)
def test_a_row_that_is_not_what_was_written_is_damage_and_never_another_answer(
    table: str, column: str, value: str, tmp_path: Path
) -> None:
    """SQLite itself would notice none of these."""
    with closing(SqliteStore(tmp_path)) as store:
        chunk = Chunk("a.md", 0, "some text, and more", 0, 19, ("Top",), 1)
        document = Document("a.md", chunk.text, "1", {"title": "A"}, (Page(1, 0, 19),))
        store.replace(document, [chunk], [np.ones((1, 2), dtype=np.float32)])
        [key] = [each.key for each in store.chunks()]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as record, record:
        record.execute(f"UPDATE {table} SET {column} = {value}")  # noqa: S608 - the test's own words
    with closing(SqliteStore(tmp_path, read_only=True)) as store:
        with pytest.raises(IndexDamaged, match=r"a\.md|vectors"):
            _read_all(store)
        if table == "chunk" and column != "vectors":
            with pytest.raises(IndexDamaged, match=r"passage . of the document 'a\.md' is not what was"):
                store.fetch([key])


def _read_all(store: SqliteStore) -> None:
    list(store.chunks())
    store.document("a.md")


def test_vectors_that_are_not_what_was_written_are_not_taken_over(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        chunk = Chunk("a.md", 0, "text", 0, 4)
        store.replace(Document("a.md", "text", "1"), [chunk], [np.ones((1, 2), dtype=np.float32)])
        assert list(store.known(["text"])) == ["text"]
        store._file.connection.execute("UPDATE chunk SET vectors = x'010000000000803f'")
        assert store.known(["text"]) == {}


def test_a_record_without_seals_is_read_and_new_rows_are_sealed(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        put(store, "a.md", "old text")
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as record, record:
        record.execute("ALTER TABLE chunk DROP COLUMN seal")
        record.execute("ALTER TABLE document DROP COLUMN seal")
    with closing(SqliteStore(tmp_path, read_only=True)) as reader:
        assert [each.chunk.text for each in reader.chunks()] == ["old text"]
        with closing(SqliteStore(tmp_path)) as store:
            put(store, "b.md", "new text")
        assert [each.chunk.text for each in reader.chunks()] == ["old text", "new text"]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as record:
        assert [bool(seal) for (seal,) in record.execute("SELECT seal FROM chunk")] == [False, True]


def test_a_record_on_a_read_only_medium_is_read_without_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        put(store, "a.md", "some text")
    monkeypatch.setattr("os.access", lambda *_: False)  # to root every folder seems writable
    with closing(SqliteStore(tmp_path, read_only=True)) as reader:
        assert [each.chunk.text for each in reader.chunks()] == ["some text"]
        assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs a /proc that lists open files")
def test_the_connections_of_threads_that_ended_are_closed(store: SqliteStore, tmp_path: Path) -> None:
    """A service's threads come and go; its store stays as long as nothing is published."""
    put(store, "a.md", "text")
    with closing(SqliteStore(tmp_path, read_only=True)) as reader:
        ask_in_threads(reader, 5)
        before = descriptors()
        ask_in_threads(reader, 50)
        assert descriptors() <= before + 2


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs a /proc that lists open files")
def test_a_store_that_nobody_has_any_more_holds_no_file(store: SqliteStore, tmp_path: Path) -> None:
    """Each generation is read through a store of its own, and nobody tells when the last reader is done."""
    put(store, "a.md", "text")
    newest = SqliteStore(tmp_path, read_only=True)
    gc.disable()
    try:
        before = descriptors()
        for _ in range(50):
            following = SqliteStore(tmp_path, read_only=True)
            ask_in_threads(following, 1)
            newest = following
        assert descriptors() <= before + 8  # SQLite itself keeps some to use again
    finally:
        gc.enable()
        newest.close()


def ask_in_threads(reader: SqliteStore, count: int) -> None:
    for _ in range(count):
        thread = threading.Thread(target=reader.documents)
        thread.start()
        thread.join()


def test_a_path_that_is_no_path_is_the_questions_fault_and_not_the_records(store: SqliteStore) -> None:
    put(store, "a.md", "text")
    with pytest.raises(QuestionError, match="path of the filter is too long"):
        store.select(Filter(paths=("a" * 60_000,)))
    assert len(store.select(Filter(paths=("a.md",)))) == 1
