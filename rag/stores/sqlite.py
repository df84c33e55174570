"""The record in one SQLite file (WAL): documents, chunks, vectors and their digests.

A document is stored as immutable versions. Replacing one adds a version and retires the last in a
single transaction; retired rows stay until two generations later, so that a reader of the published
generation still finds the words its hits point at while the next one is being made.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from rag.errors import IndexBusy, IndexDamaged, RagError, SettingError
from rag.protocols.stores import Changes, Store, StoredChunk, StoredDocument
from rag.stores._seals import BrokenSeal, text_digest
from rag.stores._sqlite_rows import (
    chunk_row,
    document_row,
    read_chunk,
    read_document,
    read_vectors,
    read_warnings,
    selection,
)
from rag.types import Chunk, Document, Filter, Vectors, Warned

T = TypeVar("T")

FILE_NAME = "record.sqlite"
_FORMAT = 1
_PER_QUERY = 500  # bound variables in one statement
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS document (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL,
    metadata TEXT NOT NULL, pages TEXT NOT NULL, empty_pages INTEGER NOT NULL,
    warnings TEXT,  -- NULL where there were none
    seal TEXT,  -- digest of what a reader sees of the row, as in chunk
    retired INTEGER  -- NULL while living, else the publish before which it was replaced
);
CREATE UNIQUE INDEX IF NOT EXISTS living ON document (id) WHERE retired IS NULL;
CREATE INDEX IF NOT EXISTS retired ON document (retired) WHERE retired IS NOT NULL;
CREATE TABLE IF NOT EXISTS chunk (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL REFERENCES document (version) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    heading TEXT NOT NULL, page INTEGER,
    text_digest BLOB NOT NULL, vectors BLOB NOT NULL,
    embedded TEXT,  -- NULL where it is the text itself
    seal TEXT,
    UNIQUE (version, ordinal)
);
CREATE INDEX IF NOT EXISTS text_digest ON chunk (text_digest);
INSERT OR IGNORE INTO setting VALUES ('format', '{_FORMAT}');
COMMIT;
"""  # noqa: S608 - the one value put in is a number of ours
# Columns that earlier releases did not have: table and name.
_ADDED = (("chunk", "embedded"), ("chunk", "seal"), ("document", "warnings"), ("document", "seal"))
_MOST_FAULTS = 20


