"""What one search did, noted while it does it, so that an explanation tells what happened and not what
another computation would have done. A search that is given no trace notes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rag.expansion.wording import Wording
from rag.fusion import Evidence
from rag.hits.shape import Shaped
from rag.sections import FusionName
from rag.types import Hit, Mask, Ranking, Rows, Variants, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """What both legs found of `rows` and said of each; `depth` of each leg were candidates."""

    rows: Rows
    sparse: Evidence
    dense: Evidence
    fusion: FusionName
    weight: float
    depth: int


@dataclass(slots=True)
class Trace:
    """The stages of one search; None and empty where it had no such stage.

    `among` are the rows that the filter let through, `trusted` how far the question's vector counted,
    `embedded` what was embedded, `rows` and `scores` the candidates as they were ranked,
    `support` what in those scores other candidates of the same document added.
    """

    wording: Wording | None = None
    among: Mask | None = None
    embedded: str = ""
    vector: Vectors | None = None
    trusted: float = 0.0
    sparse: Ranking | None = None
    dense: Ranking | None = None
    legs: Legs | None = None
    rows: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    scores: Vectors = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    support: Vectors = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    shaped: Shaped | None = None
    reranked: Sequence[Hit] = ()
    variants: Variants = field(default_factory=Variants)
    notes: Sequence[str] = ()
