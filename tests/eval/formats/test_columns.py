"""An id survives the white space between columns, and an id from elsewhere is left as it is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.formats.columns import columns, decode, encode

AWKWARD = st.text(st.sampled_from("%205AE38\u3000\u00a0 \tx#"), min_size=1)


@given(st.one_of(AWKWARD, st.text(min_size=1)))
@example("%E3%80\u3000")
@example("%%20")
@example("%2 5")
def test_an_encoded_id_is_one_column_and_is_read_back(identifier: str) -> None:
    identifier = identifier.encode("utf-8", "replace").decode()
    encoded = encode(identifier)
    assert encoded.split() == [encoded]
    assert columns(encoded) == [encoded]
    assert decode(encoded) == identifier


@given(AWKWARD, AWKWARD)
def test_two_ids_never_become_one(first: str, second: str) -> None:
    assert (encode(first) == encode(second)) == (first == second)


@pytest.mark.parametrize("identifier", ["50%", "a%2Fb", "http://x/%E9%97%AE", "a.md#10-90", "问"])
def test_an_id_without_white_space_is_written_as_it_is(identifier: str) -> None:
    assert encode(identifier) == identifier == decode(identifier)


def test_a_path_with_a_blank_is_percent_encoded() -> None:
    assert encode("a b.md#10-90") == "a%20b.md#10-90"


def test_columns_may_be_separated_by_any_amount_of_white_space() -> None:
    assert columns(" q1\t0   d\u00a01 \t1\r") == ["q1", "0", "d\u00a01", "1"]
