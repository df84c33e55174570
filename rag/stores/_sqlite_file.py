"""The record's file: a connection for each thread, transactions, and what a failure of SQLite's means."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from rag.errors import IndexBusy, IndexDamaged, QuestionError, RagError, SettingError
from rag.stores._seals import BrokenSeal


class _Held:
    """A thread's connection, closed when the thread ends or the file is let go.

    A connection of sqlite3's refers to itself: unless it is closed, its file descriptors wait for the
    garbage collector, which may not come for as long as a service has little to do.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class SqliteFile:
    """One database file in WAL mode; safe to share between threads."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self._read_only = read_only
        self._own = threading.local()
        self._open: WeakSet[_Held] = WeakSet()

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection, opened when first asked for. Raises RagError."""
        held: _Held | None = getattr(self._own, "held", None)
        if held is None:
            with self.translated():
                held = self._connect()
            self._own.held = held
            self._open.add(held)
        return held.connection

    def query(self, statement: str, values: Sequence[object] = ()) -> Generator[tuple[Any, ...]]:
        """The rows that a statement gives. Raises RagError."""
        with self.translated():
            # `yield from` would close the cursor of one who stopped reading, which a closed file refuses.
            for row in self.connection.execute(statement, values):  # noqa: UP028
                yield row

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written within, or nothing. Raises RagError."""
        connection = self.connection
        with self.translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Here a failure of SQLite's, or a broken seal, is a RagError that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise self._failure(error) from error
        except UnicodeDecodeError as error:  # SQLite's message quotes the damaged bytes
            raise self.damaged("its schema is malformed") from error
        except (sqlite3.DatabaseError, BrokenSeal) as error:
            raise self.damaged(error) from error

    def damaged(self, reason: object) -> IndexDamaged:
        """What a person is told of a record that cannot be read."""
        return IndexDamaged(
            f"{self.path}: {reason}: restore it from a copy, or run "
            f"`python -m ingest PATH --index {self.path.parent} --rebuild`"
        )

    def close(self) -> None:
        """Close every connection; the file cannot be used afterwards."""
        for held in list(self._open):
            held.connection.close()
        self._open.clear()

    def _connect(self) -> _Held:
        mode = "mode=ro" if self._read_only else "mode=rwc"
        if self._read_only and self._is_sealed():
            mode = "immutable=1"
        name = f"{self.path.absolute().as_uri()}?{mode}"
        held = _Held(sqlite3.connect(name, uri=True, check_same_thread=False, timeout=10.0))
        held.connection.isolation_level = None
        held.connection.execute("PRAGMA foreign_keys = ON")
        if not self._read_only:
            held.connection.execute("PRAGMA journal_mode = WAL")
            held.connection.execute("PRAGMA synchronous = FULL")
            # What is forgotten may have held a password; not every build overwrites it of itself.
            held.connection.execute("PRAGMA secure_delete = ON")
        return held

    def _is_sealed(self) -> bool:
        """Whether nobody can be writing: a folder on a read-only medium, everything in the one file.

        There SQLite cannot make the -shm file through which readers and a writer know of each other.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        return self.path.exists() and not log.exists() and not os.access(self.path.parent, os.W_OK)

    def _failure(self, error: sqlite3.OperationalError) -> RagError:
        said = str(error)
        if "full" in said:
            return RagError(f"{self.path}: the disk is full: free space and run this again")
        if "disk I/O" in said:
            reason = "the disk fails, or a limit on files is reached"
            return RagError(f"{self.path}: {reason}: free space or look at the disk, and run this again")
        if "locked" in said:
            return IndexBusy(f"{self.path}: another process holds the record: try again")
        if "readonly" in said:  # a record in WAL mode needs its -shm file beside it
            return SettingError(
                f"{self.path}: reading needs write permission on the folder as well: "
                "grant it, or use a copy of the folder"
            )
        if "unable to open" in said and self.path.exists():
            return RagError(
                f"{self.path} cannot be opened: check the rights on it and the limit on open files"
            )
        if "pattern too complex" in said:
            return QuestionError("a path of the filter is too long: name a folder, or part of it with *")
        return self.damaged(error)
