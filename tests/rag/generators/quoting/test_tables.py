"""Rows of tables as units: whole, and with their table's header."""

from __future__ import annotations

from markdown_it import MarkdownIt

from rag.generators._quoting.units import Unit, units
from rag.types import Chunk, Hit

HEADER = "| Option | Default |\n|:--|--:|"
PORT = "| port | 8800. Below 1024 it needs rights. |"
TABLE = f"Settings of the server:\n\n{HEADER}\n{PORT}\n| log | none |\n\nIt reads them once."


def of(passage: str) -> list[Unit]:
    return list(units(1, Hit(Chunk("a.md", 0, passage, 0, len(passage)), 1.0)))


def row(passage: str, begins: str) -> Unit:
    [found] = [each for each in of(passage) if each.text.startswith(begins)]
    return found


def test_a_row_is_one_unit_whatever_sentences_stand_in_its_cells() -> None:
    assert row(TABLE, "| port").text == PORT
    assert TABLE[row(TABLE, "| port").start : row(TABLE, "| port").end] == PORT


def test_every_row_knows_its_tables_header_and_quotes_it_exactly() -> None:
    for begins in ("| port", "| log"):
        unit = row(TABLE, begins)
        assert unit.header == HEADER
        assert unit.quotes == ((1, unit.text), (1, "| Option | Default |"))
        assert all(quote in TABLE for _, quote in unit.quotes)


def test_a_row_is_shown_as_a_table_that_keeps_a_marker_put_behind_it() -> None:
    shown = f"{row(TABLE, '| log').shown(None)} [1]"
    assert shown == f"{HEADER}\n| log | none [1]"
    rendered = MarkdownIt("commonmark").enable("table").render(shown)
    assert "<th" in rendered
    assert "none [1]</td>" in rendered


def test_what_is_no_row_under_a_header_is_shown_as_it_is() -> None:
    for passage in (
        PORT,  # the piece of a long table, whose header stands in another passage
        f"|:--|--:|\n{PORT}",
        f"{HEADER}\n\n{PORT}",
        "| a bar opens this line, and nothing more.",
        "Not | a | table. | port | 1 |",
    ):
        for unit in of(passage):
            if unit.text not in HEADER:
                assert (unit.header, unit.shown(None), unit.quotes) == ("", unit.written, ((1, unit.text),))


def test_a_header_alone_is_no_unit_and_a_whole_table_keeps_a_marker_too() -> None:
    assert not [unit for unit in of(TABLE) if unit.text.startswith("| Option")]
    introduced = row(TABLE, "Settings")
    assert introduced.text.endswith("| log | none |")
    assert introduced.shown(None) == introduced.text.removesuffix(" |")
    rendered = MarkdownIt("commonmark").enable("table").render(f"{introduced.shown(None)} [1]")
    assert "none [1]</td>" in rendered
