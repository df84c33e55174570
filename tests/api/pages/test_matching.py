"""A quotation is found among a page's characters, however its text was put in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.matching import fold, runs

PAGE = (
    "Annual report 2026 17\r\nThe light\ufffe\r\nhouse of Varde was built in 1856. Its of\ufb01ce\r\n"
    "kept a log. The keeper’s cafe\u0301 burned down in 1901.\r\n"
    "Left column goes on here.\r\nRight column begins there.\r\n"
    "量化后的模型可以部署在\r\n一台没有显卡的机器上。"
)


def shown(quote: str, before: float = 0.0) -> list[str]:
    return [PAGE[first:stop] for first, stop in runs(PAGE, quote, before)]


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        (
            "The lighthouse of Varde was built in 1856.",
            ["The light\ufffe\r\nhouse of Varde was built in 1856"],
        ),
        ("Its office kept a log.", ["Its of\ufb01ce\r\nkept a log"]),
        ("The keeper's café burned down", ["The keeper’s cafe\u0301 burned down"]),
        ("量化后的模型可以部署在一台没有显卡的机器上。", ["量化后的模型可以部署在\r\n一台没有显卡的机器上"]),
        ("Ｖａｒｄｅ was", ["Varde was"]),
    ],
)
def test_hyphens_ligatures_accents_widths_and_line_ends_do_not_matter(
    quote: str, expected: list[str]
) -> None:
    assert shown(quote) == expected


def test_what_stands_in_another_order_is_found_in_parts() -> None:
    assert shown("Right column begins there. Left column goes on here.") == [
        "Right column begins there",
        "Left column goes on here",
    ]


def test_what_the_page_does_not_show_is_left_out() -> None:
    """A password that was replaced in the text, a running head that the text dropped."""
    found = shown("The lighthouse of Varde was built in [REDACTED] 1856. Its office kept a log.")
    assert "".join(found).startswith("The light")
    assert found[-1].endswith("kept a log")
    assert not shown("Nothing of this sort was ever printed: zebra quartz.")
    assert not shown("... — !")
    assert runs("", "anything", 0.0) == []


def test_of_several_places_the_nearest_is_meant() -> None:
    page = "Total 12\nRye 3\nTotal 12\nWheat 9\nTotal 12\n"
    places = [runs(page, "Total 12", before)[0][0] for before in (0.0, 0.45, 1.0)]
    assert places == [0, page.index("Total", 3), page.rindex("Total")]


def test_a_few_common_letters_far_away_are_not_taken_for_the_quotation() -> None:
    page = "of the that and with " * 60 + "A unique sentence about porcelain stands here. " + "x y z " * 200
    found = [page[a:b] for a, b in runs(page, "A unique sentence about porcelain #### of the sea", 0.5)]
    assert found == ["A unique sentence about porcelain"]


@given(st.text(min_size=1, max_size=300), st.data())
def test_any_part_of_a_page_is_found_and_shows_the_same_letters(page: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(page) - 1))
    stop = data.draw(st.integers(start, len(page)))
    found = runs(page, page[start:stop], start / len(page))
    assert "".join(fold(page[first:end])[0] for first, end in found) == fold(page[start:stop])[0]
    assert all(0 <= first < end <= len(page) for first, end in found)


@given(st.text(max_size=200), st.text(max_size=200), st.floats(0, 1))
def test_any_quotation_of_any_page_ends_within_the_page(page: str, quote: str, before: float) -> None:
    found = runs(page, quote, before)
    assert all(0 <= first < stop <= len(page) for first, stop in found)
