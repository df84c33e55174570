"""Running heads and page numbers go, where that is set, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from ingest.loaders.pdf import build


def _book(folder: Path, heads: Sequence[str], feet: Sequence[str]) -> Path:
    path = folder / "book.pdf"
    canvas = Canvas(str(path), pagesize=(612, 792))
    for number, (head, foot) in enumerate(zip(heads, feet, strict=True), start=1):
        canvas.setFont("Helvetica", 10)
        canvas.drawString(60, 760, head)
        canvas.drawString(300, 30, foot)
        canvas.drawString(60, 600, f"What chapter {number} has to say of the matter, at some length")
        canvas.showPage()
    canvas.save()
    return path


def _pages(path: Path, **options: str) -> list[str]:
    loaded = build(ocr="off", **options).load(path)  # type: ignore[arg-type]
    return [loaded.text[page.start : page.end] for page in loaded.pages]


def test_running_heads_and_page_numbers_are_dropped(tmp_path: Path) -> None:
    """The head is kept where it comes first, so that nothing the file says is lost."""
    path = _book(tmp_path, ["Annual report"] * 9, [str(number) for number in range(1, 10)])
    pages = _pages(path, running_heads="drop")
    assert pages[0] == "Annual report\n\nWhat chapter 1 has to say of the matter, at some length"
    assert pages[1:] == [f"What chapter {n} has to say of the matter, at some length" for n in range(2, 10)]


def test_without_the_setting_they_are_kept(tmp_path: Path) -> None:
    pages = _pages(_book(tmp_path, ["Annual report"] * 4, ["1", "2", "3", "4"]))
    assert all("Annual report" in page for page in pages)


def test_two_pages_alike_are_no_running_head(tmp_path: Path) -> None:
    pages = _pages(_book(tmp_path, ["Annex", "Annex"], ["a", "b"]), running_heads="drop")
    assert all(page.startswith("Annex") for page in pages)


def test_numbers_that_do_not_count_the_pages_are_kept(tmp_path: Path) -> None:
    numbers = [4711, 4890, 5002, 5977, 6120]
    path = _book(tmp_path, [f"Invoice {number}" for number in numbers], ["-"] * 5)
    pages = _pages(path, running_heads="drop")
    assert [page.split("\n")[0] for page in pages] == [f"Invoice {number}" for number in numbers]


def test_roman_page_numbers_and_numbers_with_words_go_as_well(tmp_path: Path) -> None:
    path = _book(tmp_path, ["iv", "v", "vi", "vii"], [f"Page {number} of 4" for number in range(1, 5)])
    pages = _pages(path, running_heads="drop")
    assert pages[1:] == [f"What chapter {n} has to say of the matter, at some length" for n in range(2, 5)]


def test_what_is_drawn_on_every_page_far_from_the_edge_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "form.pdf"
    canvas = Canvas(str(path), pagesize=(612, 792))
    for _ in range(5):
        canvas.drawString(60, 400, "Name of the applicant")
        canvas.showPage()
    canvas.save()
    assert _pages(path, running_heads="drop") == ["Name of the applicant"] * 5
