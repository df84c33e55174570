"""What a search says of itself beside what it found."""

from __future__ import annotations

import pytest

from rag.search.asking import filter_note
from rag.types import EVERYTHING, Filter


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        (Filter(paths=("a",)), ["paths"]),
        (Filter(pages=(1, 2)), ["pages"]),
        (Filter(pages=(1, 2), metadata=(("tag", "draft"),)), ["pages", "metadata"]),
    ],
)
def test_finding_nothing_is_explained_by_the_parts_of_the_filter(chosen: Filter, named: list[str]) -> None:
    said = filter_note(chosen)
    assert said.startswith("nothing was found")
    assert [each for each in ("paths", "pages", "metadata") if f"{each}: " in said] == named


def test_without_a_filter_nothing_is_said() -> None:
    assert filter_note(EVERYTHING) == ""
