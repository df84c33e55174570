"""Reading order, paragraphs and tables, on pages drawn for the purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from ingest.loaders.pdf import build
from rag.types import Loaded

LEFT = [
    "The left column begins with a line",
    "that goes on to the second of them,",
    "and a third one follows it at once,",
    "then a fourth that is as long again,",
    "and the left column ends right here.",
]
RIGHT = [
    "Meanwhile the right column speaks of",
    "other matters, such as the weather in",
    "the mountains and the price of bread,",
    "until nobody remembers what the left",
    "one said, and so the whole page ends.",
]


def _drawn(folder: Path, draw: Callable[[Any], None], **options: Any) -> Loaded:
    path = folder / "drawn.pdf"
    canvas = Canvas(str(path), pagesize=(612, 792), **options)
    draw(canvas)
    canvas.save()
    return build(ocr="off").load(path)


def _lines(canvas: Any, x: float, top: float, lines: list[str], step: float = 14) -> None:
    for number, line in enumerate(lines):
        canvas.drawString(x, top - step * number, line)


def _row_by_row(canvas: Any) -> None:
    canvas.setFont("Helvetica", 12)
    for number, pair in enumerate(zip(LEFT, RIGHT, strict=True)):
        canvas.drawString(60, 700 - 14 * number, pair[0])
        canvas.drawString(320, 700 - 14 * number, pair[1])


def _right_first(canvas: Any) -> None:
    canvas.setFont("Helvetica", 12)
    _lines(canvas, 320, 700, RIGHT)
    _lines(canvas, 60, 700, LEFT)


def _left_first(canvas: Any) -> None:
    canvas.setFont("Helvetica", 12)
    _lines(canvas, 60, 700, LEFT)
    _lines(canvas, 320, 700, RIGHT)


@pytest.mark.parametrize("draw", [_row_by_row, _right_first, _left_first])
def test_two_columns_are_read_one_after_the_other(tmp_path: Path, draw: Callable[[Any], None]) -> None:
    assert _drawn(tmp_path, draw).text == f"{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


def test_a_title_over_both_columns_comes_first_and_a_foot_line_last(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        _row_by_row(canvas)
        canvas.setFont("Helvetica", 20)
        canvas.drawString(100, 740, "A title that reaches over both columns")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(100, 600, "A line that reaches over both of the columns, at the foot of the page")

    paragraphs = _drawn(tmp_path, draw).text.split("\n\n")
    assert paragraphs[0] == "A title that reaches over both columns"
    assert paragraphs[1:3] == [" ".join(LEFT), " ".join(RIGHT)]
    assert paragraphs[3].startswith("A line that reaches")


def test_a_page_of_one_column_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    """A heading drawn last stays last: nothing speaks clearly for another order."""

    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        _lines(canvas, 60, 700, [f"{left} {right}" for left, right in zip(LEFT, RIGHT, strict=True)])
        canvas.drawString(60, 760, "Head")

    text = _drawn(tmp_path, draw).text
    assert text == " ".join(f"{a} {b}" for a, b in zip(LEFT, RIGHT, strict=True)) + "\n\nHead"


def test_paragraphs_stay_apart_and_their_lines_run_on(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        _lines(canvas, 60, 700, [*LEFT[:4], "short end."])
        _lines(canvas, 60, 600, RIGHT)

    assert _drawn(tmp_path, draw).text == f"{' '.join(LEFT[:4])} short end.\n\n{' '.join(RIGHT)}"


def test_a_line_that_ends_early_ends_there(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        _lines(canvas, 60, 700, ["Martin", "12 Long Road", "a line that is much longer than the others here"])

    assert _drawn(tmp_path, draw).text.splitlines()[:2] == ["Martin", "12 Long Road"]


def test_items_of_a_list_keep_their_lines(tmp_path: Path) -> None:
    items = [
        "- the first item of a list of three",
        "- the second item of a list as long",
        "- and a third one",
    ]

    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        _lines(canvas, 60, 700, items)

    assert _drawn(tmp_path, draw).text == "\n".join(items)


def test_chinese_lines_are_joined_without_a_space(tmp_path: Path) -> None:
    lines = ["检索增强生成系统先在文档中寻找与问题", "相关的段落，再让语言模型根据这些段落", "写出回答。"]

    def draw(canvas: Any) -> None:
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
        canvas.setFont("STSong-Light", 12)
        _lines(canvas, 60, 700, lines, step=16)

    assert _drawn(tmp_path, draw).text == "".join(lines)


def test_words_broken_at_a_line_end_are_joined_and_compounds_keep_their_hyphen(tmp_path: Path) -> None:
    lines = [
        "This sentence carries infor-",
        "mation that is certainly well-",
        "known, as self-made people of COVID-",
        "19 say.",
    ]

    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        _lines(canvas, 60, 700, lines)

    assert _drawn(tmp_path, draw).text.replace("\n", " ") == (
        "This sentence carries information that is certainly well-known, as self-made people of COVID-19 say."
    )


def test_rows_of_a_table_are_lines_with_their_cells_apart(tmp_path: Path) -> None:
    table = [
        ["Product", "Price", "Stock"],
        ["Bread", "2.50", "120"],
        ["Green tea", "11.00", "7"],
        ["Salt", "0.80", "44"],
    ]

    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        canvas.drawString(60, 740, "What the shop sells, and for how much")
        for number, row in enumerate(table):
            for column, cell in enumerate(row):
                canvas.drawString(60 + 120 * column, 700 - 16 * number, cell)

    text = _drawn(tmp_path, draw).text
    assert text.split("\n\n") == [
        "What the shop sells, and for how much",
        "\n".join(" | ".join(row) for row in table),
    ]


def test_numbers_before_the_items_of_a_list_are_no_table(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        for number in range(4):
            canvas.drawString(60, 700 - 16 * number, f"{number + 1}.")
            canvas.drawString(90, 700 - 16 * number, f"item {number} of the list")

    assert " | " not in _drawn(tmp_path, draw).text


def test_raised_characters_stay_with_their_word(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        canvas.drawString(60, 700, "an area of 5 m")
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60 + canvas.stringWidth("an area of 5 m", "Helvetica", 12), 704, "2")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(154, 700, "of grass")

    assert _drawn(tmp_path, draw).text == "an area of 5 m2 of grass"


def test_a_page_that_is_shown_turned_is_read_as_it_is_shown(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setPageRotation(90)
        canvas.rotate(90)
        canvas.translate(0, -612)
        canvas.setFont("Helvetica", 12)
        _lines(canvas, 60, 500, LEFT)

    assert _drawn(tmp_path, draw).text == " ".join(LEFT)
