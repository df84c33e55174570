"""Versions of documents: which of them live, how one takes another's place, and how a change that was cut
short is finished or undone. Only the one writer changes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rag import text
from rag.stores._milvus.address import Row, listed, parts
from rag.stores._milvus.client import Connection
from rag.stores._milvus.numbers import Numbers
from rag.stores._milvus.rows import chunk_row, document_row, piece_rows, vector_rows
from rag.stores._milvus.schema import (
    CHUNK,
    DOCUMENT,
    LIVING,
    PART,
    IndexName,
    create_vectors,
    vector_collections,
    vectors_name,
)
from rag.stores._milvus.settings import collected, published, write_collected
from rag.stores._milvus.terms import TermNumbers, saturated
from rag.stores._milvus.texts import DOCUMENT_FIELDS, pieces_of
from rag.types import Chunk, Document, Vectors, Warned


def keys_of(row: Row) -> range:
    """The keys of a document version's chunks."""
    return range(row["first_chunk"], row["first_chunk"] + row["chunks"])


def versions(connection: Connection, condition: str) -> list[Row]:
    """The documents' rows that fulfil a condition, by version."""
    return list(connection.rows(DOCUMENT, condition, DOCUMENT_FIELDS, "version"))


def living(connection: Connection) -> dict[str, Row]:
    """The rows of the living documents by id: of two versions, an unfinished replacement, the last."""
    return {row["id"]: row for row in versions(connection, f"retired == {LIVING}")}


class Versions:
    """What the writer knows of its own rows, which nobody else changes, and how it changes them."""

    def __init__(self, connection: Connection, index: IndexName) -> None:
        """Finishes or undoes what the last writer left; `index` is that of the vectors. Raises RagError."""
        self._connection = connection
        self._index: IndexName = index
        self._numbers = Numbers(connection)
        self._terms = TermNumbers(connection, self._numbers)
        # None where a change was cut short.
        self._living: dict[str, Row] | None = None
        self._number: int | None = None
        self.living()

    def living(self) -> dict[str, Row]:
        """The rows of the living documents by id."""
        if self._living is None:
            self._mend()
            self._living = living(self._connection)
        return self._living

    def last(self) -> int:
        """The last version put, living or not."""
        return self._numbers.last("version")

    def put(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Sequence[Vectors],
        source: str,
        empty_pages: int,
        warnings: Sequence[Warned],
    ) -> None:
        """A version in place of the last one.

        The chunks come first: by them `_undo` finds the rest. The document's row, last, is the commit.
        """
        living, born = self.living(), self._collected() + 1
        self._living = None
        version = self._numbers.take("version", 1)
        first = self._numbers.take("chunk", len(chunks)) if chunks else 0
        self._put_chunks(version, first, document, chunks, vectors, born)
        self._connection.put(PART, piece_rows(version, document, chunks, warnings))
        row = document_row(version, first, document, chunks, source, empty_pages, warnings, born)
        self._connection.put(DOCUMENT, [row])
        if document.id in living:
            self._retire([living[document.id]])
        living[document.id] = row
        self._living = living

    def remove(self, document_ids: Iterable[str]) -> None:
        """Retire documents."""
        living = self.living()
        self._living = None
        self._retire([living.pop(name) for name in dict.fromkeys(document_ids) if name in living])
        self._living = living

    def collect(self, number: int) -> None:
        """After publish `number`: forget what neither it nor the one before refers to."""
        forgotten = f"retired < {number - 1}"
        for name in (CHUNK, *vector_collections(self._connection)):
            self._connection.delete(name, forgotten)
        for row in versions(self._connection, forgotten):
            self._connection.delete(PART, pieces_of(row["version"]))
        self._connection.delete(DOCUMENT, forgotten)
        self._number = None
        write_collected(self._connection, number)

    def _collected(self) -> int:
        if self._number is None:
            self._number = collected(self._connection)
        return self._number

    def _put_chunks(
        self,
        version: int,
        first: int,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Sequence[Vectors],
        born: int,
    ) -> None:
        counted = [Counter(text.document_terms(chunk)) for chunk in chunks]
        numbers = self._terms.of(term for own in counted for term in own)
        chunk_rows, vectors_rows = list[Row](), list[Row]()
        for key, chunk, own, terms in zip(
            range(first, first + len(chunks)), chunks, vectors, counted, strict=True
        ):
            weights, length = saturated({numbers[term]: tf for term, tf in terms.items()})
            chunk_rows.append(chunk_row(key, version, chunk, document, weights, length, born))
            vectors_rows += vector_rows(key, chunk, document, own, born)
        self._connection.put(CHUNK, chunk_rows)
        if vectors_rows:
            dimension = len(vectors_rows[0]["vector"])
            create_vectors(self._connection, dimension, self._index)
            self._connection.put(vectors_name(dimension), vectors_rows)

    def _retire(self, rows: Sequence[Row]) -> None:
        """The documents' rows first: they decide what lives, and from them the rest can be mended."""
        number = self._collected()
        for row in rows:
            self._connection.put(
                DOCUMENT, [{"version": row["version"], "retired": number}], changed_alone=True
            )
        self._retire_chunks([key for row in rows for key in keys_of(row)], number)

    def _retire_chunks(self, keys: Sequence[int], number: int) -> None:
        for part in parts(keys):
            known = self._connection.get(CHUNK, "key", part, [])
            self._connection.put(
                CHUNK, [{"key": row["key"], "retired": number} for row in known], changed_alone=True
            )
            for name in vector_collections(self._connection):
                windows = self._connection.rows(name, f"key in {listed(part)}", [], "window")
                self._connection.put(
                    name,
                    [{"window": row["window"], "retired": number} for row in windows],
                    changed_alone=True,
                )

    def _mend(self) -> None:
        """Finish what a writer began and did not end: uncommitted rows go, replacements are completed."""
        base = published(self._connection)
        if base and base.number == self._collected() + 1:
            self.collect(base.number)
        number = self._collected()
        every = versions(self._connection, f"retired >= {number}")
        last = {row["id"]: row["version"] for row in every if row["retired"] == LIVING}
        self._retire([row for row in every if row["retired"] == LIVING and row["version"] < last[row["id"]]])
        self._retire_chunks(
            [key for row in every if row["retired"] != LIVING for key in keys_of(row)], number
        )
        committed = {row["version"] for row in every}
        newborn = self._connection.rows(CHUNK, f"born > {number}", ["version"], "key")
        for version in sorted({row["version"] for row in newborn} - committed):
            self._undo(version)

    def _undo(self, version: int) -> None:
        """Remove the rows of a version that was not committed."""
        keys = [row["key"] for row in self._connection.rows(CHUNK, f"version == {version}", [], "key")]
        for part in parts(keys):
            for name in vector_collections(self._connection):
                self._connection.delete(name, f"key in {listed(part)}")
        self._connection.delete(PART, pieces_of(version))
        self._connection.delete(CHUNK, f"version == {version}")
