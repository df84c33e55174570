"""The record in one SQLite file (WAL): documents, chunks, vectors and their digests.

A document is stored as immutable versions. Replacing one adds a version and retires the last in a
single transaction; retired rows stay until two generations later, so that a reader of the published
generation still finds the words its hits point at while the next one is being made.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from rag.errors import IndexDamaged, SettingError
from rag.protocols.stores import Changes, Store, StoredChunk, StoredDocument
from rag.stores._seals import BrokenSeal, text_digest
from rag.stores._sqlite_file import SqliteFile
from rag.stores._sqlite_rows import (
    chunk_row,
    insert_document,
    read_chunk,
    read_document,
    read_vectors,
    read_warnings,
    selection,
)
from rag.stores._sqlite_schema import LaterColumns, prepare
from rag.types import Chunk, Document, Filter, Vectors, Warned

T = TypeVar("T")

FILE_NAME = "record.sqlite"
_PER_QUERY = 500  # bound variables in one statement
_MOST_FAULTS = 20


class SqliteStore:
    """One index folder's record. A connection per thread; writers are serialised by the ingest lock."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._file = SqliteFile(folder / FILE_NAME, read_only=read_only)
        self._columns = LaterColumns(self._file)
        try:
            prepare(self._file, read_only=read_only)
        except BaseException:
            self.close()
            raise

    def documents(self) -> list[StoredDocument]:
        """The living documents, by id."""
        return self._documents("d.retired IS NULL")

    def mark(self) -> int:
        """The last version put, living or not."""
        rows = self._file.query("SELECT seq FROM sqlite_sequence WHERE name = 'document'")
        return next((int(last) for (last,) in rows), 0)

    def changes(self, since: int, published: int) -> Changes:
        """What differs from publish number `published`, which was made at mark `since`."""
        gone = "+d.version <= ? AND d.retired >= ?"  # the plus: not by version, of which nearly all are old
        keys = self._file.query(
            f"SELECT key FROM chunk WHERE version IN (SELECT version FROM document d WHERE {gone})",  # noqa: S608
            [since, published],
        )
        return Changes(
            tuple(self._documents("d.version > ? AND d.retired IS NULL", [since])),
            tuple(self._documents(gone, [since, published], "INDEXED BY retired")),
            tuple(sorted(int(key) for (key,) in keys)),
        )

    def _documents(self, which: str, values: Sequence[object] = (), by: str = "") -> list[StoredDocument]:
        rows = self._file.query(
            "SELECT d.id, d.source, d.digest, count(c.key), d.empty_pages, "  # noqa: S608
            f"{self._columns.of('document', 'warnings')} "
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
        for row in self._file.query(
            f"SELECT id, text, digest, metadata, pages, {self._columns.of('document', 'seal')} "  # noqa: S608
            "FROM document WHERE id = ? AND retired IS NULL",
            [document_id],
        ):
            with self._file.translated():
                return read_document(row)
        return None

    def replace(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Iterable[Vectors],
        *,
        source: str = "",
        empty_pages: int = 0,
        warnings: Sequence[Warned] = (),
    ) -> None:
        """Put `document` in place of its last version, in one transaction."""
        with self._file.transaction() as connection:
            self._retire(connection, [document.id])
            # Escaped: a name in a detail need not be valid UTF-8.
            said = json.dumps([(each.kind, each.detail) for each in warnings]) if warnings else None
            version = insert_document(connection, document, source, empty_pages, said)
            connection.executemany(
                "INSERT INTO chunk (version, ordinal, start, end, heading, page, text_digest, vectors, "
                "embedded, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (chunk_row(version, chunk, own) for chunk, own in zip(chunks, vectors, strict=True)),
            )

    def remove(self, document_ids: Iterable[str]) -> None:
        """Retire documents."""
        with self._file.transaction() as connection:
            self._retire(connection, list(document_ids))

    def known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of those of these indexed texts that were embedded before."""
        by_digest = {text_digest(text): text for text in texts}
        found: dict[str, Vectors] = {}
        for part in _parts(list(by_digest)):
            for digest, blob, seal in self._file.query(
                f"SELECT text_digest, vectors, {self._columns.of('chunk', 'seal')} FROM chunk "  # noqa: S608
                f"WHERE text_digest IN ({_marks(part)}) GROUP BY text_digest",
                part,
            ):
                with suppress(BrokenSeal):  # embedded anew
                    found[by_digest[digest]] = read_vectors(blob, seal)
        return found

    def chunks(self, since: int = 0) -> Iterator[StoredChunk]:
        """Every living chunk put after mark `since`, by document id and ordinal."""
        for version, name, text in self._file.query(
            "SELECT version, id, text FROM document WHERE retired IS NULL AND version > ? ORDER BY id",
            [since],
        ):
            for key, blob, *row in self._file.query(
                f"SELECT key, vectors, {self._chunk_columns} FROM chunk WHERE version = ? ORDER BY ordinal",  # noqa: S608
                [version],
            ):
                with self._file.translated():
                    chunk, vectors = read_chunk(name, text, tuple(row)), read_vectors(blob, row[-1])
                yield StoredChunk(key, chunk, vectors)

    def select(self, chosen: Filter) -> list[int]:
        """Keys of the chunks that the filter lets through, retired ones included."""
        where, values = selection(chosen)
        statement = f"SELECT key FROM chunk JOIN document d USING (version) WHERE {where}"  # noqa: S608
        return [int(key) for (key,) in self._file.query(statement, values)]

    def fetch(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Chunks by key; retired ones stay until `collect`. A missing key is left out."""
        rows: list[tuple[Any, ...]] = []
        for part in _parts(list(keys)):
            rows += self._file.query(
                f"SELECT key, version, {self._chunk_columns} FROM chunk WHERE key IN ({_marks(part)})",  # noqa: S608
                part,
            )
        # Each text is read once and cut here: SQLite would count its characters anew for every chunk.
        texts: dict[int, tuple[str, str]] = {}
        for part in _parts(sorted({row[1] for row in rows})):
            statement = f"SELECT version, id, text FROM document WHERE version IN ({_marks(part)})"  # noqa: S608
            texts |= {version: (name, text) for version, name, text in self._file.query(statement, part)}
        with self._file.translated():
            return {
                key: read_chunk(*texts[version], tuple(row))
                for key, version, *row in rows
                if version in texts
            }

    @property
    def _chunk_columns(self) -> str:
        added = f"{self._columns.of('chunk', 'embedded')}, {self._columns.of('chunk', 'seal')}"
        return f"ordinal, start, end, heading, page, {added}"

    def places(self, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Document id and ordinal of chunks by key; a missing key is left out."""
        found: dict[int, tuple[str, int]] = {}
        for part in _parts(list(keys)):
            statement = (
                "SELECT key, id, ordinal FROM chunk JOIN document USING (version) "  # noqa: S608
                f"WHERE key IN ({_marks(part)})"
            )
            found |= {key: (name, ordinal) for key, name, ordinal in self._file.query(statement, part)}
        return found

    def settings(self) -> Mapping[str, str]:
        """What was remembered."""
        return dict(self._file.query("SELECT name, value FROM setting"))

    def remember(self, name: str, value: str) -> None:
        """Keep a setting with the index."""
        with self._file.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", [name, value])

    def collect(self, published: int) -> None:
        """After publish number `published`: forget what neither it nor the one before refers to."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM document WHERE retired < ?", [published - 1])
            connection.execute("INSERT OR REPLACE INTO setting VALUES ('published', ?)", [str(published)])

    def clear(self) -> None:
        """Retire every document and take none of their vectors over."""
        with self._file.transaction() as connection:
            connection.execute("UPDATE chunk SET text_digest = x''")
            names = [name for (name,) in connection.execute("SELECT id FROM document WHERE retired IS NULL")]
            self._retire(connection, names)

    def check(self) -> None:
        """Read every page of the file. Raises IndexDamaged."""
        for (problem,) in self._file.query("PRAGMA quick_check(1)"):
            if problem != "ok":
                raise self._file.damaged(problem)

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file, indexes and references between tables included."""
        try:
            found = [str(line) for (line,) in self._file.query(f"PRAGMA integrity_check({_MOST_FAULTS})")]
            loose = list(self._file.query("PRAGMA foreign_key_check"))
        except IndexDamaged as error:
            return [str(error)]
        lines = [f"{self._file.path}: {line}" for line in found if line != "ok"]
        if loose:
            lines.append(f"{self._file.path}: {len(loose)} rows refer to rows that are not there")
        return lines

    def close(self) -> None:
        """Close every connection; the store cannot be used afterwards."""
        self._file.close()

    def _retire(self, connection: sqlite3.Connection, document_ids: Sequence[str]) -> None:
        row = connection.execute("SELECT value FROM setting WHERE name = 'published'").fetchone()
        published = int(row[0]) if row else 0
        connection.executemany(
            "UPDATE document SET retired = ? WHERE id = ? AND retired IS NULL",
            [(published, name) for name in document_ids],
        )


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
