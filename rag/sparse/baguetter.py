"""BMX through baguetter, its arrays kept as plain .npy columns instead of its pickles.

baguetter builds the postings and scores them (Li et al., "BMX: Entropy-weighted Similarity and
Semantic-enhanced Lexical Search", 2024); ours are the files, the order of ties and the care for
questions that share no term with the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.protocols import SparseIndex
from rag.sparse._bmx import bmx
from rag.types import Ranking, Rows, Vectors

_COLUMNS = ("starts", "rows", "frequencies", "idf", "entropy", "lengths", "vocabulary")


class BaguetterIndex:
    """Writes and opens BMX indexes."""

    def write(self, folder: Path, documents: Iterable[Sequence[str]]) -> None:
        """Build over one sequence of terms per row, in row order, and save the columns."""
        for name, column in _columns([list(document) for document in documents]).items():
            np.save(folder / f"sparse-{name}.npy", column, allow_pickle=False)

    def open(self, folder: Path) -> BaguetterReader:
        """The index in `folder`, read whole into memory."""
        return BaguetterReader(
            {name: np.load(folder / f"sparse-{name}.npy", allow_pickle=False) for name in _COLUMNS}
        )


class BaguetterReader:
    """Scores questions against one immutable BMX index."""

    def __init__(self, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        words = columns["vocabulary"].tobytes().decode("utf-8").split("\n") if len(columns["idf"]) else []
        self._vocabulary = {word: number for number, word in enumerate(words)}
        self._size = len(columns["lengths"])
        self._index = _bmx(columns, self._vocabulary) if words else None

    def search(self, terms: Sequence[str], depth: int) -> Ranking:
        """At most `depth` rows with a score > 0, equal scores in row order."""
        scores = self._scores(terms)
        best = _largest(scores, depth)
        return Ranking(best, scores[best])

    def score(self, terms: Sequence[str], rows: Sequence[int]) -> Vectors:
        """BMX scores of these rows."""
        return self._scores(terms)[np.asarray(rows, dtype=np.int64)]

    def _scores(self, terms: Sequence[str]) -> Vectors:
        """Float32 (rows,): 0 where no term is shared, and for what baguetter calls not-a-number."""
        scores = np.zeros(self._size, dtype=np.float32)
        known = [self._vocabulary[term] for term in terms if term in self._vocabulary]
        if self._index is None or not known:
            return scores
        values, rows = bmx().calculate_scores(np.array(known, dtype=np.int32), self._index, self._size)
        scores[rows] = np.nan_to_num(values, nan=0.0)
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


def _largest(scores: Vectors, depth: int) -> Rows:
    """Rows of the `depth` largest positive scores, best first, ties in row order."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > depth:
        # Everything from the depth-th score up, ties included, so that row order decides the cut.
        threshold = np.partition(scores[rows], len(rows) - depth)[len(rows) - depth]
        rows = rows[scores[rows] >= threshold]
    order = np.lexsort((rows, -scores[rows]))[:depth]
    best: Rows = rows[order].astype(np.int64)
    return best


def build() -> SparseIndex:
    """The BMX backend; it has no options."""
    return BaguetterIndex()
