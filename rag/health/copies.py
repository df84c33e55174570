"""Documents that say the same, found among all documents of an index without comparing all pairs.

Each text becomes a signature of fixed size: a digest of its letters and digits, and a MinHash sketch
made with one hash function (Li, Owen and Zhang, "One permutation hashing", 2012): the shingles are
dealt into bins by their hash, and the smallest of each bin is kept. The share of bins that agree
estimates the Jaccard overlap of two texts. Candidates are documents that agree in all bins of a band
(Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.duplicates import RUN, plain, shingles

# Measured on copies with edited words, in both languages: at .5 nothing unrelated is called near (the
# likest are .41 apart), and copies with 5 % of their words edited are found at .98 and better.
THRESHOLD = 0.5
_BINS = 128
_BAND = 4  # bins; 32 bands find an overlap of .5 with 87 %, of .6 with 98.8 %
_BIN_SHIFT = 25  # 32 bits - 7 bits of the bin's number
_EMPTY = 0xFFFFFFFF
_DIGEST = 16
_FILLED = 2  # bins of a band that must hold a shingle: one alone says little of a short text
_BLOCK = 16_384  # pairs compared at once
_PIECE = 1 << 20  # characters of a text looked at together, with some 30 bytes for each
_SHORT = 32  # characters that count; shorter texts are never called near to another
_NOTHING = hashlib.blake2b(digest_size=_DIGEST).digest()
SIGNATURE_BYTES = _DIGEST + 4 * _BINS


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A document and the earlier one it repeats; `similarity` is 1 and `exact` where the texts are equal.

    Equal is but for white space, case and punctuation.
    """

    id: str
    of: str
    similarity: float
    exact: bool

    @property
    def warning(self) -> tuple[str, str, str]:
        """Document, kind and detail, as the report has them."""
        if self.exact:
            return self.id, "duplicate", f"is the same text as {self.of}"
        return self.id, "near_duplicate", f"is {self.similarity:.0%} the same text as {self.of}"


def signature(text: str) -> bytes:
    """The signature of a text, SIGNATURE_BYTES long; all texts without a letter or digit have the same."""
    digest, counted = hashlib.blake2b(digest_size=_DIGEST), 0
    smallest = np.full(_BINS, _EMPTY, "<u4")
    codes = np.zeros(0, np.uint32)
    for at in range(0, len(text), _PIECE):
        new, _ = plain([text[at : at + _PIECE]])
        digest.update(new.tobytes())
        counted += len(new)
        # Shingles that end in a piece may begin in the one before.
        codes = np.concatenate([codes[1 - RUN :], new])
        smallest = np.minimum(smallest, _smallest(codes))
    if counted < _SHORT:
        smallest[:] = _EMPTY
    return digest.digest() + smallest.tobytes()


def _smallest(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """The smallest hash of each bin."""
    found = np.full(_BINS, _EMPTY, "<u4")
    hashes, runs = shingles(codes)
    whole = np.unique(hashes[np.arange(len(codes)) + runs <= len(codes)])
    bins, firsts = np.unique(whole >> np.uint32(_BIN_SHIFT), return_index=True)
    found[bins] = whole[firsts]
    return found


def says_nothing(signed: bytes) -> bool:
    """Whether this is the signature of a text without a letter or digit."""
    return signed[:_DIGEST] == _NOTHING


def duplicates(signatures: Iterable[tuple[str, bytes]], threshold: float = THRESHOLD) -> Iterator[Duplicate]:
    """Every document that repeats one before it, in the order given, with the one it is most like.

    Linear in memory (about 2 kB a document) and nearly so in time: a document is compared with
    the first of each band it agrees with, not with all. `threshold` is a Jaccard overlap, 0 to 1.
    """
    ids, digests, sketches = _table(signatures)
    first: dict[bytes, int] = {}
    leader = [first.setdefault(digest, row) for row, digest in enumerate(digests)]
    rows = np.array([row for row in range(len(ids)) if leader[row] == row and digests[row] != _NOTHING], int)
    near = {
        int(rows[later]): (int(rows[earlier]), similarity)
        for later, (earlier, similarity) in _nearest(sketches[rows], threshold).items()
    }
    for row, of in enumerate(leader):
        if of != row:
            if digests[row] != _NOTHING:
                yield Duplicate(ids[row], ids[of], 1.0, exact=True)
        elif row in near:
            earlier, similarity = near[row]
            yield Duplicate(ids[row], ids[earlier], similarity, exact=False)


def groups(found: Iterable[Duplicate]) -> list[list[str]]:
    """The documents that belong together, each group with the one that came first in front."""
    home: dict[str, list[str]] = {}
    for each in found:
        group = home.setdefault(each.of, [each.of])
        group.append(each.id)
        home[each.id] = group
    return list({id(group): group for group in home.values()}.values())


def _table(
    signatures: Iterable[tuple[str, bytes]],
) -> tuple[list[str], list[bytes], npt.NDArray[np.uint32]]:
    ids: list[str] = []
    digests: list[bytes] = []
    sketches = bytearray()
    for name, signed in signatures:
        ids.append(name)
        digests.append(signed[:_DIGEST])
        sketches += signed[_DIGEST:]
    return ids, digests, np.frombuffer(sketches, "<u4").reshape(-1, _BINS)


def _nearest(sketches: npt.NDArray[np.uint32], threshold: float) -> dict[int, tuple[int, float]]:
    """For each row the earlier row it is most like and how much, where that is at least `threshold`."""
    best: dict[int, tuple[int, float]] = {}
    for start in range(0, _BINS, _BAND):
        later, earlier = _agreeing(sketches[:, start : start + _BAND])
        for block in range(0, len(later), _BLOCK):
            rows, others = later[block : block + _BLOCK], earlier[block : block + _BLOCK]
            similarity = _similarity(sketches[rows], sketches[others])
            for at in np.flatnonzero(similarity >= threshold).tolist():
                row, other, value = int(rows[at]), int(others[at]), float(similarity[at])
                if (row not in best) or (value, -other) > (best[row][1], -best[row][0]):
                    best[row] = (other, value)
    return best


def _agreeing(band: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of an equal band, each with the first such row and with the one just before it."""
    filled = np.flatnonzero((band != _EMPTY).sum(axis=1) >= _FILLED)
    keys = np.ascontiguousarray(band[filled]).view(f"V{4 * _BAND}").ravel()
    _, inverse = np.unique(keys, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ranked = inverse[order]
    repeats = np.flatnonzero(ranked[1:] == ranked[:-1]) + 1
    starts = np.concatenate(([True], ranked[1:] != ranked[:-1])) if len(ranked) else np.zeros(0, bool)
    opening = np.maximum.accumulate(np.where(starts, np.arange(len(ranked)), 0)) if len(ranked) else ranked
    later = np.concatenate((order[repeats], order[repeats]))
    earlier = np.concatenate((order[opening[repeats]], order[repeats - 1]))
    return filled[later], filled[earlier]


def _similarity(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """Bins that agree / bins that are filled on either side, row by row."""
    either = (one != _EMPTY) | (other != _EMPTY)
    equal = (one == other) & either
    estimate: npt.NDArray[np.float64] = equal.sum(axis=1) / np.maximum(either.sum(axis=1), 1)
    return estimate
