"""Where text stands on its page, and where the outline's titles stand in the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from ingest.loaders.pdf import Box, PdfLoader, build, rectangles
from rag.types import Loaded

FONT = "Helvetica"
LEFT = [
    "The left column begins with infor-",
    "mation that goes on and on below,",
    "and a third one follows it at once,",
]
RIGHT = [
    "Meanwhile the right column speaks",
    "of penguins and other such matters",
    "until nobody remembers what was left",
]


def _two_columns(path: Path) -> dict[str, Box]:
    """Draw row by row; where "mation" and "penguins" were drawn, origin top left."""
    canvas = Canvas(str(path), pagesize=(612, 792))
    canvas.setFont(FONT, 12)
    drawn: dict[str, Box] = {}
    for number in range(6):
        for x, line in ((60, (LEFT * 2)[number]), (320, (RIGHT * 2)[number])):
            y = 700 - 14 * number
            canvas.drawString(x, y, line)
            for word in ("mation", "penguins"):
                if word in line and word not in drawn:
                    start = x + canvas.stringWidth(line[: line.index(word)], FONT, 12)
                    drawn[word] = (start, 792 - y - 9, start + canvas.stringWidth(word, FONT, 12), 792 - y)
    canvas.save()
    return drawn


def _encloses(box: Box, drawn: Box) -> bool:
    """Around it, by two points at most at the sides and by a line's leading above and below."""
    sides = box[0] <= drawn[0] + 1 and box[2] >= drawn[2] - 1
    close = abs(box[0] - drawn[0]) <= 2 and abs(box[2] - drawn[2]) <= 2
    return sides and close and box[1] <= drawn[1] + 2 and box[3] >= drawn[3] - 2 and box[3] - box[1] < 16


def test_the_rectangle_of_a_word_encloses_where_it_was_drawn(tmp_path: Path) -> None:
    path = tmp_path / "columns.pdf"
    drawn = _two_columns(path)
    loaded = build(ocr="off").load(path)
    at = loaded.text.index("penguins")
    (box,) = rectangles(path, loaded.pages[0], at, at + len("penguins"))
    assert _encloses(box, drawn["penguins"]), (box, drawn["penguins"])


def test_a_word_broken_over_two_lines_has_two_rectangles(tmp_path: Path) -> None:
    path = tmp_path / "columns.pdf"
    drawn = _two_columns(path)
    loaded = build(ocr="off").load(path)
    at = loaded.text.index("information")
    first, second = rectangles(path, loaded.pages[0], at, at + len("information"))
    assert _encloses(second, drawn["mation"]), (second, drawn["mation"])
    assert first[3] <= second[3] - 10


def test_places_count_from_the_corner_of_a_cropped_page(tmp_path: Path) -> None:
    path = tmp_path / "cropped.pdf"
    canvas = Canvas(str(path), pagesize=(600, 800), cropBox=(50, 30, 550, 750))
    canvas.setFont(FONT, 12)
    canvas.drawString(100, 700, "penguins")
    canvas.save()
    loaded = build(ocr="off").load(path)
    (box,) = rectangles(path, loaded.pages[0], 0, 8)
    assert _encloses(box, (50, 41, 50 + canvas.stringWidth("penguins", FONT, 12), 50)), box


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_places_are_those_of_the_page_as_it_is_shown(tmp_path: Path, rotation: int) -> None:
    """The page is shown 600 points wide and 800 high; reportlab turns its sheet accordingly."""
    path = tmp_path / "turned.pdf"
    canvas = Canvas(str(path), pagesize=(600, 800))
    canvas.setPageRotation(rotation)
    canvas.setFont(FONT, 12)
    canvas.drawString(100, 500, "penguins")
    canvas.save()
    loaded = build(ocr="off").load(path)
    (box,) = rectangles(path, loaded.pages[0], 0, 8)
    width = canvas.stringWidth("penguins", FONT, 12)
    wanted = {
        0: (100, 300, 100 + width, 300),
        90: (500, 100, 500, 100 + width),
        180: (500 - width, 500, 500, 500),
        270: (100, 700 - width, 100, 700),
    }[rotation]
    assert box == pytest.approx(wanted, abs=12)
    assert box[2] - box[0] == pytest.approx(wanted[2] - wanted[0] or 14, abs=4)


def test_places_hold_where_running_heads_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "book.pdf"
    canvas = Canvas(str(path), pagesize=(612, 792))
    for number in range(5):
        canvas.setFont(FONT, 12)
        canvas.drawString(60, 760, "A head that runs over every page")
        canvas.drawString(60, 500, f"chapter {number} of penguins")
        canvas.showPage()
    canvas.save()
    loader = build(ocr="off", running_heads="drop")
    assert isinstance(loader, PdfLoader)
    loaded = loader.load(path)
    page = loaded.pages[3]
    at = loaded.text.index("penguins", page.start)
    (box,) = loader.rectangles(path, page, at, at + 8)
    start = 60 + canvas.stringWidth("chapter 3 of ", FONT, 12)
    assert _encloses(box, (start, 792 - 509, start + canvas.stringWidth("penguins", FONT, 12), 292))


def test_a_range_on_another_page_has_no_rectangle(tmp_path: Path) -> None:
    path = tmp_path / "columns.pdf"
    _two_columns(path)
    loaded = build(ocr="off").load(path)
    assert rectangles(path, loaded.pages[0], len(loaded.text), len(loaded.text) + 5) == []


def _outlined(path: Path) -> None:
    canvas = Canvas(str(path), pagesize=(612, 792))

    def mark(key: str, title: str, level: int, top: float) -> None:
        canvas.bookmarkPage(key, fit="XYZ", left=0, top=top)
        canvas.addOutlineEntry(title, key, level)

    canvas.setFont(FONT, 12)
    canvas.drawString(60, 750, "Foreword of the editor")
    canvas.drawString(60, 700, "Installation")
    mark("a", "Installation", 0, 712)
    canvas.drawString(60, 650, "Put it on the shelf.")
    canvas.drawString(60, 600, "What is needed beforehand")
    mark("b", "Requirements", 1, 612)
    canvas.showPage()
    canvas.setFont(FONT, 12)
    canvas.drawString(60, 700, "Use")
    mark("c", "Use", 0, 712)
    canvas.showPage()
    canvas.save()


def test_titles_of_the_outline_stand_where_they_point_to(tmp_path: Path) -> None:
    path = tmp_path / "outlined.pdf"
    _outlined(path)
    loader = build(ocr="off")
    assert isinstance(loader, PdfLoader)
    outlined = loader.load(path)
    found = [(h.level, h.title, _line_at(outlined, h.offset)) for h in outlined.headings]
    assert found == [
        (1, "Installation", "Installation"),
        (2, "Requirements", "What is needed beforehand"),
        (1, "Use", "Use"),
    ]


def _line_at(loaded: Loaded, offset: int) -> str:
    return loaded.text[offset:].split("\n")[0]


def test_an_outline_that_runs_in_a_circle_ends(tmp_path: Path, pdf_bytes: Any) -> None:
    path = tmp_path / "circle.pdf"
    path.write_bytes(
        pdf_bytes.file(
            [
                b"<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>",
                b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
                b"<</First 5 0 R/Last 5 0 R>>",
                b"<</Title(Round)/Parent 4 0 R/First 5 0 R/Next 5 0 R/Dest[3 0 R/Fit]>>",
            ]
        )
    )
    loader = build(ocr="off")
    assert isinstance(loader, PdfLoader)
    assert [heading.title for heading in loader.load(path).headings] == ["Round"]
