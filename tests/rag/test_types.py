"""The nouns: frozen, and what both indexes see of a chunk."""

from __future__ import annotations

import dataclasses

import pytest

from rag import types
from rag.types import Chunk


@pytest.mark.parametrize(
    ("heading", "text", "seen"),
    [
        ((), "The lamp.", "The lamp."),
        (("Tower", "Lamp room"), "It is warm.", "Tower > Lamp room\nIt is warm."),
        (("Tower", "Lamp"), "# Lamp\n\nIt is warm.", "Tower\n# Lamp\n\nIt is warm."),
        (("Lamp",), "# Lamp", "# Lamp"),
        (("灯塔",), "很暖和。", "灯塔\n很暖和。"),
    ],
)
def test_a_chunk_is_indexed_under_the_headings_it_does_not_show_itself(
    heading: tuple[str, ...], text: str, seen: str
) -> None:
    assert Chunk("a.md", 0, text, 0, len(text), heading).indexed_text == seen


def test_every_record_is_frozen_and_slotted() -> None:
    found = [each for each in vars(types).values() if isinstance(each, type)]
    records = [each for each in found if dataclasses.is_dataclass(each)]
    assert len(records) > 8
    for record in records:
        assert vars(record)["__dataclass_params__"].frozen, record
        assert "__slots__" in vars(record), record
