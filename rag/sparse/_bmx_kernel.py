"""The compiled search of one segment: the best rows without scoring every posting.

MaxScore (H. Turtle, J. Flood, "Query Evaluation: Strategies and Optimizations", 1995) in windows of
rows. Each term has an upper bound over its blocks; terms that together cannot reach the worst row of
the best ones are not walked, only looked up in rows that other terms found. The bound of what a set of
terms adds is the sum of the terms' bounds plus the similarity of a row that holds all of them.

Bounds are compared with a margin and decide only what is left out; every row that stays is scored in
the order of the exhaustive search, so both give the same bits. Imported only by `warm`: numba takes
longer to import than a small collection takes to be searched. One file on purpose: numba's cache on
disk notices a change of this file, not one of a function or constant that it imports.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

# Those of _bmx_segment, repeated because of numba's cache.
BLOCK = 128
OVERFLOW = 255
WINDOW = 2048  # rows whose frequencies are held at once, (terms, window)
_EXACT = 8 * BLOCK  # postings up to which a bound is taken over each of them
_SEEDED = 1 << 12  # postings up to which a term is asked for a first threshold
_END = np.int64(1) << 40  # beyond every row
_MARGIN = 1.0 + 1e-6  # above the rounding of a score to float32


def _compiled(function: Any) -> Any:
    """Compiled when first called; kept on disk where there is a place to keep it."""
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # numba: no locator available, as in a read-only home
        return numba.njit(nogil=True, error_model="numpy")(function)


@_compiled
def _frequency(tf: Any, overflow_at: Any, overflow_tf: Any, posting: Any) -> Any:
    found = np.int64(tf[posting])
    if found == OVERFLOW:
        return np.int64(overflow_tf[np.searchsorted(overflow_at, np.uint64(posting))])
    return found


@_compiled
def _first_from(rows: Any, start: Any, end: Any, row: Any) -> Any:
    """The first posting in start..end whose row is at least `row`, found by doubling steps."""
    step = 1
    low = start
    while low + step < end and rows[low + step] < row:
        low += step
        step *= 2
    high = min(low + step, end)
    while low < high:
        middle = (low + high) // 2
        if rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@_compiled
def _shares(columns: Any, start: Any, end: Any, slope: Any, offset: Any) -> Any:
    """The share tf / (tf + slope * |D| + offset) of each posting, float64 (end - start,)."""
    rows, tf, overflow_at, overflow_tf, _, _, lengths = columns
    shares = np.empty(end - start)
    for posting in range(start, end):
        t = _frequency(tf, overflow_at, overflow_tf, posting)
        shares[posting - start] = t / (t + (slope * lengths[rows[posting]] + offset))
    return shares


@_compiled
def _upper(columns: Any, start: Any, end: Any, slope: Any, offset: Any) -> Any:
    """The largest share that a term has in a row, 0 for a term that the segment does not hold."""
    if start == end:
        return 0.0
    if end - start <= _EXACT:
        return _shares(columns, start, end, slope, offset).max()
    block_tf, block_length = columns[4], columns[5]
    most = 0.0
    for block in range(start // BLOCK, (end - 1) // BLOCK + 1):
        t = np.int64(block_tf[block])
        most = max(most, t / (t + (slope * block_length[block] + offset)))
    return most


@_compiled
def _sums(upper: Any, query: Any, order: Any) -> Any:
    """What the j terms of the smallest bounds add together, float64 (3, terms + 1)."""
    _, gains, times, _, _, _, _ = query
    sums = np.zeros((3, len(order) + 1))
    for j, term in enumerate(order):
        sums[0, j + 1] = sums[0, j] + upper[term]
        sums[1, j + 1] = sums[1, j] + gains[term]
        sums[2, j + 1] = sums[2, j] + times[term]
    return sums


@_compiled
def _floor(columns: Any, dead: Any, spans: Any, query: Any, depth: Any) -> Any:
    """What the `depth`-th row scores at least: as many have this much of a single term."""
    weights, gains, times, slope, offset, fixed, asked = query
    most = -1.0
    for term in range(len(weights)):
        start, end = spans[term, 0], spans[term, 1]
        if len(dead) == 0 and depth <= end - start <= _SEEDED:
            shares = _shares(columns, start, end, slope, offset)
            least = np.partition(shares, len(shares) - depth)[len(shares) - depth]
            most = max(most, weights[term] * least + (fixed + gains[term]) * times[term] / asked)
    return most / _MARGIN


@_compiled
def _worse(score: Any, row: Any, other_score: Any, other_row: Any) -> Any:
    return score < other_score or (score == other_score and row > other_row)


@_compiled
def _push(scores: Any, rows: Any, size: Any, score: Any, row: Any) -> Any:
    """Into a heap whose root is the worst of the best; returns how many it holds."""
    if size < len(scores):
        at = size
        while at > 0 and _worse(score, row, scores[(at - 1) // 2], rows[(at - 1) // 2]):
            scores[at] = scores[(at - 1) // 2]
            rows[at] = rows[(at - 1) // 2]
            at = (at - 1) // 2
        scores[at] = score
        rows[at] = row
        return size + 1
    if not _worse(scores[0], rows[0], score, row):
        return size
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not _worse(scores[child], rows[child], score, row):
            break
        scores[at] = scores[child]
        rows[at] = rows[child]
        at = child
    scores[at] = score
    rows[at] = row
    return size


@_compiled
def _gather(columns: Any, spans: Any, walked: Any, state: Any) -> Any:
    """Walk the terms `walked` through the next window: its first row and how many rows it touched."""
    rows, tf, overflow_at, overflow_tf, _, _, _ = columns
    window, touched, seen, at, _ = state
    low = _END
    for term in walked:
        if at[term] < spans[term, 1]:
            low = min(low, np.int64(rows[at[term]]))
    found = 0
    for term in walked:
        posting, end = at[term], spans[term, 1]
        while posting < end and rows[posting] < low + WINDOW:
            place = rows[posting] - low
            window[place, term] = _frequency(tf, overflow_at, overflow_tf, posting)
            if seen[place] == 0:
                seen[place] = 1
                touched[found] = place
                found += 1
            posting += 1
        at[term] = posting
    return low, found


@_compiled
def _rank(  # noqa: C901 - one function: calling another for each row costs more than the row
    columns: Any, dead: Any, base: Any, spans: Any, query: Any, bounds: Any, first: Any, state: Any,
    low: Any, found: Any, best: Any, size: Any, threshold: Any,
) -> Any:  # fmt: skip
    """Put the window's rows that reach `threshold` into the heap: its size and threshold then.

    Frequencies of terms order[first:] are in the window; the others are looked up, those that add most
    first, until what is left cannot make up for what is missing.
    """
    rows, tf, overflow_at, overflow_tf, _, _, lengths = columns
    weights, gains, times, slope, offset, fixed, asked = query
    order, sums = bounds
    window, touched, seen, at, until = state
    best_scores, best_rows = best
    terms = len(weights)
    until[:] = -1
    for place in touched[:found]:
        seen[place] = 0
        row = low + place
        divisor = slope * lengths[row] + offset
        score, gain, matched = 0.0, fixed, 0.0
        reached = len(dead) == 0 or dead[row] == 0
        for j in range(terms - 1, -1, -1):
            term = order[j]
            if j < first and reached:
                most = score + sums[0, j + 1]
                most += (gain + sums[1, j + 1]) * (matched + sums[2, j + 1]) / asked
                reached = most * _MARGIN >= threshold
            if not reached:
                break
            if j < first:
                if until[term] < 0:
                    at[term] = _first_from(rows, at[term], spans[term, 1], low)
                    until[term] = _first_from(rows, at[term], spans[term, 1], low + WINDOW)
                posting = _first_from(rows, at[term], until[term], row)
                if posting < until[term] and rows[posting] == row:
                    window[place, term] = _frequency(tf, overflow_at, overflow_tf, posting)
            t = np.int64(window[place, term])
            if t:
                score += weights[term] * (t / (t + divisor))
                gain += gains[term]
                matched += times[term]
        if reached and (score + gain * matched / asked) * _MARGIN >= threshold:
            score, gain = 0.0, fixed  # again, in the order of the exhaustive search
            for term in range(terms):
                t = np.int64(window[place, term])
                if t:
                    score += weights[term] * (t / (t + divisor))
                    gain += gains[term]
            total = np.float32(score + gain * matched / asked)
            if total > 0:
                size = _push(best_scores, best_rows, size, total, base + row)
                if size == len(best_scores):
                    threshold = max(threshold, np.float64(best_scores[0]))
        for term in range(terms):
            window[place, term] = 0
    return size, threshold


@_compiled
def _best(
    columns: Any, dead: Any, base: Any, spans: Any, query: Any, best_scores: Any, best_rows: Any, size: Any
) -> Any:
    """Put the segment's best rows for one question into its heap; returns how many that holds then."""
    weights, _, _, slope, offset, fixed, asked = query
    terms, depth = len(weights), len(best_scores)
    upper = np.empty(terms)
    for term in range(terms):
        upper[term] = weights[term] * _upper(columns, spans[term, 0], spans[term, 1], slope, offset)
    order = np.argsort(upper)
    sums = _sums(upper, query, order)
    window = np.zeros((WINDOW, terms), np.uint32)
    touched, seen = np.empty(WINDOW, np.int64), np.zeros(WINDOW, np.uint8)
    state = (window, touched, seen, spans[:, 0].copy(), np.empty(terms, np.int64))
    best = (best_scores, best_rows)
    threshold = _floor(columns, dead, spans, query, depth)
    if size == depth:
        threshold = max(threshold, np.float64(best_scores[0]))
    first = 0  # the terms order[:first] cannot lift a row to the threshold on their own
    while True:
        while first < terms:
            most = sums[0, first + 1] + (fixed + sums[1, first + 1]) * sums[2, first + 1] / asked
            if most * _MARGIN >= threshold:
                break
            first += 1
        low, found = _gather(columns, spans, order[first:], state)
        if low == _END:
            return size
        size, threshold = _rank(
            columns, dead, base, spans, query, (order, sums), first, state, low, found, best, size, threshold
        )


@_compiled
def best_of_segment(
    columns: Any, dead: Any, base: Any, firsts: Any, spans: Any, values: Any, scalars: Any,
    best_scores: Any, best_rows: Any, sizes: Any,
) -> None:  # fmt: skip
    """Put the segment's best rows for each of n questions into heaps, float32 and int64 (n, depth).

    `sizes`, int64 (n,), is how many each holds, of earlier segments before and of this one too
    afterwards. `base` is added to the segment's rows; `dead`, uint8, is empty where no row is deleted.
    Terms firsts[i] to firsts[i + 1] - 1 are question i's: their postings in this segment are `spans`,
    int64 (terms, 2), their weights, gains and times `values`, three float64 (terms,), and `scalars`,
    float64 (n, 4), is the question's slope, offset, fixed and asked (see `Query`).
    """
    weights, gains, times = values
    for number in range(len(sizes)):
        own = slice(firsts[number], firsts[number + 1])
        row = scalars[number]
        query = (weights[own], gains[own], times[own], row[0], row[1], row[2], row[3])
        sizes[number] = _best(
            columns, dead, base, spans[own], query, best_scores[number], best_rows[number], sizes[number]
        )
