"""The two legs of a search: what a sparse and a dense index must offer, and their readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from rag.types import Mask, Ranking, Rows, Segment, Vectors


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