class SqliteStore:
    """One index folder's record. A connection per thread; writers are serialised by the ingest lock."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._file = folder / FILE_NAME
        self._read_only = read_only
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._columns: set[tuple[str, str]] = set()
        try:
            self._check_format()
            if not read_only:
                with self._translated():
                    self._connection.executescript(_SCHEMA)
                self._upgrade()
        except BaseException:
            self.close()
            raise

    def documents(self) -> list[StoredDocument]:
        """The living documents, by id."""
        return self._documents("d.retired IS NULL")

    def mark(self) -> int:
        """The last version put, living or not."""
        rows = self._query("SELECT seq FROM sqlite_sequence WHERE name = 'document'")
        return next((int(last) for (last,) in rows), 0)

    def changes(self, since: int, published: int) -> Changes:
        """What differs from publish number `published`, which was made at mark `since`."""
        gone = "+d.version <= ? AND d.retired >= ?"  # the plus: not by version, of which nearly all are old
        keys = self._query(
            f"SELECT key FROM chunk WHERE version IN (SELECT version FROM document d WHERE {gone})",  # noqa: S608
            [since, published],
        )
        return Changes(
            tuple(self._documents("d.version > ? AND d.retired IS NULL", [since])),
            tuple(self._documents(gone, [since, published], "INDEXED BY retired")),
            tuple(sorted(int(key) for (key,) in keys)),
        )

    def _documents(self, which: str, values: Sequence[object] = (), by: str = "") -> list[StoredDocument]:
        rows = self._query(
            "SELECT d.id, d.source, d.digest, count(c.key), d.empty_pages, "  # noqa: S608
            f"{self._added('document', 'warnings')} "
            f"FROM document d {by} LEFT JOIN chunk c USING (version) WHERE {which} "
            "GROUP BY d.version ORDER BY d.id",
            values,
        )
        return [
            StoredDocument(name, source, digest, chunks, empty_pages, read_warnings(warnings))
            for name, source, digest, chunks, empty_pages, warnings in rows
        ]

    def document(self, document_id: str) -> Document | None:
        """The living version of a document."""
        for row in self._query(
            f"SELECT id, text, digest, metadata, pages, {self._added('document', 'seal')} "  # noqa: S608
            "FROM document WHERE id = ? AND retired IS NULL",
            [document_id],
        ):
            with self._translated():
                return read_document(row)
        return None

    def replace(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Sequence[Vectors],
        *,
        source: str = "",
        empty_pages: int = 0,
        warnings: Sequence[Warned] = (),
    ) -> None:
        """Put `document` in place of its last version, in one transaction."""
        with self._transaction() as connection:
            self._retire(connection, [document.id])
            # Escaped: a name in a detail need not be valid UTF-8.
            said = json.dumps([(each.kind, each.detail) for each in warnings]) if warnings else None
            version = connection.execute(
                "INSERT INTO document (id, text, digest, metadata, pages, seal, source, empty_pages, "
                "warnings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*document_row(document), source, empty_pages, said),
            ).lastrowid
            connection.executemany(
                "INSERT INTO chunk (version, ordinal, start, end, heading, page, text_digest, vectors, "
                "embedded, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (chunk_row(version, chunk, own) for chunk, own in zip(chunks, vectors, strict=True)),
            )

    def remove(self, document_ids: Iterable[str]) -> None:
        """Retire documents."""
        with self._transaction() as connection:
            self._retire(connection, list(document_ids))

    def known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of those of these indexed texts that were embedded before."""
        by_digest = {text_digest(text): text for text in texts}
        found: dict[str, Vectors] = {}
        for part in _parts(list(by_digest)):
            for digest, blob, seal in self._query(
                f"SELECT text_digest, vectors, {self._added('chunk', 'seal')} FROM chunk "  # noqa: S608
                f"WHERE text_digest IN ({_marks(part)}) GROUP BY text_digest",
                part,
            ):
                with suppress(BrokenSeal):  # embedded anew
                    found[by_digest[digest]] = read_vectors(blob, seal)
        return found

    def chunks(self, since: int = 0) -> Iterator[StoredChunk]:
        """Every living chunk put after mark `since`, by document id and ordinal."""
        for version, name, text in self._query(
            "SELECT version, id, text FROM document WHERE retired IS NULL AND version > ? ORDER BY id",
            [since],
        ):
            for key, blob, *row in self._query(
                f"SELECT key, vectors, {self._chunk_columns} FROM chunk WHERE version = ? ORDER BY ordinal",  # noqa: S608
                [version],
            ):
                with self._translated():
                    chunk, vectors = read_chunk(name, text, tuple(row)), read_vectors(blob, row[-1])
                yield StoredChunk(key, chunk, vectors)

    def select(self, chosen: Filter) -> list[int]:
        """Keys of the chunks that the filter lets through, retired ones included."""
        where, values = selection(chosen)
        statement = f"SELECT key FROM chunk JOIN document d USING (version) WHERE {where}"  # noqa: S608
        return [int(key) for (key,) in self._query(statement, values)]

    def fetch(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Chunks by key; retired ones stay until `collect`. A missing key is left out."""
        rows: list[tuple[Any, ...]] = []
        for part in _parts(list(keys)):
            rows += self._query(
                f"SELECT key, version, {self._chunk_columns} FROM chunk WHERE key IN ({_marks(part)})",  # noqa: S608
                part,
            )
        # Each text is read once and cut here: SQLite would count its characters anew for every chunk.
        texts: dict[int, tuple[str, str]] = {}
        for part in _parts(sorted({row[1] for row in rows})):
            statement = f"SELECT version, id, text FROM document WHERE version IN ({_marks(part)})"  # noqa: S608
            texts |= {version: (name, text) for version, name, text in self._query(statement, part)}
        with self._translated():
            return {
                key: read_chunk(*texts[version], tuple(row))
                for key, version, *row in rows
                if version in texts
            }

    @property
    def _chunk_columns(self) -> str:
        added = f"{self._added('chunk', 'embedded')}, {self._added('chunk', 'seal')}"
        return f"ordinal, start, end, heading, page, {added}"

    def places(self, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Document id and ordinal of chunks by key; a missing key is left out."""
        found: dict[int, tuple[str, int]] = {}
        for part in _parts(list(keys)):
            statement = (
                "SELECT key, id, ordinal FROM chunk JOIN document USING (version) "  # noqa: S608
                f"WHERE key IN ({_marks(part)})"
            )
            found |= {key: (name, ordinal) for key, name, ordinal in self._query(statement, part)}
        return found

    def settings(self) -> Mapping[str, str]:
        """What was remembered."""
        return dict(self._query("SELECT name, value FROM setting"))

    def remember(self, name: str, value: str) -> None:
        """Keep a setting with the index."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", [name, value])

    def collect(self, published: int) -> None:
        """After publish number `published`: forget what neither it nor the one before refers to."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM document WHERE retired < ?", [published - 1])
            connection.execute("INSERT OR REPLACE INTO setting VALUES ('published', ?)", [str(published)])

    def clear(self) -> None:
        """Retire every document and take none of their vectors over."""
        with self._transaction() as connection:
            connection.execute("UPDATE chunk SET text_digest = x''")
            names = [name for (name,) in connection.execute("SELECT id FROM document WHERE retired IS NULL")]
            self._retire(connection, names)

    def check(self) -> None:
        """Read every page of the file. Raises IndexDamaged."""
        for (problem,) in self._query("PRAGMA quick_check(1)"):
            if problem != "ok":
                raise self._damaged(problem)

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file, indexes and references between tables included."""
        try:
            found = [str(line) for (line,) in self._query(f"PRAGMA integrity_check({_MOST_FAULTS})")]
            loose = list(self._query("PRAGMA foreign_key_check"))
        except IndexDamaged as error:
            return [str(error)]
        lines = [f"{self._file}: {line}" for line in found if line != "ok"]
        if loose:
            lines.append(f"{self._file}: {len(loose)} rows refer to rows that are not there")
        return lines

    def close(self) -> None:
        """Close every connection; the store cannot be used afterwards."""
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _retire(self, connection: sqlite3.Connection, document_ids: Sequence[str]) -> None:
        row = connection.execute("SELECT value FROM setting WHERE name = 'published'").fetchone()
        published = int(row[0]) if row else 0
        connection.executemany(
            "UPDATE document SET retired = ? WHERE id = ? AND retired IS NULL",
            [(published, name) for name in document_ids],
        )

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._translated():
                connection = self._connect()
            self._local.connection = connection
            self._open.append(connection)
        return connection

    def _connect(self) -> sqlite3.Connection:
        mode = "mode=ro" if self._read_only else "mode=rwc"
        if self._read_only and self._is_sealed():
            mode = "immutable=1"
        connection = sqlite3.connect(
            f"{self._file.absolute().as_uri()}?{mode}", uri=True, check_same_thread=False, timeout=10.0
        )
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        if not self._read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _is_sealed(self) -> bool:
        """Whether nobody can be writing: a folder on a read-only medium, everything in the one file.

        There SQLite cannot make the -shm file through which readers and a writer know of each other.
        """
        log = self._file.with_name(f"{FILE_NAME}-wal")
        return self._file.exists() and not log.exists() and not os.access(self._file.parent, os.W_OK)

    def _check_format(self) -> None:
        """Before a table is touched: another version's record is left as it is."""
        new = not self._read_only and not list(self._query("SELECT 1 FROM sqlite_schema LIMIT 1"))
        if not new and (found := self.settings().get("format")) != str(_FORMAT):
            raise SettingError(
                f"{self._file}: made by another version of Lectern (format {found}, this one reads "
                f"{_FORMAT}): run `python -m ingest PATH --index {self._file.parent} --rebuild`"
            )

    def _upgrade(self) -> None:
        """Give a record of an earlier release the columns it lacks; its rows are not touched."""
        with self._transaction() as connection:
            for table, column in _ADDED:
                if not _has(connection, table, column):
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")

    def _added(self, table: str, column: str) -> str:
        """A column of `_ADDED`, or NULL in a record that was opened by readers alone since it came.

        Asked anew until it is there: a writer may upgrade the record while this reader is open.
        """
        if (table, column) not in self._columns:
            with self._translated():
                if not _has(self._connection, table, column):
                    return "NULL"
            self._columns.add((table, column))
        return column

    def _query(self, statement: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        with self._translated():
            yield from self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        with self._translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise RagError(f"{self._file}: the disk is full: free space and run this again") from error
            if "disk I/O" in str(error):
                reason = "the disk fails, or a limit on files is reached"
                raise RagError(f"{self._file}: {reason}: free space and run this again") from error
            if "locked" in str(error):
                raise IndexBusy(f"{self._file}: another process holds the record: try again") from error
            if "readonly" in str(error):  # a record in WAL mode needs its -shm file beside it
                raise SettingError(
                    f"{self._file}: reading needs write permission on the folder as well: "
                    "grant it, or use a copy of the folder"
                ) from error
            if "unable to open" in str(error) and self._file.exists():
                raise RagError(
                    f"{self._file} cannot be opened: check the rights on it and the limit on open files"
                ) from error
            raise self._damaged(error) from error
        except UnicodeDecodeError as error:  # SQLite's message quotes the damaged bytes
            raise self._damaged("its schema is malformed") from error
        except (sqlite3.DatabaseError, BrokenSeal) as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> IndexDamaged:
        return IndexDamaged(
            f"{self._file}: {reason}: restore it from a copy, or run "
            f"`python -m ingest PATH --index {self._file.parent} --rebuild`"
        )


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in connection.execute(f"PRAGMA table_info({table})"))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _PER_QUERY):
        yield values[start : start + _PER_QUERY]


def build(folder: Path, read_only: bool = False, start_over: bool = False) -> Store:
    """The record in `folder`; read-only for those who only ask.

    With `start_over` a record that cannot be read is put aside under another name first.
    """
    if start_over:
        try:
            with closing(SqliteStore(folder)) as store:
                store.check()
        except (IndexDamaged, SettingError):
            _put_aside(folder)
    return SqliteStore(folder, read_only=read_only)


def _put_aside(folder: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file = folder / f"{FILE_NAME}{suffix}"
        if file.exists():
            file.replace(folder / f"damaged-{FILE_NAME}{suffix}")
