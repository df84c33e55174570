from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest
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


def _cheapest(units: list[Unit], room: int) -> list[tuple[int, int]]:
    """The cheapest division, found by looking at every chunk there can be."""
    best = [0.0] + [math.inf] * len(units)
    came = [0] * (len(units) + 1)
    for end in range(1, len(units) + 1):
        cut = units[end - 1].cut if end < len(units) else 0.0
        for begin in range(end - 1, -1, -1):
            size = sum(max(1, unit.size) for unit in units[begin:end])
            if size > room and best[end] < math.inf:
                break
            led = size + units[begin].lead_size
            cost = best[begin] + cut + 1.0
            cost += ((room - led) / room) ** 2 if led <= room else 1000.0 * led / room
            if cost < best[end]:
                best[end], came[end] = cost, begin
    ranges = []
    end = len(units)
    while end:
        ranges.append((came[end], end))
        end = came[end]
    return ranges[::-1]


UNITS = st.builds(
    Unit,
    st.just(0),
    st.just(1),
    st.integers(0, 70),
    st.sampled_from([0.0, 0.2, 0.5, 3.0, NEVER, NEVER]),
    lead_size=st.sampled_from([0, 0, 5]),
)


@given(units=st.lists(UNITS, max_size=30))
def test_the_division_is_the_cheapest_wherever_chunks_may_not_end(units: list[Unit]) -> None:
    assert pack(units, 60) == _cheapest(units, 60)


# Searched back to the first unit from each of these, they would take hours.
@pytest.mark.parametrize(
    "runs",
    [
        [Unit(0, 1, 90, NEVER), Unit(0, 1, 90)] * 100_000,
        ([Unit(0, 1, 1, NEVER)] * 1000 + [Unit(0, 1, 90)]) * 200,
        [Unit(0, 1, 1, NEVER)] * 200_000,
    ],
    ids=["alternating", "runs", "one run"],
)
def test_many_places_where_no_chunk_may_end_take_no_longer_than_others(runs: list[Unit]) -> None:
    ranges = pack(runs, 100)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == len(runs)
    assert all(runs[end - 1].cut < NEVER for _, end in ranges[:-1])
