"""Dates in every form are the same date."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.facts.dates import dates


@pytest.mark.parametrize(
    "written",
    [
        "12 March 1856",
        "12th of March 1856",
        "March 12, 1856",
        "Mar. 12, 1856",
        "1856-03-12",
        "1856/3/12",
        "1856年3月12日",
        "一八五六年三月十二日",
    ],
)
def test_every_form_of_a_date_is_the_same(written: str) -> None:
    [found] = dates(written)
    assert (found.year, found.month, found.day) == (1856, 3, 12)
    assert (found.start, found.end) == (0, len(written))


def test_a_date_lies_within_one_that_tells_more_and_not_the_other_way_round() -> None:
    [whole] = dates("March 12, 1856")
    [month] = dates("March 1856")
    [other] = dates("1856年5月")
    assert month.within(whole)
    assert not whole.within(month)
    assert not other.within(whole)


@pytest.mark.parametrize("written", ["They march on.", "You may go.", "in 1856", "13月", "version 1.2.3"])
def test_what_is_no_date_is_none(written: str) -> None:
    assert list(dates(written)) == []


@given(st.text(alphabet="0123456789年月日十二 -/March,May"))
def test_whatever_is_written_months_and_days_are_possible(written: str) -> None:
    assert all(1 <= found.month <= 12 and 1 <= (found.day or 1) <= 31 for found in dates(written))
