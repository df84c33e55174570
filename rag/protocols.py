"""What a backend must offer. One contract suite per Protocol runs over every backend in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Protocol, TypeAlias, runtime_checkable

from rag.types import (
    Chunk,
    Document,
    Draft,
    Filter,
    Hit,
    Loaded,
    Mask,
    Ranking,
    Rows,
    Segment,
    Vectors,
    Warned,
)

OnText: TypeAlias = Callable[[str], None]
# Earlier (question, answer) pairs of a conversation, oldest first.
History: TypeAlias = Sequence[tuple[str, str]]


class Loader(Protocol):
    """Reads one kind of file."""

    def load(self, path: Path) -> Loaded:
        """Text, pages and warnings of the file. Raises DocumentError with the reason."""
        ...


class Splitter(Protocol):
    """Cuts a document into chunks, in order of where they begin and of where they end.

    A chunk may repeat the end of the one before it; the hits of a search show such text once.
    """

    @property
    def fingerprint(self) -> str:
        """Names every setting that shapes the chunks: another fingerprint, other chunks."""
        ...

    def split(self, document: Document) -> list[Chunk]: ...


class Embedder(Protocol):
    """Turns text into unit vectors; cosine similarity is their inner product."""

    @property
    def fingerprint(self) -> str:
        """Names the model: vectors of two fingerprints never meet in one index."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def device(self) -> str:
        """Where and how it computes, for people: "cpu, bfloat16"."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without the model's special tokens."""
        ...

    def windows(self, text: str) -> list[str]:
        """Pieces of `text` that the model reads whole; together they hold all of it."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Passage vectors, float32 (len(texts), dimension); equal texts give equal vectors."""
        ...

    def encode_few(self, texts: Sequence[str]) -> Vectors:
        """Passage vectors of a few short texts, float32 (len(texts), dimension), as quickly as can be.

        Within rounding those of `encode`: for what is compared at once and not kept.
        """
        ...

    def encode_query(self, text: str) -> Vectors:
        """The question's vector, float32 (dimension,)."""
        ...

    def readable(self, text: str) -> float:
        """Share in [0, 1] of the text's characters that the model's vocabulary knows."""
        ...


class SparseReader(Protocol):
    """Opened segments, searched as one collection of their living rows. Safe to share between threads."""

    def search(self, terms: Sequence[str], depth: int, among: Mask | None = None) -> Ranking:
        """At most `depth` living rows that share a term with the question, scores > 0.

        `among`, bool (rows,), leaves out rows; scores are those of the whole collection all the same.
        """
        ...

    def score(self, terms: Sequence[str], rows: Sequence[int]) -> Vectors:
        """Scores of these rows, float32 (len(rows),), 0 where no term is shared or the row is deleted."""
        ...

    def frequencies(self, terms: Sequence[str]) -> Rows:
        """How many living rows hold each of these terms, int64 (len(terms),)."""
        ...

    def warm(self) -> None:
        """Load what later questions would otherwise wait for: a service's start calls it."""
        ...


@dataclass(frozen=True, slots=True)
class TermPart:
    """What a term of a question adds to a row's sparse score: by how often it stands there and how rare it
    is, and by how much of the question the row holds (BMX's similarity, weighted by the term's entropy).
    """

    term: str
    frequency: float
    similarity: float

    @property
    def score(self) -> float:
        """Both together."""
        return self.frequency + self.similarity


@runtime_checkable
class Explains(Protocol):
    """What a sparse reader may offer besides: a score taken apart."""

    def explain(self, terms: Sequence[str], row: int) -> tuple[TermPart, ...]:
        """What each term adds to the row's score, largest first, then by term: the sum is the score.

        Terms that add nothing are left out; there is nothing of a row that is deleted.
        """
        ...


class SparseIndex(Protocol):
    """Writes, merges and opens the immutable segments of a sparse index.

    The names of its files begin with "sparse-"; a file once written is never changed.
    """

    def write(self, folder: Path, documents: Iterable[Sequence[str]]) -> None:
        """A segment in the existing `folder` over one sequence of terms per row, in row order."""
        ...

    def merge(self, folder: Path, segments: Sequence[Segment]) -> None:
        """Write the living rows of `segments`, in their order, into `folder` as one segment."""
        ...

    def open(self, segments: Sequence[Segment]) -> SparseReader:
        """Raises IndexDamaged if the files cannot be what was written."""
        ...


class DenseReader(Protocol):
    """Opened segments, searched as one collection of their living rows. Safe to share between threads."""

    def search(self, vector: Vectors, depth: int, among: Mask | None = None) -> Ranking:
        """At most `depth` living rows by the best inner product over each row's vectors.

        `among`, bool (rows,), leaves out rows.
        """
        ...

    def score(self, vector: Vectors, rows: Sequence[int]) -> Vectors:
        """Best inner product of each of these rows, float32 (len(rows),), 0 without a vector or deleted."""
        ...


class DenseIndex(Protocol):
    """Writes, merges and opens the immutable segments of a dense index.

    The names of its files begin with "dense-"; a file once written is never changed.
    """

    def write(self, folder: Path, vectors: Vectors, rows: Sequence[int]) -> None:
        """A segment in the existing `folder`.

        `vectors` float32 (n, dimension); `rows[i]`, ascending, is the row that vector i belongs to.
        """
        ...

    def merge(self, folder: Path, segments: Sequence[Segment]) -> None:
        """Write the living rows of `segments`, in their order, into `folder` as one segment."""
        ...

    def open(self, segments: Sequence[Segment]) -> DenseReader:
        """Raises IndexDamaged if the files cannot be what was written."""
        ...


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
        vectors: Sequence[Vectors],
        *,
        source: str = "",
        empty_pages: int = 0,
        warnings: Sequence[Warned] = (),
    ) -> None:
        """Put a document in place of its last version: all of it or none.

        `vectors[i]`, float32 (windows, dimension), are those of `chunks[i]`.
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


class Reranker(Protocol):
    """Reads question and passage together and says how well one answers the other."""

    @property
    def name(self) -> str: ...

    def warm(self) -> None:
        """Load what the first question would otherwise wait for. Raises SettingError."""
        ...

    def score(self, question: str, passages: Sequence[str]) -> Vectors:
        """How relevant each passage is, float32 (len(passages),), more is better, all of them numbers.

        Scores compare within one question only. Raises GeneratorError for a model that fails, SettingError
        for one that cannot be had.
        """
        ...


class Generator(Protocol):
    """Writes the answer from the retrieved passages."""

    @property
    def name(self) -> str: ...

    def warm(self) -> None:
        """Load what the first question would otherwise wait for. Raises SettingError."""
        ...

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """A draft whose markers [n] count `hits` from 1.

        `on_text` gets the text piece by piece while it is written. Joined, the pieces are the draft's
        text, but nothing in them has been checked yet, and a draft of another text replaces them. Once
        `cancelled` is set, from any thread, the model stops within a token. Raises GeneratorError,
        SettingError for a model that cannot be loaded, Cancelled.
        """
        ...


@runtime_checkable
class Rewriter(Protocol):
    """What a generator may offer besides: its model makes a follow-up stand on its own."""

    def rewrite(self, question: str, history: History, *, cancelled: Event | None = None) -> str:
        """`question` as one that needs no `history` to be understood; empty if the model wrote none.

        Raises as `Generator.generate` does.
        """
        ...
