"""Pseudo-relevance feedback: what the best passages of a first search say, searched for as well.

The terms that most of them hold and few others do are added as a question of their own, in BMX's weighted
form (Li et al., "BMX: Entropy-weighted Similarity and Semantic-enhanced Lexical Search", 2024, section 3.3).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag import text
from rag.expansion.wording import Added, Wording
from rag.types import Chunk, Rows

_TERMS = 10
# What all of them count against the question's own terms, see docs/retrieval.md.
_WEIGHT = 0.1


def with_feedback(
    wording: Wording, passages: Sequence[Chunk], frequencies: Callable[[Sequence[str]], Rows]
) -> Wording:
    """The wording with terms of these passages.

    A term counts by how many of them hold it times the logarithm of how rare it is, the most frequent of
    their terms standing for the size of the collection. Of several passages two must hold it.
    """
    held = Counter(term for passage in passages for term in set(text.terms(passage.indexed_text)))
    least = min(2, len(passages))
    candidates = sorted(term for term, count in held.items() if count >= least)
    if not candidates or not wording.terms:
        return wording
    known = dict(zip(candidates, frequencies(candidates).tolist(), strict=True))
    most = 1 + max(known.values())
    own = set(wording.terms)
    value = {term: held[term] * math.log(most / df) for term, df in known.items() if df and term not in own}
    best = tuple(sorted(value, key=lambda term: (-value[term], term))[:_TERMS])
    if not best:
        return wording
    weight = _WEIGHT * len(wording.terms) / len(best)
    return replace(wording, added=(*wording.added, Added(best, weight, "feedback")))
