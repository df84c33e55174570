"""One opened segment as the reader sees it: bounds of scores for a search, exact scores for a row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.dense._columns import Columns
from rag.types import Mask, Rows, Vectors

# What four bits leave out of a product with a unit vector deviates by so many steps, for components that
# are distributed normally (Max 1960, table II: the mean square error of 16 levels is .01154, the step
# .3352).
_DEVIATION = math.sqrt(0.01154) / 0.3352
_SINGLE = 1e-5  # what a sum in single precision may be off by, for unit vectors


@dataclass(frozen=True, slots=True)
class Found:
    """Vectors looked at: the row of each, numbered through, its product about and how far that may be off."""

    rows: Rows
    products: Vectors
    margin: float

    def allowed(self, among: Mask | None) -> Found:
        """Those whose row is allowed."""
        if among is None:
            return self
        kept = among[self.rows]
        return Found(self.rows[kept], self.products[kept], self.margin)


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Coded vectors looked at: place, product of the question with the list's centroid, product about."""

    places: Rows
    offsets: Vectors
    products: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A segment whose row 0 is row `first` of the collection, with `size` rows."""

    columns: Columns
    first: int
    size: int

    @property
    def list_sizes(self) -> Rows:
        """Vectors in each list; none where they are not coded."""
        coded = self.columns.coded
        return np.diff(coded.starts) if coded else np.zeros(0, np.int64)

    @property
    def single(self) -> bool:
        """Whether every row has one vector at most."""
        return len(self.columns.offsets) < 2 or int(np.diff(self.columns.offsets).max()) < 2

    def compare(self, query: Vectors, among: Mask | None) -> Found:
        """Every vector's product with `query` float32 (dimension,); `among` is over the collection."""
        counts = np.diff(self.columns.offsets)
        rows = np.repeat(np.arange(self.first, self.first + len(counts)), counts)
        length = float(np.linalg.norm(query))
        return Found(rows, self.columns.vectors @ query, _SINGLE * max(1.0, length)).allowed(among)

    def estimate(self, query: Vectors, lists: Rows, among: Mask | None) -> Estimates:
        """What the signs of the vectors in `lists` tell."""
        from rag.dense._kernel import estimate

        coded = self.columns.coded
        assert coded is not None  # noqa: S101 - only coded segments have lists
        total = int((coded.starts[lists + 1] - coded.starts[lists]).sum())
        places, offsets = np.empty(total, np.int64), np.empty(total, np.float32)
        products = np.empty(total, np.float32)
        allowed = np.zeros(0, np.bool_) if among is None else among[self.first : self.first + self.size]
        bases = coded.centroids[lists] @ query
        count = estimate(
            coded.signs, coded.factors, coded.rows, coded.starts, lists, bases, *_planes(query),
            allowed, places, offsets, products,
        )  # fmt: skip
        return Estimates(places[:count], offsets[:count], products[:count])

    def refine(self, query: Vectors, seen: Estimates, worth: float, deviations: float) -> Found:
        """The products, from four bits a component, of those whose estimate is at least `worth`."""
        from rag.dense._kernel import refine

        coded = self.columns.coded
        assert coded is not None  # noqa: S101 - only coded segments have estimates
        kept = np.flatnonzero(seen.products >= worth)
        places, products = seen.places[kept], np.empty(len(kept), np.float32)
        refine(coded.codes, coded.steps, places, seen.offsets[kept], padded(query), products)
        margin = deviations * _DEVIATION * coded.step * float(np.linalg.norm(query)) + _SINGLE
        return Found(coded.rows[places].astype(np.int64) + self.first, products, margin)

    def best(self, query: Vectors, rows: Rows) -> Vectors:
        """Best inner product of each of these rows of the segment, float32 (len(rows),), 0 without a vector.

        Computed in double precision and rounded to single, so that equal vectors score equally wherever
        they stand.
        """
        scores = np.zeros(len(rows), np.float32)
        known = rows < self.columns.rows
        first = self.columns.offsets[rows[known]].astype(np.int64)
        lengths = self.columns.offsets[rows[known] + 1] - first
        held = lengths > 0
        if not held.any():
            return scores
        starts = np.cumsum(lengths) - lengths
        vectors = self.columns.read(first, lengths)
        products = vectors.astype(np.float64) @ query.astype(np.float64)
        scores[np.flatnonzero(known)[held]] = np.maximum.reduceat(products, starts[held])
        return scores


def padded(query: Vectors) -> Vectors:
    """With zeros up to a whole number of 64 components."""
    return np.pad(query, (0, -len(query) % 64))


def _planes(query: Vectors) -> tuple[npt.NDArray[np.uint64], Vectors]:
    """The components in four bits each, as four planes of bits, and what `estimate` needs to read them."""
    low, high = float(query.min()), float(query.max())
    step = (high - low) / 15 or 1.0
    levels = np.rint((query - low) / step).astype(np.uint8)
    bits = np.pad(levels, (0, -len(levels) % 64))
    planes = np.stack([np.packbits(bits >> k & 1, bitorder="little").view(np.uint64) for k in range(4)])
    return planes, np.array([step, low, step * float(levels.sum()) + low * len(levels)], np.float32)
