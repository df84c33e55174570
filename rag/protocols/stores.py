"""The record and what is published of it: what a store must offer, and an index opened for reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from rag.protocols.legs import DenseReader, SparseReader
from rag.types import Chunk, Document, Filter, Rows, Vectors, Warned


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What the record knows of a living document without its text.

    `source` is its file's full path, `warnings` what was said when it was read.
    """

    id: str
    source: str
    digest: str
    chunks: int
    empty_pages: int
    warnings: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A living chunk with its key in the record and its vectors, float32 (windows, dimension)."""

    key: int
    chunk: Chunk
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the record since a mark: documents put and still living, documents gone, and the
    keys of the chunks of the latter.
    """

    added: tuple[StoredDocument, ...]
    removed: tuple[StoredDocument, ...]
    removed_keys: tuple[int, ...]


class Store(Protocol):
    """The record: documents, chunks and vectors. Each call that changes it is one transaction."""

    def documents(self) -> list[StoredDocument]:
        """The living documents, by id."""
        ...

    def document(self, document_id: str) -> Document | None: ...

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
        """Put a document in place of its last version: all of it or none.

        The i-th of `vectors`, float32 (windows, dimension), are those of `chunks[i]`. Nothing is put where
        making them raises. Raises ValueError where there are more or fewer than chunks.
        """
        ...

    def remove(self, document_ids: Iterable[str]) -> None: ...

    def known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of those of these indexed texts that were embedded before."""
        ...

    def mark(self) -> int:
        """How far the record has come: it grows with every document that is put."""
        ...

    def changes(self, since: int, published: int) -> Changes:
        """What differs from publish number `published`, which was made at mark `since`."""
        ...

    def chunks(self, since: int = 0) -> Iterator[StoredChunk]:
        """Every living chunk put after mark `since`, ordered by document id and ordinal."""
        ...

    def select(self, chosen: Filter) -> list[int]:
        """Keys of the chunks that the filter lets through, retired ones included."""
        ...

    def fetch(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Chunks by key; retired ones stay until `collect`. A missing key is left out."""
        ...

    def places(self, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Document id and ordinal of chunks by key, retired ones too; a missing key is left out."""
        ...

    def settings(self) -> Mapping[str, str]: ...

    def remember(self, name: str, value: str) -> None: ...

    def collect(self, published: int) -> None:
        """After publish number `published`: forget what neither it nor the one before refers to."""
        ...

    def clear(self) -> None:
        """Retire every document and take none of their vectors over."""
        ...

    def faults(self) -> list[str]:
        """What is wrong with the record as a file, a line each; nothing where it is sound."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Published:
    """What readers see of an index.

    `generation` names the content; `number` counts publishes; `state` digests the living documents, `mark`
    is how far the record had come; `terms` is the length of all chunks in terms, `dimension` that of vectors.
    `record` is the identity of a record that lies apart from the search structures, else empty.
    """

    number: int
    generation: str
    state: str
    embedder: str
    made_with: Mapping[str, str]
    dimension: int
    documents: int
    chunks: int
    mark: int
    terms: int = 0
    record: str = ""


class Index(Protocol):
    """A generation opened for reading: both legs, and the chunks that their rows stand for.

    A row is a number of the index's own. What `among` makes of a filter, only its own legs understand.
    """

    @property
    def generation(self) -> str: ...

    @property
    def sparse(self) -> SparseReader: ...

    @property
    def dense(self) -> DenseReader: ...

    def among(self, chosen: Filter) -> Any:
        """The filter as both legs take it; None where it lets everything through."""
        ...

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks of these rows, in their order. Raises IndexReplaced, IndexDamaged."""
        ...

    def first(self, rows: Rows, count: int) -> Rows:
        """The first `count` of these rows by document id and position, without reading their texts."""
        ...

    def documents(self, rows: Rows) -> Rows:
        """Numbers, int64 from 0 up, by which rows of one document are known, see `fusion.document_number`."""
        ...


@runtime_checkable
class SearchingStore(Store, Protocol):
    """A store that searches by itself: nothing is derived from it into files."""

    def published(self) -> Published | None:
        """What readers see, None before the first publish."""
        ...

    def publish(self, coming: Published, changes: Changes) -> None:
        """Make `coming`, whose count of terms is not set, what readers see. `changes` led to it."""
        ...

    def open_index(self) -> Index:
        """What is published, opened for reading. Raises IndexMissing."""
        ...
