"""Numbers are written with the decimals their reader needs, and what is unknown as a dash."""

from __future__ import annotations

import pytest

from eval.reporting.words import apart, decimal, flat, interval, measure_name, probability, signed


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.71234, "0.712"),
        (-0.0304, "−0.030"),
        (-0.0001, "0.000"),
        (1234.5, "1,234.500"),
        (None, "–"),
        ("x", "–"),
    ],
)
def test_a_quality_has_three_decimals(value: object, written: str) -> None:
    assert decimal(value) == written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None])
def test_what_is_no_number_is_a_dash(value: object) -> None:
    assert decimal(value) == signed(value) == probability(value) == "–"


def test_a_difference_has_its_sign_unless_it_rounds_to_zero() -> None:
    assert [signed(value) for value in (0.0304, -0.0304, 0.0001, 0)] == ["+0.030", "−0.030", "0.000", "0.000"]


def test_a_p_value_is_never_zero() -> None:
    assert [probability(value) for value in (0.0001, 0.0005, 0.25)] == ["<0.001", "0.001", "0.250"]


def test_an_interval_that_is_not_known_is_not_written() -> None:
    assert interval([0.1, 0.25]) == "0.100 to 0.250"
    assert interval([-0.1, 0.25], sign=True) == "−0.100 to +0.250"
    assert [interval(bounds) for bounds in (None, [], [0.1, None])] == ["", "", ""]


def test_measures_and_settings_have_the_names_that_people_use() -> None:
    assert [measure_name(key) for key in ("ndcg@10", "span_recall@1000t", "f1", "exact_match")] == [
        "nDCG@10",
        "span recall@1000t",
        "F1",
        "exact match",
    ]
    nested = {"retriever": {"depth": 100}, "pdf": {"ocr": False}, "modes": ["a", "b"]}
    assert flat(nested) == [("retriever.depth", "100"), ("pdf.ocr", "no"), ("modes", "a, b")]


def test_long_names_are_told_apart_by_the_words_that_differ() -> None:
    assert apart("hybrid retriever.depth=50", "hybrid retriever.depth=100", 20) == "… retriever.depth=50"
    assert apart("hybrid", "sparse", 20) == "hybrid"
    assert apart("a retriever.dense_weight=0.25", "a", 20) == "…dense_weight=0.25"
    assert len(apart("x" * 50, "y", 20)) == 20
