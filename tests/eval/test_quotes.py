"""A quote is found where it stands, also where only white space has changed since it was copied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.quotes import Quotable

TEXT = "One day.\n\nTwo\n  days. One day."


@pytest.mark.parametrize(
    ("quote", "near", "found", "several"),
    [
        ("Two\n  days", None, (10, 20), False),
        ("Two days", None, (10, 20), False),
        (" Two\tdays.\n", None, (10, 21), False),
        ("day.Two", None, (4, 13), False),
        ("One day.", None, (0, 8), True),
        ("One day.", 3, (0, 8), True),
        ("One day.", 20, (22, 30), True),
        ("One day.", 900, (22, 30), True),
        ("One\nday.", 20, (22, 30), True),
        ("One\nday.", 0, (0, 8), True),
        ("Two\n  days", 0, (10, 20), False),
        ("three", None, None, False),
        ("two days", None, None, False),
        (" \n", None, None, False),
        ("", None, None, False),
    ],
)
def test_a_quote_is_found_as_it_is_or_without_regard_to_white_space(
    quote: str, near: int | None, found: tuple[int, int] | None, several: bool
) -> None:
    assert Quotable(TEXT).find(quote, near) == (found, several)


def test_the_recorded_place_counts_white_space_though_the_search_does_not() -> None:
    text = " " * 100 + "a\nb" + " " * 100 + "c a\nb"
    assert Quotable(text).find("a b", 100) == ((100, 103), True)
    assert Quotable(text).find("a b", 190) == ((205, 208), True)


_TEXTS = st.text(st.sampled_from("ab \n"), min_size=1, max_size=40)


@given(_TEXTS, st.data())
def test_any_piece_of_a_text_is_found_nearest_to_where_it_was(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    quote = text[start : data.draw(st.integers(start + 1, len(text)))]
    expected = (start, start + len(quote)) if quote.strip() else None
    assert Quotable(text).find(quote, start)[0] == expected


@given(_TEXTS, st.data())
def test_a_piece_is_found_again_after_its_white_space_changed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    quote = text[start : data.draw(st.integers(start + 1, len(text)))].strip()
    found, _ = Quotable(text).find("\t".join(quote), None)
    if not quote:
        assert found is None
        return
    assert found is not None
    held = text[found[0] : found[1]]
    assert "".join(held.split()) == "".join(quote.split())
    assert held == held.strip()
