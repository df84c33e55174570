"""The record's tables, and the columns that a record of an earlier release does not have."""

from __future__ import annotations

import sqlite3

from rag.errors import SettingError
from rag.stores._sqlite_file import SqliteFile

_FORMAT = 1
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


def prepare(file: SqliteFile, *, read_only: bool) -> None:
    """Make the tables that are not there, unless the file is only read.

    Raises SettingError, before a table is touched, for the record of another version; IndexDamaged.
    """
    new = not read_only and not list(file.query("SELECT 1 FROM sqlite_schema LIMIT 1"))
    found = None if new else dict(file.query("SELECT name, value FROM setting")).get("format")
    if not new and found != str(_FORMAT):
        raise SettingError(
            f"{file.path}: made by another version of Lectern (format {found}, this one reads "
            f"{_FORMAT}): run `python -m ingest PATH --index {file.path.parent} --rebuild`"
        )
    if read_only:
        return
    with file.translated():
        file.connection.executescript(_SCHEMA)
    with file.transaction() as connection:
        for table, column in _ADDED:
            if not _has(connection, table, column):
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")


class LaterColumns:
    """The columns of `_ADDED` as a reader may ask for them."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._known: set[tuple[str, str]] = set()

    def of(self, table: str, column: str) -> str:
        """The column's name; NULL in a record that only readers have opened since there is such a column.

        Asked anew until it is there: a writer may upgrade the record while this reader is open.
        """
        if (table, column) not in self._known:
            with self._file.translated():
                if not _has(self._file.connection, table, column):
                    return "NULL"
            self._known.add((table, column))
        return column


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in connection.execute(f"PRAGMA table_info({table})"))
