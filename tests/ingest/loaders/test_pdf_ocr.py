"""Pages that are pictures: read by OCR where the extra is installed, and marked as such."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from ingest.loaders import _pdf_ocr
from ingest.loaders.pdf import PdfLoader, build

needs_ocr = pytest.mark.skipif(not _pdf_ocr.available(), reason="the extra ocr is not installed")


CHINESE = Path(__file__).parents[4] / "shared/data/pdf/pdfminer/contrib/issue_566_test_2.pdf"
SENTENCE = "The emperor penguin breeds in winter"


def _drawn(folder: Path, text: str) -> Path:
    path = folder / "drawn.pdf"
    canvas = Canvas(str(path), pagesize=(612, 792))
    canvas.setFont("Helvetica", 20)
    canvas.drawString(72, 700, text)
    canvas.save()
    return path


def _scan(folder: Path, drawn: Path) -> Path:
    """A page of text, then one that is a picture of the first page of `drawn`."""
    import pypdfium2
    from reportlab.lib.utils import ImageReader

    with pypdfium2.PdfDocument(drawn) as document:
        size = document[0].get_size()
        picture = document[0].render(scale=2).to_pil()
    path = folder / "scan.pdf"
    scan: Any = Canvas(str(path), pagesize=size)
    scan.drawString(72, 100, "A page of text")
    scan.showPage()
    scan.drawImage(ImageReader(picture), 0, 0, *size)
    scan.save()
    return path


@needs_ocr
def test_a_scanned_page_is_read_in_english_and_marked(tmp_path: Path) -> None:
    path = _scan(tmp_path, _drawn(tmp_path, SENTENCE))
    loader = build()
    assert isinstance(loader, PdfLoader)
    loaded = loader.load(path)
    page = loaded.pages[1]
    assert loaded.text[page.start : page.end] == SENTENCE
    (warned,) = loaded.warnings
    assert warned.kind == "ocr"
    assert re.fullmatch(r"page 2 was read by OCR, mean confidence (0\.9\d|1\.00)", warned.detail)
    assert loaded.metadata["ocr_pages"] == "2"
    assert float(loaded.metadata["ocr_confidence"]) > 0.9
    at = loaded.text.index("penguin")
    (box,) = loader.rectangles(path, page, at, at + len("penguin"))
    start = 72 + pdfmetrics.stringWidth("The emperor ", "Helvetica", 20)
    # A character's place within its line is estimated from the line's width.
    assert box[0] == pytest.approx(start, abs=20)
    assert box[1] < 792 - 700 < box[3] + 4
    loader.close()


def test_without_ocr_the_report_says_which_pages_and_how_to_get_them(tmp_path: Path) -> None:
    path = _scan(tmp_path, _drawn(tmp_path, SENTENCE))
    (warned,) = build(ocr="off").load(path).warnings
    assert warned.kind == "empty_pages"
    assert warned.detail == (
        'page 2 has no text (scanned images?); set pdf.ocr = "auto" to have them read by OCR'
    )


def test_without_the_extra_the_report_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pdf_ocr, "PACKAGES", ("a_package_nobody_has",))
    path = _scan(tmp_path, _drawn(tmp_path, SENTENCE))
    (warned,) = build().load(path).warnings
    assert 'pip install -e ".[ocr]"' in warned.detail


@needs_ocr
def test_a_scanned_page_is_read_in_chinese(tmp_path: Path) -> None:
    if not CHINESE.exists():
        pytest.skip("../shared/data/pdf is absent, and no Chinese font is here to draw with")
    loaded = build().load(_scan(tmp_path, CHINESE))
    assert "中国饮料有限公司" in loaded.text[loaded.pages[1].start :]


@needs_ocr
def test_a_page_that_takes_ocr_too_long_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = _scan(tmp_path, _drawn(tmp_path, SENTENCE))
    loaded = build(ocr_seconds=0.05).load(path)
    assert loaded.text.strip() == "A page of text"
    details = {warned.kind: warned.detail for warned in loaded.warnings}
    assert "pdf.ocr_seconds" in details["ocr_failed"]
    assert "empty_pages" in details
