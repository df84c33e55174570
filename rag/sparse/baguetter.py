"""BMX through baguetter, its arrays kept as plain .npy columns instead of its pickles.

baguetter builds the postings and scores them (Li et al., "BMX: Entropy-weighted Similarity and
Semantic-enhanced Lexical Search", 2024); ours are the files, the order of ties and the care for
questions that share no term with the collection.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.protocols.legs import SparseIndex, TermPart
from rag.sparse._bmx import bmx
from rag.sparse._bmx_exhaustive import best_rows
from rag.types import Mask, Ranking, Rows, Segment, Vectors

_COLUMNS = ("starts", "rows", "frequencies", "idf", "entropy", "lengths", "vocabulary")


class BaguetterIndex:
    """Writes, merges and opens BMX indexes; several segments are built anew as one when they are opened."""

    def write(self, folder: Path, documents: Iterable[Sequence[str]]) -> None:
        """Build over one sequence of terms per row, in row order, and save the columns."""
        for name, column in _columns([list(document) for document in documents]).items():
            np.save(folder / f"sparse-{name}.npy", column, allow_pickle=False)

    def merge(self, folder: Path, segments: Sequence[Segment]) -> None:
        """Build anew over the living rows of `segments`, in their order."""
        self.write(folder, _living(segments))

    def open(self, segments: Sequence[Segment]) -> BaguetterReader:
        """The segments as one collection, read whole into memory."""
        living = [np.delete(np.arange(each.rows), each.deleted) for each in segments]
        bases = np.cumsum([0, *(each.rows for each in segments)])
        rows = np.concatenate(
            [np.zeros(0, dtype=np.int64), *(own + base for own, base in zip(living, bases[:-1], strict=True))]
        )
        alone = len(segments) == 1 and not len(segments[0].deleted)
        return BaguetterReader(
            _read(segments[0].folder) if alone else _columns(list(_living(segments))), rows, int(bases[-1])
        )


class BaguetterReader:
    """Scores questions against one immutable BMX index; column i is over living row `rows[i]` of `size`."""

    def __init__(self, columns: Mapping[str, npt.NDArray[Any]], rows: Rows, size: int) -> None:
        self._vocabulary = {word: number for number, word in enumerate(_words(columns))}
        self._rows = rows
        self._size = size
        self._counts = np.diff(columns["starts"])
        self._index: Any = _bmx(columns, self._vocabulary) if self._vocabulary else None

    def search(self, terms: Sequence[str], depth: int, among: Mask | None = None) -> Ranking:
        """At most `depth` rows with a score > 0, equal scores in row order."""
        scores = self._scores(terms)
        if among is not None:
            scores = np.where(among, scores, np.float32(0.0))
        best = best_rows(scores, depth)
        return Ranking(best, scores[best])

    def score(self, terms: Sequence[str], rows: Sequence[int]) -> Vectors:
        """BMX scores of these rows."""
        return self._scores(terms)[np.asarray(rows, dtype=np.int64)]

    def explain(self, terms: Sequence[str], row: int) -> tuple[TermPart, ...]:
        """What each term that the row holds adds to its score, largest first; the sum is the score.

        baguetter gives sums alone, so its formula is written out here (Li et al., section 3).
        """
        column = np.flatnonzero(self._rows == row)
        times = Counter(term for term in terms if term in self._vocabulary)
        if self._index is None or not times or not len(column):
            return ()
        held = {term: self._frequency(term, int(column[0])) for term in times}
        largest = max(self._posting(term)["entropy"] for term in times)
        relative = {term: float(self._posting(term)["entropy"]) / largest for term in times}
        asked = times.total()
        mean = sum(count * relative[term] for term, count in times.items()) / asked
        similarity = sum(count for term, count in times.items() if held[term]) / asked
        alpha = min(1.5, max(0.5, self._index.avg_doc_len / 100))
        length = float(self._index.relative_doc_lens[int(column[0])])
        beta = 1 / math.log(1 + self._index.n_docs)
        parts = [
            TermPart(
                term,
                times[term] * float(self._posting(term)["idf"]) * tf * (alpha + 1)
                / (tf + alpha * length + alpha * mean),
                times[term] * beta * relative[term] * similarity,
            )
            for term, tf in held.items()
            if tf
        ]  # fmt: skip
        return tuple(
            sorted((each for each in parts if each.score > 0), key=lambda each: (-each.score, each.term))
        )

    def _posting(self, term: str) -> dict[str, Any]:
        posting: dict[str, Any] = self._index.inverted_index[self._vocabulary[term]]
        return posting

    def _frequency(self, term: str, column: int) -> int:
        posting = self._posting(term)
        found = np.flatnonzero(posting["doc_ids"] == column)
        return int(posting["tf"][found[0]]) if len(found) else 0

    def frequencies(self, terms: Sequence[str]) -> Rows:
        """How many living rows hold each of these terms, int64 (len(terms),)."""
        numbers = [self._vocabulary.get(term) for term in terms]
        return np.array([0 if at is None else self._counts[at] for at in numbers], dtype=np.int64)

    def warm(self) -> None:
        """Nothing: its kernel is loaded by the first question."""

    def _scores(self, terms: Sequence[str]) -> Vectors:
        """Float32 (rows,): 0 where no term is shared, and for what baguetter calls not-a-number."""
        scores = np.zeros(self._size, dtype=np.float32)
        known = [self._vocabulary[term] for term in terms if term in self._vocabulary]
        if self._index is None or not known:
            return scores
        values, found = bmx().calculate_scores(np.array(known, dtype=np.int32), self._index, len(self._rows))
        scores[self._rows[found]] = np.nan_to_num(values, nan=0.0)
        return scores


class _Postings(Mapping[int, dict[str, Any]]):
    """baguetter's inverted index as views into the columns, made when a term is asked for."""

    def __init__(self, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        self._columns = columns
        # A term that fills its documents has entropy 0 once rounded. baguetter divides by the largest
        # of the question's entropies: alone such a term would be 0 / 0, and its documents not found.
        self._entropy = np.maximum(columns["entropy"], np.finfo(np.float64).tiny)

    def __getitem__(self, term: int) -> dict[str, Any]:
        start, end = self._columns["starts"][term : term + 2]
        return {
            "doc_ids": self._columns["rows"][start:end],
            "tf": self._columns["frequencies"][start:end],
            "idf": self._columns["idf"][term],
            "entropy": self._entropy[term],
        }

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._columns["idf"])


