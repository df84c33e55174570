"""Numbers in every dress have one value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.facts.numerals import numbers


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("3.5万", 35_000, None),
        ("35,000", 35_000, None),
        ("35 thousand", 35_000, None),
        ("三万五千", 35_000, None),
        ("一亿三千万", 130_000_000, None),
        ("5%", 5, "%"),
        ("5 percent", 5, "%"),
        ("百分之五", 5, "%"),
        ("百分之12", 12, "%"),
        ("two thousand", 2000, None),
        ("2千", 2000, None),
        ("两千", 2000, None),
        ("three hundred and five", 305, None),
        ("thirty-five", 35, None),
        ("二〇一五", 2015, None),
        ("第十二", 12, None),
        ("16 GB", 16, "GB"),
        ("16GB", 16, "GB"),
        ("5公里", 5, "km"),
        ("5 kilometres", 5, "km"),
        ("三点五", Decimal("3.5"), None),
    ],
)
def test_a_number_is_read_by_its_value_and_unit(written: str, value: Decimal, unit: str | None) -> None:
    [found] = numbers(written)
    assert (found.value, found.unit) == (value, unit)


def test_a_version_is_no_number_and_keeps_its_writing() -> None:
    [found] = numbers("1.2.3")
    assert found.value == "1.2.3"


def test_two_numbers_joined_by_and_stay_two() -> None:
    assert [found.value for found in numbers("two and three")] == [2, 3]


@pytest.mark.parametrize("written", ["one of them", "一个"])
def test_words_that_are_often_no_numbers_are_not_sure(written: str) -> None:
    assert [found.sure for found in numbers(written)] == [False]


@given(st.integers(0, 10**9))
def test_thousands_separators_change_nothing(value: int) -> None:
    assert [found.value for found in numbers(f"{value:,}")] == [value]


@given(st.text())
def test_whatever_is_written_is_read_without_complaint(written: str) -> None:
    assert all(0 <= found.start < found.end <= len(written) for found in numbers(written))


def test_numbers_that_differ_in_their_last_of_many_digits_differ() -> None:
    one, other = numbers("1234567890123456789012345678901 1234567890123456789012345678902")
    assert one.value != other.value


def test_digits_of_another_script_have_their_value() -> None:
    share, whole = numbers("百分之٥ ٣٥")
    assert (share.value, share.unit, whole.value) == (Decimal(5), "%", Decimal(35))


@pytest.mark.parametrize("run", ["一", "万", "九千", "9", "one ", "hundred and "])
def test_a_run_without_end_is_read_or_left_without_a_failure(run: str) -> None:
    assert len(list(numbers(run * 10_000))) <= 10_000
