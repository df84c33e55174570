"""Each character of a document is shown by one hit, the best that has it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.hits.overlap import unrepeated
from rag.types import Chunk, Hit

TEXT = "One thing. Two things.  Three of them. And four, then five.\n\nSix is the last of all."
SPANS = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 40)).map(lambda at: (at[0], sum(at)))


def hit(start: int, end: int, embedded: str | None = None, document: str = "a") -> Hit:
    end = min(end, len(TEXT))
    return Hit(Chunk(document, start, TEXT[start:end], start, end, embedded=embedded), 1.0)


@given(st.lists(SPANS, max_size=8))
def test_hits_are_exact_and_share_no_character_and_depend_on_better_ones_alone(
    spans: list[tuple[int, int]],
) -> None:
    ranked = [hit(*span) for span in spans]
    leaders, hits = unrepeated(ranked)
    own = [hits[at].chunk for at, leader in enumerate(leaders) if leader == at]
    assert all(TEXT[chunk.start : chunk.end] == chunk.text for chunk in own)
    places = [place for chunk in own for place in range(chunk.start, chunk.end)]
    assert len(places) == len(set(places))
    assert unrepeated(ranked[:3]) == (leaders[:3], hits[:3])


def test_a_hit_that_overlaps_nothing_stays_as_it_is() -> None:
    ranked = [hit(0, 10), hit(11, 22), hit(0, 10, document="b")]
    assert unrepeated(ranked) == ([0, 1, 2], ranked)


def test_what_the_indexes_see_of_a_hit_loses_the_same_words() -> None:
    _, hits = unrepeated([hit(0, 10), hit(0, 22, "One thing. Two (2) things.")])
    assert (hits[1].chunk.text, hits[1].chunk.embedded) == ("Two things.", "Two (2) things.")
    _, hits = unrepeated([hit(0, 10), hit(0, 22, "1 thing. Two things.")])
    assert hits[1].chunk.embedded is None


def test_of_two_runs_of_one_length_that_are_left_of_a_hit_the_first_is_shown() -> None:
    _, hits = unrepeated([hit(4, 7), hit(1, 9)])
    assert (hits[1].chunk.start, hits[1].chunk.end) == (1, 3)


def test_a_hit_within_better_ones_has_the_best_of_them_as_its_leader() -> None:
    leaders, _ = unrepeated([hit(0, 22), hit(40, 60), hit(11, 38), hit(11, 30)])
    assert leaders == [0, 1, 2, 0]
