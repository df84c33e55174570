"""Terms of the best passages of a first search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rag import text
from rag.expansion.feedback import with_feedback
from rag.expansion.wording import Wording
from rag.types import Chunk, Rows

PASSAGES = [
    "The lamp of the lighthouse burns rape oil.",
    "Rape oil for the lamp comes by boat.",
    "The boat is painted in the summer.",
]
CHUNKS = [Chunk(f"{at}.md", 0, passage, 0, len(passage)) for at, passage in enumerate(PASSAGES)]


def frequencies(terms: Sequence[str]) -> Rows:
    own = [set(text.terms(passage)) for passage in PASSAGES]
    return np.array([sum(term in each for each in own) for term in terms], dtype=np.int64)


def test_what_several_passages_hold_is_added_and_count_a_tenth() -> None:
    wording = Wording("lamp", ("lamp",))
    [added] = with_feedback(wording, CHUNKS[:2], frequencies).added
    assert added.terms == ("oil", "rape")
    assert added.weight * len(added.terms) == pytest.approx(0.1)
    assert added.origin == "feedback"


def test_of_one_passage_all_terms_count_the_rarest_first() -> None:
    [added] = with_feedback(Wording("oil", ("oil",)), CHUNKS[1:2], frequencies).added
    assert set(added.terms) == {"lamp", "rape", "come", "boat"}
    assert added.terms[0] == "come"


def test_passages_that_share_nothing_else_add_nothing() -> None:
    wording = Wording("lamp", ("lamp",))
    assert with_feedback(wording, [CHUNKS[0], CHUNKS[2]], frequencies) == wording
    assert with_feedback(wording, [], frequencies) == wording
