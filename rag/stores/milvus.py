"""The record and both searches in Milvus: a server or cluster, or milvus-lite over a file.

Milvus has no transactions, so safety is a matter of order. Every row says which generations see it. The
new version of a document is written whole, seen by nobody; the row that names it is its commit; then the
old version's rows are told the last generation that sees them. One row says what is published. A writer
that was killed leaves at most rows that nobody sees, and the next one takes them away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from rag.errors import IndexDamaged, SettingError
from rag.protocols.stores import Changes, Index, Published, SearchingStore, StoredChunk, StoredDocument
from rag.sparse._bmx_formula import VARIANTS
from rag.stores._milvus import schema
from rag.stores._milvus import settings as noted
from rag.stores._milvus.address import Address, Row, quoted
from rag.stores._milvus.client import Connection, require
from rag.stores._milvus.filter import condition
from rag.stores._milvus.index import MilvusIndex
from rag.stores._milvus.layout import missing, prepare
from rag.stores._milvus.lease import Lease
from rag.stores._milvus.publishing import publish
from rag.stores._milvus.schema import CHUNK, LIVING, IndexName
from rag.stores._milvus.texts import CHUNK_FIELDS, read_chunks, read_document, stored_document
from rag.stores._milvus.vectors import known_vectors, vectors_of
from rag.stores._milvus.versions import Versions, keys_of, living, versions
from rag.stores._seals import BrokenSeal
from rag.types import Chunk, Document, Filter, Vectors, Warned

ConsistencyName: TypeAlias = Literal["Strong", "Bounded", "Session", "Eventually"]


class MilvusStore:
    """The record, and an index of its own over it. One writer, by a lease; readers as many as there are."""

    def __init__(
        self, address: Address, index: IndexName, candidates: int, *, read_only: bool, start_over: bool
    ) -> None:
        """Raises SettingError, IndexBusy for a second writer, IndexMissing for a reader of nothing."""
        self._address = address
        self._index: IndexName = index
        self._candidates = candidates
        self._connection = Connection(address)
        self._lease: Lease | None = None
        self._versions: Versions | None = None
        try:
            prepare(self._connection, writing=not read_only, start_over=start_over)
            if not read_only:
                self._lease = Lease(self._connection)
                self._versions = Versions(self._connection, index)
        except BaseException:
            self.close()
            raise

    def documents(self) -> list[StoredDocument]:
        """The living documents, by id."""
        return self._stored(self._living().values())

    def document(self, document_id: str) -> Document | None:
        """The living version of a document."""
        rows = versions(self._connection, f"id == {quoted(document_id)} and retired == {LIVING}")
        if not rows:
            return None
        with self._translated():
            return read_document(rows[-1], self._connection)

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
        """Put `document` in place of its last version: the row of `document` is the commit."""
        # Making them may take longer than the lease holds: it is looked at when they are there.
        made = list(vectors)
        self._writing().put(document, chunks, made, source, empty_pages, warnings)

    def remove(self, document_ids: Iterable[str]) -> None:
        """Retire documents."""
        self._writing().remove(document_ids)

    def known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of those of these indexed texts that were embedded before."""
        return known_vectors(self._connection, texts)

    def mark(self) -> int:
        """The last version put, living or not."""
        return self._writing().last()

    def changes(self, since: int, published: int) -> Changes:
        """What differs from publish number `published`, which was made at mark `since`."""
        added = [row for row in self._living().values() if row["version"] > since]  # first: it may mend
        gone = versions(
            self._connection, f"version <= {since} and retired >= {published} and retired < {LIVING}"
        )
        keys = [key for row in gone for key in keys_of(row)]
        return Changes(tuple(self._stored(added)), tuple(self._stored(gone)), tuple(sorted(keys)))

    def chunks(self, since: int = 0) -> Iterator[StoredChunk]:
        """Every living chunk put after mark `since`, by document id and ordinal."""
        documents = [row for row in self._living().values() if row["version"] > since and row["chunks"]]
        for row in sorted(documents, key=lambda row: str(row["id"])):
            keys = list(keys_of(row))
            found, vectors = self.fetch(keys), vectors_of(self._connection, keys)
            for key in keys:
                yield StoredChunk(key, found[key], vectors[key])

    def select(self, chosen: Filter) -> list[int]:
        """Keys of the chunks that the filter lets through, retired ones included."""
        found = self._connection.rows(CHUNK, condition(chosen) or "key > 0", [], "key")
        return [row["key"] for row in found]

    def fetch(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Chunks by key; retired ones stay until `collect`. A missing key is left out."""
        found = {row["key"]: row for row in self._connection.get(CHUNK, "key", list(keys), CHUNK_FIELDS)}
        rows = [found[key] for key in keys if key in found]
        with self._translated():
            read = read_chunks(rows, self._connection)
            return dict(zip((row["key"] for row in rows), read, strict=True))

    def places(self, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Document id and ordinal of chunks by key; a missing key is left out."""
        rows = self._connection.get(CHUNK, "key", list(keys), ["document", "ordinal"])
        return {row["key"]: (row["document"], row["ordinal"]) for row in rows}

    def settings(self) -> Mapping[str, str]:
        """What was remembered; not what the store notes for itself."""
        return noted.settings(self._connection)

    def remember(self, name: str, value: str) -> None:
        """Keep a setting with the index."""
        noted.remember(self._connection, name, value)

    def collect(self, published: int) -> None:
        """After publish number `published`: forget what neither it nor the one before refers to."""
        self._writing().collect(published)

    def clear(self) -> None:
        """Retire every document and take none of their vectors over."""
        self.remove(list(self._living()))
        while found := self._connection.some(CHUNK, 'text_digest != ""', ["key"], 1000):
            changed = [{"key": row["key"], "text_digest": ""} for row in found]
            self._connection.put(CHUNK, changed, changed_alone=True)

    def faults(self) -> list[str]:
        """Living documents whose passages are not all there."""
        lines = []
        for row in self._living().values():
            found = self._connection.count(CHUNK, f"version == {row['version']} and retired == {LIVING}")
            if found != row["chunks"]:
                lines.append(
                    f"{self._address}: {row['id']}: {found} of its {row['chunks']} passages are there"
                )
        return lines

    def close(self) -> None:
        """End the lease and let the connection go."""
        if self._lease:
            self._lease.end()
        self._connection.close()

    def published(self) -> Published | None:
        """What readers see, None before the first publish."""
        return noted.published(self._connection)

    def publish(self, coming: Published, changes: Changes) -> None:
        """Make `coming`, whose count of terms is not set, what readers see. `changes` led to it."""
        versions = self._writing()
        assert self._lease is not None  # noqa: S101 - a writer has one
        publish(self._connection, versions, coming, changes, self._lease.renew)

    def open_index(self) -> Index:
        """What is published, opened for reading. Raises IndexMissing."""
        published = self.published()
        if published is None:
            raise missing(self._address)
        effort = dict(schema.SEARCHED[self._index])
        variant = VARIANTS["baguetter"]
        return MilvusIndex(self, self._connection, published, variant, self._candidates, effort)

    def _writing(self) -> Versions:
        """The versions, to be changed. Raises SettingError for a reader, IndexBusy if the lease was lost."""
        if self._lease is None or self._versions is None:
            raise SettingError("this record was opened for reading")
        self._lease.renew()
        return self._versions

    def _living(self) -> dict[str, Row]:
        return living(self._connection) if self._versions is None else self._versions.living()

    def _stored(self, rows: Iterable[Row]) -> list[StoredDocument]:
        found = [stored_document(row, self._connection) for row in rows]
        return sorted(found, key=lambda document: document.id)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except BrokenSeal as error:
            raise IndexDamaged(
                f"Milvus at {self._address}: {error}: restore it from a backup, or run "
                "`python -m ingest PATH --rebuild`"
            ) from error


def build(
    folder: Path,
    read_only: bool = False,
    start_over: bool = False,
    uri: str = "",
    collection: str = "lectern",
    token: str = "",
    database: str = "default",
    index: IndexName = "HNSW",
    consistency: ConsistencyName = "Strong",
    candidates: int = 4,
    timeout: float = 30.0,
) -> SearchingStore:
    """The record and its searches in Milvus at `uri`: a file (empty: milvus.db in `folder`) or an address.

    The names of its collections begin with `collection`. `index` is that of the vectors; `candidates`
    passages are scored exactly for each sparse result asked for; `timeout` in seconds. With `start_over`
    collections of another version of Lectern are dropped.
    """
    require()
    if not collection.isascii() or not collection.isidentifier():
        raise SettingError(f"store.collection = {collection!r}: letters, digits and _ alone, a letter first")
    address = Address(uri or str(folder / "milvus.db"), collection, token, database, consistency, timeout)
    return MilvusStore(address, index, candidates, read_only=read_only, start_over=start_over)
