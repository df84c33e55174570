"""A setting with several values makes one system of each."""

from __future__ import annotations

import pytest

from eval.systems import System, fixed, pairs, sweep, system_name
from rag.config import Settings
from rag.errors import SettingError
from rag.types import Mode


def test_without_several_values_there_is_one_combination() -> None:
    assert sweep(["retriever.depth=50"]) == [{}]
    assert sweep([]) == [{}]


def test_every_combination_is_tried_in_the_order_given() -> None:
    found = sweep(["retriever.depth=50,100", "splitter.chunk_tokens=150, 250", "retriever.k=5"])
    assert found == [
        {"retriever.depth": "50", "splitter.chunk_tokens": "150"},
        {"retriever.depth": "50", "splitter.chunk_tokens": "250"},
        {"retriever.depth": "100", "splitter.chunk_tokens": "150"},
        {"retriever.depth": "100", "splitter.chunk_tokens": "250"},
    ]
    assert fixed(["retriever.depth=50,100", "retriever.k=5"]) == ["retriever.k=5"]


def test_a_comma_that_belongs_to_the_value_is_written_with_a_backslash() -> None:
    pairs = ["embedder.model=models/a\\,b"]
    assert sweep(pairs) == [{}]
    assert fixed(pairs) == ["embedder.model=models/a,b"]
    assert sweep(["embedder.model=a\\,b,c"]) == [{"embedder.model": "a,b"}, {"embedder.model": "c"}]


def test_a_value_given_twice_is_one_system() -> None:
    assert sweep(["retriever.depth=50,50"]) == [{"retriever.depth": "50"}]


@pytest.mark.parametrize(("pair", "instead"), [("index=a,b", "--index"), ("retriever.mode=a,b", "--mode")])
def test_what_has_a_flag_of_its_own_is_not_swept(pair: str, instead: str) -> None:
    with pytest.raises(SettingError, match=instead):
        sweep([pair])


def test_a_system_is_called_by_its_mode_and_what_sets_it_apart() -> None:
    assert system_name("hybrid", {}) == "hybrid"
    assert system_name("hybrid", {"retriever.depth": "50"}) == "hybrid retriever.depth=50"


def _systems(modes: list[Mode], settings: list[dict[str, str]]) -> list[System]:
    return [
        System(system_name(mode, chosen), mode, Settings(), chosen) for chosen in settings for mode in modes
    ]


def test_modes_are_compared_each_with_each_the_later_one_first() -> None:
    assert pairs(_systems(["sparse"], [{}]), []) == []
    assert pairs(_systems(["sparse", "dense", "hybrid"], [{}]), []) == [
        ("dense", "sparse"),
        ("hybrid", "sparse"),
        ("hybrid", "dense"),
    ]


def test_in_a_sweep_like_is_compared_with_like() -> None:
    """The modes under each setting, and each mode's settings with the first of them."""
    found = pairs(_systems(["sparse", "hybrid"], [{"d": "1"}, {"d": "2"}, {"d": "3"}]), [])
    assert set(found) == {
        *((f"hybrid d={n}", f"sparse d={n}") for n in (1, 2, 3)),
        *((f"{mode} d={n}", f"{mode} d=1") for mode in ("sparse", "hybrid") for n in (2, 3)),
    }


def test_a_run_that_was_read_is_compared_with_the_first_system_or_run() -> None:
    assert pairs(_systems(["sparse", "hybrid"], [{}]), ["theirs"]) == [
        ("hybrid", "sparse"),
        ("theirs", "sparse"),
    ]
    assert pairs([], ["one", "two", "three"]) == [("two", "one"), ("three", "one")]
