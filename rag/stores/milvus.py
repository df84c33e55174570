"""The record and both searches in Milvus: a server or cluster, or milvus-lite over a file.

Milvus has no transactions, so safety is a matter of order. Every row says which generations see it. The
new version of a document is written whole, seen by nobody; the row that names it is its commit; then the
old version's rows are told the last generation that sees them. One row says what is published. A writer
that was killed leaves at most rows that nobody sees, and the next one takes them away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from rag import text
from rag.errors import IndexDamaged, IndexMissing, SettingError
from rag.protocols import Changes, Index, Published, SearchingStore, StoredChunk, StoredDocument
from rag.sparse._bmx_formula import VARIANTS
from rag.stores import _milvus_rows as rows_of
from rag.stores._milvus_client import Address, Connection, Row, parts, quoted, require
from rag.stores._milvus_index import MilvusIndex
from rag.stores._milvus_lease import LEASE, Lease
from rag.stores._milvus_numbers import NUMBERS, Numbers
from rag.stores._milvus_rows import CHUNK, CHUNK_FIELDS, DOCUMENT, DOCUMENT_FIELDS, LIVING, PART, SETTING
from rag.stores._milvus_terms import Changed, TermNumbers, saturated
from rag.stores._seals import BrokenSeal, text_digest
from rag.types import Chunk, Document, Filter, Vectors, Warned

IndexName: TypeAlias = Literal["HNSW", "IVF_FLAT", "DISKANN", "FLAT", "AUTOINDEX"]
ConsistencyName: TypeAlias = Literal["Strong", "Bounded", "Session", "Eventually"]

_FORMAT = "1"
_GENERATION = "generation"
_OWN = (_GENERATION, LEASE, NUMBERS)
_DOCUMENTS = 500  # versions whose chunks are asked for at once
# How each index is built and searched unless the settings say otherwise.
_BUILT: Mapping[IndexName, dict[str, Any]] = {
    "HNSW": {"M": 16, "efConstruction": 200},
    "IVF_FLAT": {"nlist": 1024},
    "DISKANN": {},
    "FLAT": {},
    "AUTOINDEX": {},
}
_SEARCHED: Mapping[IndexName, dict[str, Any]] = {
    "HNSW": {"ef": 128},
    "IVF_FLAT": {"nprobe": 64},
    "DISKANN": {"search_list": 128},
    "FLAT": {},
    "AUTOINDEX": {},
}


class MilvusStore:
    """The record, and an index of its own over it. One writer, by a lease; readers as many as there are."""

    def __init__(
        self, address: Address, index: IndexName, candidates: int, *, read_only: bool, start_over: bool
    ) -> None:
        self._address = address
        self._index = index
        self._candidates = candidates
        self._connection = Connection(address)
        self._lease: Lease | None = None
        # What the writer knows of its own rows, which nobody else changes; None where a change was cut short.
        self._known_living: dict[str, Row] | None = None
        self._known_number: int | None = None
        try:
            if start_over and self._format() != _FORMAT:
                self._drop()
            self._check_format(read_only)
            if not read_only:
                rows_of.create(self._connection)
                self._lease = Lease(self._connection)
                self._numbers = Numbers(self._connection)
                self._terms = TermNumbers(self._connection, self._numbers)
                self._living()
        except BaseException:
            self.close()
            raise

    def documents(self) -> list[StoredDocument]:
        """The living documents, by id."""
        found = [rows_of.stored_document(row, self._connection) for row in self._living().values()]
        return sorted(found, key=lambda document: document.id)

    def document(self, document_id: str) -> Document | None:
        """The living version of a document."""
        for row in reversed(self._versions(f"id == {quoted(document_id)} and retired == {LIVING}")):
            with self._translated():
                return rows_of.read_document(row, self._connection)
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
        """Put `document` in place of its last version: the row of `document` is the commit."""
        self._writing().renew()
        living, born = self._living(), self._number + 1
        self._known_living = None
        version = self._numbers.take("version", 1)
        first = self._numbers.take("chunk", len(chunks)) if chunks else 0
        row, pieces = rows_of.document_rows(
            version, first, document, chunks, source, empty_pages, warnings, born
        )
        self._connection.put(PART, pieces)
        self._put_chunks(version, first, document, chunks, vectors, born)
        self._connection.put(DOCUMENT, [row])
        if document.id in living:
            self._retire([living[document.id]])
        living[document.id] = row
        self._known_living = living

    def remove(self, document_ids: Iterable[str]) -> None:
        """Retire documents."""
        self._writing().renew()
        living = self._living()
        self._known_living = None
        self._retire([living.pop(name) for name in dict.fromkeys(document_ids) if name in living])
        self._known_living = living

    def known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of those of these indexed texts that were embedded before."""
        by_digest = {text_digest(each).hex(): each for each in texts}
        keys: dict[int, str] = {}
        for part in parts(list(by_digest)):
            listed = ", ".join(map(quoted, part))
            found = self._connection.rows(CHUNK, f"text_digest in [{listed}]", ["text_digest"], "key")
            keys |= {key: digest for digest, key in {row["text_digest"]: row["key"] for row in found}.items()}
        vectors = self._vectors(list(keys))
        return {by_digest[keys[key]]: own for key, own in vectors.items()}

    def mark(self) -> int:
        """The last version put, living or not."""
        return self._numbers.last("version")

    def changes(self, since: int, published: int) -> Changes:
        """What differs from publish number `published`, which was made at mark `since`."""
        added = [row for row in self._living().values() if row["version"] > since]  # first: it may mend
        gone = self._versions(f"version <= {since} and retired >= {published} and retired < {LIVING}")
        keys = [key for row in gone for key in _keys(row)]

        def stored(rows: Iterable[Row]) -> tuple[StoredDocument, ...]:
            found = [rows_of.stored_document(row, self._connection) for row in rows]
            return tuple(sorted(found, key=lambda document: document.id))

        return Changes(stored(added), stored(gone), tuple(sorted(keys)))

    def chunks(self, since: int = 0) -> Iterator[StoredChunk]:
        """Every living chunk put after mark `since`, by document id and ordinal."""
        documents = [row for row in self._living().values() if row["version"] > since and row["chunks"]]
        for part in parts(sorted(documents, key=lambda row: str(row["id"]))):
            for row in part:
                keys = list(_keys(row))
                found, vectors = self.fetch(keys), self._vectors(keys)
                for key in keys:
                    yield StoredChunk(key, found[key], vectors[key])

    def select(self, chosen: Filter) -> list[int]:
        """Keys of the chunks that the filter lets through, retired ones included."""
        condition = rows_of.condition(chosen) or "key > 0"
        return [row["key"] for row in self._connection.rows(CHUNK, condition, [], "key")]

    def fetch(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Chunks by key; retired ones stay until `collect`. A missing key is left out."""
        found = {row["key"]: row for row in self._connection.get(CHUNK, "key", list(keys), CHUNK_FIELDS)}
        rows = [found[key] for key in keys if key in found]
        with self._translated():
            return dict(
                zip((row["key"] for row in rows), rows_of.read_chunks(rows, self._connection), strict=True)
            )

    def places(self, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Document id and ordinal of chunks by key; a missing key is left out."""
        rows = self._connection.get(CHUNK, "key", list(keys), ["document", "ordinal"])
        return {row["key"]: (row["document"], row["ordinal"]) for row in rows}

    def settings(self) -> Mapping[str, str]:
        """What was remembered; not what the store notes for itself."""
        rows = self._connection.some(SETTING, 'name != ""', ["name", "value"], 16_384)
        return {row["name"]: row["value"] for row in rows if row["name"] not in _OWN}

    def remember(self, name: str, value: str) -> None:
        """Keep a setting with the index."""
        self._connection.put(SETTING, [rows_of.setting_row(name, value)])

    def collect(self, published: int) -> None:
        """After publish number `published`: forget what neither it nor the one before refers to."""
        forgotten = f"retired < {published - 1}"
        for name in (CHUNK, *self._connection.collections("vector_")):
            self._connection.delete(name, forgotten)
        for row in self._versions(forgotten):
            self._connection.delete(PART, rows_of.pieces_of(row["version"]))
        self._connection.delete(DOCUMENT, forgotten)
        self._known_number = None
        self.remember("published", str(published))

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
        found = self._connection.get(SETTING, "name", [_GENERATION], ["value"])
        return Published(**json.loads(found[0]["value"])) if found else None

    def publish(self, coming: Published, changes: Changes) -> None:
        """Make `coming`, whose count of terms is not set, what readers see. `changes` led to it."""
        base = self.published()
        if (
            base
            and base.made_with != coming.made_with
            and any(row["version"] <= base.mark for row in self._living().values())
        ):
            raise SettingError(
                f"the index in Milvus at {self._address} was made with other settings "
                f"({_difference(base.made_with, coming.made_with)}): run `python -m ingest PATH --rebuild`"
            )
        changed = Changed()
        added = [row for row in self._living().values() if row["version"] > (base.mark if base else 0)]
        for sign, keys in ((1, [key for row in added for key in _keys(row)]), (-1, changes.removed_keys)):
            for part in parts(keys):
                changed.count(self._connection.get(CHUNK, "key", part, ["terms", "length"]), sign)
        changed.write(self._connection, coming.number)
        whole = replace(coming, terms=(base.terms if base else 0) + changed.length)
        self._writing().renew()
        self.remember(_GENERATION, json.dumps(asdict(whole)))
        self.collect(coming.number)

    def open_index(self) -> Index:
        """What is published, opened for reading. Raises IndexMissing."""
        published = self.published()
        if published is None:
            raise IndexMissing(
                f"there is no index in Milvus at {self._address}: run `python -m ingest FOLDER` first"
            )
        variant = VARIANTS["baguetter"]
        return MilvusIndex(
            self, self._connection, published, variant, self._candidates, dict(_SEARCHED[self._index])
        )

    @property
    def _number(self) -> int:
        """The last publish."""
        if self._known_number is None or self._lease is None:
            found = self._connection.get(SETTING, "name", ["published"], ["value"])
            self._known_number = int(found[0]["value"]) if found else 0
        return self._known_number

    def _writing(self) -> Lease:
        if self._lease is None:
            raise SettingError("this record was opened for reading")
        return self._lease

    def _versions(self, condition: str) -> list[Row]:
        return list(self._connection.rows(DOCUMENT, condition, DOCUMENT_FIELDS, "version"))

    def _living(self) -> dict[str, Row]:
        """The rows of the living documents by id: of two versions, an unfinished replacement, the last."""
        if self._known_living is not None:
            return self._known_living
        if self._lease is not None:
            self._mend()
        found = {row["id"]: row for row in self._versions(f"retired == {LIVING}")}
        if self._lease is not None:
            self._known_living = found
        return found

    def _put_chunks(
        self,
        version: int,
        first: int,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Sequence[Vectors],
        born: int,
    ) -> None:
        counted = [_counts(text.document_terms(chunk)) for chunk in chunks]
        numbers = self._terms.of(term for own in counted for term in own)
        chunk_rows, vector_rows = list[Row](), list[Row]()
        for key, chunk, own, terms in zip(
            range(first, first + len(chunks)), chunks, vectors, counted, strict=True
        ):
            weights, length = saturated({numbers[term]: tf for term, tf in terms.items()})
            chunk_rows.append(rows_of.chunk_row(key, version, chunk, document, weights, length, born))
            vector_rows += rows_of.vector_rows(key, chunk, document, own, born)
        if vector_rows:
            dimension = len(vector_rows[0]["vector"])
            rows_of.create_vectors(self._connection, dimension, self._index, _BUILT[self._index])
            self._connection.put(rows_of.vectors_name(dimension), vector_rows)
        self._connection.put(CHUNK, chunk_rows)

    def _retire(self, versions: Sequence[Row]) -> None:
        """The documents' rows first: they decide what lives, and from them the rest can be mended."""
        number = self._number
        for row in versions:
            self._connection.put(
                DOCUMENT, [{"version": row["version"], "retired": number}], changed_alone=True
            )
        self._retire_chunks([key for row in versions for key in _keys(row)], number)

    def _retire_chunks(self, keys: Sequence[int], number: int) -> None:
        for part in parts(keys):
            known = self._connection.get(CHUNK, "key", part, [])
            self._connection.put(
                CHUNK, [{"key": row["key"], "retired": number} for row in known], changed_alone=True
            )
            listed = ", ".join(map(str, part))
            for name in self._connection.collections("vector_"):
                windows = self._connection.rows(name, f"key in [{listed}]", [], "window")
                self._connection.put(
                    name,
                    [{"window": row["window"], "retired": number} for row in windows],
                    changed_alone=True,
                )

    def _mend(self) -> None:
        """Finish what a writer began and did not end: uncommitted rows go, replacements are completed."""
        published = self.published()
        if published and published.number == self._number + 1:
            self.collect(published.number)
        number = self._number
        every = self._versions(f"retired >= {number}")
        last = {row["id"]: row["version"] for row in every if row["retired"] == LIVING}
        self._retire([row for row in every if row["retired"] == LIVING and row["version"] < last[row["id"]]])
        self._retire_chunks([key for row in every if row["retired"] != LIVING for key in _keys(row)], number)
        committed = {row["version"] for row in every}
        newborn = self._connection.rows(CHUNK, f"born > {number}", ["version"], "key")
        orphans = sorted({row["version"] for row in newborn} - committed)
        for version in orphans:
            keys = [row["key"] for row in self._connection.rows(CHUNK, f"version == {version}", [], "key")]
            for part in parts(keys):
                listed = ", ".join(map(str, part))
                for name in self._connection.collections("vector_"):
                    self._connection.delete(name, f"key in [{listed}]")
            self._connection.delete(PART, rows_of.pieces_of(version))
            self._connection.delete(CHUNK, f"version == {version}")

    def _vectors(self, keys: Sequence[int]) -> dict[int, Vectors]:
        found: dict[int, list[Any]] = {}
        for name in self._connection.collections("vector_"):
            for part in parts(keys):
                listed = ", ".join(map(str, part))
                for row in self._connection.rows(name, f"key in [{listed}]", ["key", "vector"], "window"):
                    found.setdefault(row["key"], []).append(row["vector"])
        return {key: np.array(own, dtype=np.float32) for key, own in found.items()}

    def _check_format(self, read_only: bool) -> None:
        if not self._connection.has(SETTING):
            if read_only:
                raise IndexMissing(
                    f"there is no index in Milvus at {self._address}: run `python -m ingest FOLDER` first"
                )
            rows_of.create(self._connection)
            self.remember("format", _FORMAT)
        elif (found := self._format()) != _FORMAT:
            raise SettingError(
                f"the collections {self._address.prefix}_* in Milvus at {self._address} were made by another "
                f"version of Lectern (format {found}, this one reads {_FORMAT}): set store.collection to "
                "another name, or run `python -m ingest PATH --rebuild`"
            )

    def _format(self) -> str:
        return self.settings().get("format", _FORMAT) if self._connection.has(SETTING) else _FORMAT

    def _drop(self) -> None:
        for name in self._connection.collections(""):
            self._connection.drop(name)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except BrokenSeal as error:
            raise IndexDamaged(
                f"Milvus at {self._address}: {error}: restore it from a backup, or run "
                "`python -m ingest PATH --rebuild`"
            ) from error


def _keys(row: Row) -> range:
    """The keys of a document version's chunks."""
    return range(row["first_chunk"], row["first_chunk"] + row["chunks"])


def _counts(terms: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return counts


def _difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    names = sorted({name for name in {*old, *new} if old.get(name) != new.get(name)})
    return ", ".join(f"{name}: {old.get(name)} then, {new.get(name)} now" for name in names)


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
