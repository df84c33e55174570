"""The sparse leg asked for a wording: the question and what is added to it, each with its weight.

Query augmentation as in Li et al., "BMX: Entropy-weighted Similarity and Semantic-enhanced Lexical Search",
2024, section 3.3: score(Q) + sum of w_i * score(A_i). Rows are candidates that the question or an addition
finds; all of them get the whole sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from rag.expansion.wording import Wording
from rag.protocols.legs import Explains, SparseReader, TermPart
from rag.search.rankings import complete
from rag.types import Mask, Ranking, Vectors


def found(
    sparse: SparseReader, wording: Wording, depth: int, among: Mask | None = None, sample: int = 0
) -> Ranking:
    """The best rows, all that tie with the last of them included, see `rankings.complete`."""
    asked = [wording.terms, *(added.terms for added in wording.added)]
    lists = [
        complete(lambda wanted, terms=terms: sparse.search(terms, wanted, among), depth, sample)  # type: ignore[misc]
        for terms in asked
    ]
    if len(lists) == 1:
        return lists[0]
    rows = np.unique(np.concatenate([each.rows for each in lists]))
    scores = score(sparse, wording, rows.tolist())
    order = np.lexsort((rows, -scores))
    return Ranking(rows[order], scores[order])


def score(sparse: SparseReader, wording: Wording, rows: Sequence[int]) -> Vectors:
    """Scores of these rows, float32 (len(rows),)."""
    total = sparse.score(wording.terms, rows)
    for added in wording.added:
        total = total + np.float32(added.weight) * sparse.score(added.terms, rows)
    return total


def explain(sparse: Explains, wording: Wording, row: int) -> tuple[TermPart, ...]:
    """What each term adds to the row's score, largest first, then by term: the sum is the score."""
    if not wording.added:
        return sparse.explain(wording.terms, row)
    frequency: dict[str, float] = defaultdict(float)
    similarity: dict[str, float] = defaultdict(float)
    for terms, weight in [(wording.terms, 1.0), *((each.terms, each.weight) for each in wording.added)]:
        for part in sparse.explain(terms, row):
            frequency[part.term] += weight * part.frequency
            similarity[part.term] += weight * part.similarity
    parts = [TermPart(term, frequency[term], similarity[term]) for term in frequency]
    return tuple(sorted(parts, key=lambda part: (-part.score, part.term)))
