from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.splitters._packing import NEVER, Unit, pack


def _units(*sizes: int, cuts: dict[int, float] | None = None) -> list[Unit]:
    return [Unit(i, i + 1, size, (cuts or {}).get(i, 0.0)) for i, size in enumerate(sizes)]


def test_chunks_are_as_few_as_possible_and_evenly_filled() -> None:
    assert pack(_units(40, 40, 40, 40), 100) == [(0, 2), (2, 4)]
    assert pack(_units(30, 30, 30, 30), 100) == [(0, 2), (2, 4)]


def test_a_chunk_never_ends_where_it_may_not() -> None:
    assert pack(_units(60, 10, 60, cuts={1: NEVER}), 100) == [(0, 1), (1, 3)]


def test_of_two_cuts_the_cheaper_is_taken() -> None:
    assert pack(_units(50, 10, 50, cuts={0: 0.5}), 100) == [(0, 2), (2, 3)]
    assert pack(_units(50, 10, 50, cuts={1: 0.5}), 100) == [(0, 1), (1, 3)]


def test_a_unit_over_the_budget_stands_alone() -> None:
    assert pack(_units(20, 500, 20), 100) == [(0, 1), (1, 2), (2, 3)]


def test_nothing_packs_to_nothing() -> None:
    assert pack([], 100) == []


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=9))
def test_no_division_within_the_budget_has_fewer_chunks(sizes: list[int]) -> None:
    ranges = pack(_units(*sizes), 60)
    assert [i for first, end in ranges for i in range(first, end)] == list(range(len(sizes)))
    assert all(sum(sizes[first:end]) <= 60 for first, end in ranges)
    for count in range(len(ranges) - 1):
        for cuts in combinations(range(1, len(sizes)), count):
            edges = [0, *cuts, len(sizes)]
            assert any(sum(sizes[a:b]) > 60 for a, b in pairwise(edges))
