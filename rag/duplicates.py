"""Passages that say the same: what sameness is. (`rag.hits.shape` shows each of them once.)

Texts are compared by their shingles, runs of 8 letters and digits, or of 4 characters in a script
written without spaces. White space, case and punctuation do not count. The measure is Jaccard's:
shingles that both have / shingles that either has (Broder, "On the resemblance and containment of
documents", 1997, which also samples them by their hash as is done here).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Codes: TypeAlias = npt.NDArray[np.uint32]
Bounds: TypeAlias = npt.NDArray[np.int64]

# Above it two passages are nearly identical: docs/retrieval.md has what lower ones would cost.
THRESHOLD = 0.8
RUN = 8
_RUN_CJK = 4
_FIRST_CJK = 0x2E80
_SAMPLED = np.uint32(2**32 // 8)  # one shingle in eight stands for all: those of the lowest hashes
_LEAST = 12  # sampled shingles below which an estimate would be a guess: then only equal texts are alike
_ENCODING = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"


def same(texts: Sequence[str], threshold: float = THRESHOLD) -> list[int]:
    """For each text the index of the first it is like: its own where all before it are different.

    Only firsts are compared with, so that a chain of small changes does not make distant texts one.
    """
    codes, bounds = plain(texts)
    sets = _sampled(codes, bounds)
    first: list[int] = []
    exact: dict[bytes, int] = {}
    holders: dict[int, list[int]] = {}  # the firsts that have a shingle
    for row, own in enumerate(sets):
        key = codes[bounds[row] : bounds[row + 1]].tobytes()
        leader = exact.get(key, row) if key else row
        if leader == row and len(own) >= _LEAST:
            leader = _alike(own, sets, holders, threshold, row)
            if leader == row:
                for shingle in own:
                    holders.setdefault(shingle, []).append(row)
        exact.setdefault(key, leader)
        first.append(leader)
    return first


def _alike(
    own: set[int], sets: Sequence[set[int]], holders: Mapping[int, list[int]], threshold: float, row: int
) -> int:
    """The earliest first whose estimated overlap is enough, else `row`."""
    shared = Counter(holder for shingle in own if shingle in holders for holder in holders[shingle])
    near = [
        other for other, both in shared.items() if both >= threshold * (len(own) + len(sets[other]) - both)
    ]
    return min(near, default=row)


def plain(texts: Sequence[str]) -> tuple[Codes, Bounds]:
    """Case-folded letters and digits of all texts in one array, and the bounds of each (n + 1)."""
    folded = [text.casefold() for text in texts]
    lengths = np.fromiter(map(len, folded), np.int64, len(folded))
    whole = np.frombuffer("".join(folded).encode(_ENCODING, "surrogatepass"), np.uint32)
    kept = np.flatnonzero(_counts().take(whole, mode="clip"))
    return whole[kept], np.searchsorted(kept, np.concatenate(([0], np.cumsum(lengths))))


def shingles(codes: Codes) -> tuple[Codes, npt.NDArray[np.uint8]]:
    """The hash of the shingle that starts at each place of `plain` text, and its length.

    Places from which a whole shingle does not fit have the hash of a shorter one: leave them out.
    """
    ideographic = codes >= _FIRST_CJK
    pairs = codes * np.uint32(0x9E3779B1)
    pairs[:-1] += codes[1:]
    four = _joined(pairs, 2)
    eight = _joined(four, 4)
    hashes = np.where(ideographic, four, eight)
    hashes ^= hashes >> np.uint32(15)  # the finish of MurmurHash3: neighbours in text are none in number
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    return hashes, np.where(ideographic, np.uint8(_RUN_CJK), np.uint8(RUN))


def _joined(hashes: Codes, step: int) -> Codes:
    """Hashes of runs twice as long."""
    joined: Codes = hashes * np.uint32(0x85EBCA77)
    joined ^= joined >> np.uint32(16)
    joined[:-step] += hashes[step:]
    return joined


def _sampled(codes: Codes, bounds: Bounds) -> list[set[int]]:
    """The sampled shingles of each text."""
    hashes, runs = shingles(codes)
    at = np.flatnonzero(hashes < _SAMPLED)
    ends = bounds[np.searchsorted(bounds, at, side="right")]
    at = at[at + runs[at] <= ends]
    found = hashes[at].tolist()
    cuts = np.searchsorted(at, bounds).tolist()
    return [set(found[start:end]) for start, end in pairwise(cuts)]


@cache
def _counts() -> npt.NDArray[np.bool_]:
    """Which characters count, by code point up to U+FFFF, which stands for all above it as well."""
    table = np.fromiter((chr(code).isalnum() for code in range(0x10000)), bool, 0x10000)
    table[-1] = True
    return table
