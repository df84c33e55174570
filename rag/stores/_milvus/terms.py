"""Terms in Milvus: their numbers, their statistics, and passages as sparse vectors.

A passage's weight for a term is fixed when it is written, tf / (tf + SLOPE * |D| + OFFSET): BMX's own
saturation for a collection of 100 terms a passage. By it candidates are found; since it gives back tf
exactly, they are then scored by BMX itself, from statistics kept per term and refreshed by each publish.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.sparse._bmx_formula import TermStatistics, entropy_units
from rag.stores._milvus.address import Row, listed
from rag.stores._milvus.client import Connection
from rag.stores._milvus.numbers import Numbers
from rag.stores._milvus.schema import NOTHING, TERM
from rag.stores._seals import text_digest
from rag.types import Rows

SLOPE, OFFSET = 0.01, 0.8
_FINE = 36  # bits of an entropy's second number: see rag/sparse/_bmx_formula.py
_READ = 10_000  # terms asked for at once: each call looks through all of them
_KEPT = 200_000  # terms whose numbers a writer remembers
_NO_TERM = 0  # no term's number: a sparse vector may not be empty, and a passage may have no terms
_FIELDS = ("term", "since", "df", "entropy", "old_df", "old_entropy")


@dataclass(frozen=True, slots=True)
class KnownTerm:
    """A term of the collection: its number in sparse vectors and its statistics in one generation."""

    number: int
    statistics: TermStatistics


def saturated(counts: Mapping[int, int]) -> tuple[dict[int, float], int]:
    """Weights of a passage's terms by their numbers, and |D|."""
    length = sum(counts.values())
    weights = {term: tf / (tf + SLOPE * length + OFFSET) for term, tf in counts.items()}
    return weights or {_NO_TERM: 0.5}, length


def frequencies(weights: Mapping[int, float], length: int) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Terms by number, and the tf that `saturated` made their weights of, whole numbers."""
    numbers = np.fromiter(weights.keys(), dtype=np.int64, count=len(weights))
    own = np.fromiter(weights.values(), dtype=np.float64, count=len(weights))
    counts: npt.NDArray[np.float64] = np.rint((SLOPE * length + OFFSET) * own / (1.0 - own))
    return numbers[numbers != _NO_TERM], counts[numbers != _NO_TERM]


def known_terms(connection: Connection, terms: Iterable[str], number: int) -> dict[str, KnownTerm]:
    """Those of `terms` that generation `number` holds, in their order."""
    digests = {text_digest(term).hex(): term for term in terms}
    found = {row["digest"]: row for row in connection.get(TERM, "digest", list(digests), _FIELDS)}
    known: dict[str, KnownTerm] = {}
    for digest, term in digests.items():
        row = found.get(digest)
        if row is None:
            continue
        df, entropy = _at(row, number)
        if df:
            known[term] = KnownTerm(row["term"], _statistics(df, entropy))
    return known


def _at(row: Row, number: int) -> tuple[int, int]:
    """The df and the entropy as generation `number` knows them."""
    new = row["since"] <= number
    return (row["df"], int(row["entropy"])) if new else (row["old_df"], int(row["old_entropy"]))


def _statistics(df: int, entropy: int) -> TermStatistics:
    return TermStatistics(df, entropy >> _FINE, entropy & ((1 << _FINE) - 1))


class TermNumbers:
    """Gives terms their numbers: one writer, each number once."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        self._numbers = numbers
        self._connection = connection
        self._known: dict[str, int] = {}
        # Whether there are no others: at the first ingest nothing has to be looked up.
        self._knows_all = not connection.some(TERM, 'digest != ""', [], 1)
        self._lock = threading.Lock()

    def of(self, terms: Iterable[str]) -> dict[str, int]:
        """The numbers of `terms`, given now to those that have none."""
        with self._lock:
            wanted = set(terms)
            if len(self._known) > _KEPT:
                self._known, self._knows_all = {}, False
            if not self._knows_all:
                self._look_up(sorted(wanted - self._known.keys()))
            self._give(sorted(wanted - self._known.keys()))
            return {term: self._known[term] for term in wanted}

    def _look_up(self, terms: Sequence[str]) -> None:
        digests = {text_digest(term).hex(): term for term in terms}
        for row in self._connection.get(TERM, "digest", list(digests), ["term"]):
            self._known[digests[row["digest"]]] = row["term"]

    def _give(self, terms: Sequence[str]) -> None:
        if not terms:
            return
        first = self._numbers.take("term", len(terms))
        given = dict(zip(terms, range(first, first + len(terms)), strict=True))
        self._connection.put(TERM, [_new(term, number) for term, number in given.items()])
        self._known |= given


def _new(term: str, number: int) -> Row:
    return {"digest": text_digest(term).hex(), "term": number, **_counts(0, (0, 0), (0, 0))}


def _counts(since: int, new: tuple[int, int], old: tuple[int, int]) -> Row:
    return {
        "since": since,
        "df": new[0],
        "entropy": str(new[1]),
        "old_df": old[0],
        "old_entropy": str(old[1]),
        "nothing": NOTHING,
    }


class Changed:
    """What passages that came and went add to the statistics."""

    def __init__(self) -> None:
        self.length = 0
        self._df: Counter[int] = Counter()
        self._entropy: Counter[int] = Counter()

    def count(self, rows: Iterable[Row], sign: int) -> None:
        """Passages with `terms` and `length`; `sign` is 1 for those that came and -1 for those that went."""
        for row in rows:
            self.length += sign * row["length"]
            terms, counts = frequencies(row["terms"], row["length"])
            coarse_units, fine_units = entropy_units(counts.astype(np.int64))
            units = zip(coarse_units.tolist(), fine_units.tolist(), strict=True)
            for number, (coarse, fine) in zip(terms.tolist(), units, strict=True):
                self._df[number] += sign
                self._entropy[number] += sign * ((coarse << _FINE) + fine)

    def write(self, connection: Connection, number: int) -> None:
        """Make the statistics those of generation `number`, which is not published yet.

        Earlier generations go on reading the ones before. Writing them again, after an attempt that was
        cut short, gives the same.
        """
        _take_back(connection, number)
        changed = sorted(term for term in self._df if self._df[term] or self._entropy[term])
        for start in range(0, len(changed), _READ):
            part = changed[start : start + _READ]
            rows = connection.some(TERM, f"term in {listed(part)}", ["digest", *_FIELDS], len(part))
            connection.put(TERM, [self._refreshed(row, number) for row in rows])

    def _refreshed(self, row: Row, number: int) -> Row:
        old = row["df"], int(row["entropy"])
        new = old[0] + self._df[row["term"]], old[1] + self._entropy[row["term"]]
        return {"digest": row["digest"], "term": row["term"], **_counts(number, new, old)}


def _take_back(connection: Connection, number: int) -> None:
    """Undo what an unfinished publish wrote: a change it saw may have been changed back since."""
    while True:
        rows = connection.some(TERM, f"since >= {number}", ["digest", *_FIELDS], _READ)
        if not rows:
            return
        old = [(row["old_df"], int(row["old_entropy"])) for row in rows]
        connection.put(
            TERM,
            [
                {"digest": row["digest"], "term": row["term"], **_counts(0, each, each)}
                for row, each in zip(rows, old, strict=True)
            ],
        )
