"""The compiled loops that compare a question with codes.

Imported only where codes are searched: numba takes longer to import than a small index to be searched.
One file without imports of ours on purpose: numba's cache on disk knows no other file's changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import numba
import numpy as np
from numba.extending import intrinsic


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    compiler: Any = numba.njit
    options = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    try:
        compiled = compiler(cache=True, **options)(function)
    except RuntimeError:  # numba: no locator available, as in a read-only home
        compiled = compiler(**options)(function)

    @wraps(function)
    def called(*arguments: Any) -> Any:
        try:
            return compiled(*arguments)
        except OSError:  # the disk takes no compiled file: it is in memory all the same
            return compiled(*arguments)

    return cast(Callable[..., Any], called)


def _bits_set(_context: Any, _word: Any) -> Any:
    """Bits set in an uint64, by the processor's own instruction."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.uint64(numba.uint64), generate


_ones: Any = intrinsic(_bits_set)


@_compiled
def estimate(
    signs: Any,
    factors: Any,
    rows: Any,
    starts: Any,
    lists: Any,
    bases: Any,
    planes: Any,
    line: Any,
    allowed: Any,
    places: Any,
    offsets: Any,
    products: Any,
) -> int:
    """Inner products of a question with the vectors of `lists`, from their signs alone.

    `planes` uint64 (4, words) are the bits of the question's components in four bits, `line` float32 (3,)
    what one of them is worth, what none is worth, and the components' sum; `bases` float32 (lists,) its
    product with each list's centroid. Writes place, base and estimate of each vector whose row is
    allowed (bool (rows,), all if empty) and returns how many there are.
    """
    words = planes.shape[1]
    every = len(allowed) == 0
    longest = 0
    for at in range(len(lists)):
        longest = max(longest, starts[lists[at] + 1] - starts[lists[at]])
    sums = np.empty(longest, np.uint64)  # low half: of the levels, high half: of the signs
    count = 0
    for at in range(len(lists)):
        first = starts[lists[at]]
        size = starts[lists[at] + 1] - first
        sums[:size] = 0
        for j in range(words):
            own = signs[first * words + j * size : first * words + (j + 1) * size]
            p0, p1, p2, p3 = planes[0, j], planes[1, j], planes[2, j], planes[3, j]
            for i in range(size):
                word = own[i]
                low = _ones(word & p0) + (_ones(word & p1) << np.uint64(1))
                high = _ones(word & p2) + (_ones(word & p3) << np.uint64(1))
                sums[i] += low + (high << np.uint64(2)) + (_ones(word) << np.uint64(32))
        base = bases[at]
        for i in range(size):
            levels = np.float32(np.int32(sums[i] & np.uint64(0xFFFFFFFF)))
            held = np.float32(np.int32(sums[i] >> np.uint64(32)))
            twice = np.float32(2) * (levels * line[0] + held * line[1])
            places[count + i] = first + i
            offsets[count + i] = base
            products[count + i] = base + factors[first + i] * (twice - line[2])
        if every:
            count += size
            continue
        for i in range(count, count + size):
            if allowed[rows[places[i]]]:
                places[count], offsets[count], products[count] = places[i], base, products[i]
                count += 1
    return count


@_compiled
def refine(codes: Any, steps: Any, places: Any, offsets: Any, query: Any, products: Any) -> None:
    """Inner products of `query` float32 (2 * bytes,) with the four-bit codes at `places`.

    The low half of byte j codes component j, the high half component bytes + j.
    """
    half = codes.shape[1]
    middle = np.float32(0)
    for j in range(2 * half):
        middle += query[j]
    middle *= np.float32(7.5)
    for at in range(len(places)):
        i = places[at]
        product = np.float32(0)
        for j in range(half):
            byte = codes[i, j]
            product += np.float32(byte & np.uint8(15)) * query[j]
            product += np.float32(byte >> np.uint8(4)) * query[half + j]
        products[at] = offsets[at] + steps[i] * (product - middle)
