"""What is denied must be denied in the source, and the other way round."""

from __future__ import annotations

import pytest

from rag.facts.negation import contradicted


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        ("The lamp was not lit at dusk.", "The lamp was lit at dusk."),
        ("The lamp was lit at dusk.", "The lamp was not lit at dusk."),
        ("The lamp wasn't lit at dusk.", "The lamp was lit at dusk."),
        ("It never needs a card.", "It needs a card. A disk is not needed."),
        ("它不支持中文。", "它支持中文。"),
        ("它支持中文。", "它不支持中文。"),
        ("它没有支持中文。", "它支持中文。"),
    ],
)
def test_a_denial_on_one_side_only_is_found(statement: str, source: str) -> None:
    assert list(contradicted(statement, source))


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        ("The lamp wasn't lit at dusk.", "The lamp was not lit at dusk."),
        ("The server doesn't need a GPU.", "A GPU is not required by the server."),
        ("It needs a card.", "It needs a card. A disk is not needed."),
        ("它不支持中文。", "它并不支持中文。"),
        ("它不仅支持中文。", "它支持中文。"),
        ("它非常快。", "它很快。"),
    ],
)
def test_a_denial_on_both_sides_or_on_none_is_well(statement: str, source: str) -> None:
    assert list(contradicted(statement, source)) == []