def _bmx(columns: Mapping[str, npt.NDArray[Any]], vocabulary: dict[str, int]) -> Any:
    lengths = columns["lengths"]
    average = float(np.mean(lengths))
    return bmx().BMX(
        inverted_index=_Postings(columns),
        doc_lens=lengths,
        relative_doc_lens=lengths / average,
        avg_doc_len=average,
        n_docs=len(lengths),
        vocabulary=vocabulary,
    )


def _columns(documents: list[list[str]]) -> dict[str, npt.NDArray[Any]]:
    if not any(documents):  # baguetter cannot build over an empty vocabulary
        return _empty(len(documents))
    index = bmx().build_index(corpus_tokens=documents, n_docs=len(documents), show_progress=False)
    entries = [index.inverted_index[number] for number in range(len(index.vocabulary))]
    counts = [len(entry["doc_ids"]) for entry in entries]
    words = "\n".join(sorted(index.vocabulary, key=lambda word: int(index.vocabulary[word])))
    return {
        "starts": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "rows": np.concatenate([entry["doc_ids"] for entry in entries]).astype(np.int32),
        "frequencies": np.concatenate([entry["tf"] for entry in entries]).astype(np.int32),
        "idf": np.array([entry["idf"] for entry in entries], dtype=np.float32),
        "entropy": np.array([entry["entropy"] for entry in entries], dtype=np.float64),
        "lengths": np.asarray(index.doc_lens, dtype=np.float32).reshape(-1),
        "vocabulary": np.frombuffer(words.encode("utf-8"), dtype=np.uint8),
    }


def _empty(size: int) -> dict[str, npt.NDArray[Any]]:
    return {
        "starts": np.zeros(1, dtype=np.int64),
        "rows": np.zeros(0, dtype=np.int32),
        "frequencies": np.zeros(0, dtype=np.int32),
        "idf": np.zeros(0, dtype=np.float32),
        "entropy": np.zeros(0, dtype=np.float64),
        "lengths": np.zeros(size, dtype=np.float32),
        "vocabulary": np.zeros(0, dtype=np.uint8),
    }


def _read(folder: Path) -> dict[str, npt.NDArray[Any]]:
    return {name: np.load(folder / f"sparse-{name}.npy", allow_pickle=False) for name in _COLUMNS}


def _words(columns: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    return columns["vocabulary"].tobytes().decode("utf-8").split("\n") if len(columns["idf"]) else []


def _living(segments: Sequence[Segment]) -> Iterator[list[str]]:
    """The terms of every living row, which the columns hold in another order."""
    for segment in segments:
        columns = _read(segment.folder)
        documents: list[list[str]] = [[] for _ in range(segment.rows)]
        for term, (start, end) in zip(_words(columns), pairwise(columns["starts"].tolist()), strict=True):
            rows, times = columns["rows"][start:end].tolist(), columns["frequencies"][start:end].tolist()
            for row, tf in zip(rows, times, strict=True):
                documents[row] += [term] * tf
        deleted = set(segment.deleted.tolist())
        yield from (own for row, own in enumerate(documents) if row not in deleted)


def build() -> SparseIndex:
    """The BMX backend; it has no options."""
    return BaguetterIndex()
