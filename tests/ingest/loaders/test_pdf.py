"""PDF files: sound, broken, protected and hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders.pdf import build, clean, join, listed, sane_title
from rag.errors import DocumentError
from rag.text import normalise
from rag.types import Loaded

if TYPE_CHECKING:
    from tests.ingest.loaders.conftest import PdfBytes

SHARED = Path(__file__).parents[4] / "shared" / "data" / "pdf"


def _load(folder: Path, data: bytes) -> Loaded:
    path = folder / "file.pdf"
    path.write_bytes(data)
    return build().load(path)


def test_every_page_has_its_exact_range(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    loaded = _load(tmp_path, pdf_bytes.pages([b"Hello World", b"Second page"]))
    assert loaded.text == "Hello World\n\nSecond page"
    assert [(p.number, loaded.text[p.start : p.end]) for p in loaded.pages] == [
        (1, "Hello World"),
        (2, "Second page"),
    ]
    assert loaded.metadata == {"type": "pdf"}
    assert not loaded.warnings


def test_pages_without_text_are_counted_and_named(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    loaded = _load(tmp_path, pdf_bytes.pages([b"a", b"", b"c", b" ", b"", b""]))
    assert [p.number for p in loaded.pages if p.start == p.end] == [2, 4, 5, 6]
    (warned,) = loaded.warnings
    assert (warned.kind, warned.detail) == ("empty_pages", "pages 2, 4-6 have no text (scanned images?)")


def test_pages_that_only_the_page_count_promises_are_reported(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    loaded = _load(tmp_path, pdf_bytes.pages([b"a"], count=4))
    assert [(w.kind, w.detail) for w in loaded.warnings] == [("broken_pages", "pages 2-4 could not be read")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (bytes(range(256)) * 8, "not a PDF file"),
        (b"%PDF-1.7\n" + bytes(range(256)), "damaged PDF"),
    ],
)
def test_what_is_no_pdf_is_refused_in_plain_words(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        _load(tmp_path, data)


def test_a_truncated_file_is_refused(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    with pytest.raises(DocumentError, match="damaged PDF"):
        _load(tmp_path, pdf_bytes.pages([b"Hello"])[:200])


def test_a_missing_file_is_an_error_of_the_document(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        build().load(tmp_path / "absent.pdf")


def test_more_pages_than_the_limit_are_refused(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf_bytes.pages([b"a"], count=20_000))
    with pytest.raises(DocumentError, match=r"20,000 pages, more than the limit of 10,000"):
        build().load(path)


def test_a_password_opens_what_is_protected_and_its_absence_is_named(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "secret.pdf"
    canvas = Canvas(str(path), encrypt="sesame")
    canvas.setTitle("Quarterly plan")
    canvas.drawString(72, 700, "Nobody else may read this")
    canvas.save()
    with pytest.raises(DocumentError, match="password-protected"):
        build().load(path)
    with pytest.raises(DocumentError, match="does not open it"):
        build(password="wrong").load(path)  # noqa: S106
    loaded = build(password="sesame").load(path)  # noqa: S106
    assert loaded.text == "Nobody else may read this"
    assert loaded.metadata["title"] == "Quarterly plan"


def test_words_broken_at_a_line_end_are_joined() -> None:
    assert clean("the par\ufffeallel line") == "the parallel line"
    assert clean("a\u00ad\r\nb and c\u00add") == "ab and c-d"
    assert clean("Schwarz\ufffeWeiß, COVID\x0219") == "Schwarz-Weiß, COVID-19"
    assert (
        clean("a well-known, well\ufffeknown and un\ufffebroken one")
        == "a well-known, well-known and unbroken one"
    )


@given(
    texts=st.lists(
        st.text(st.sampled_from("aA é\u0301\u00ad\ufffe\ufeff\r\n \x0c\x00中"), max_size=12), max_size=5
    )
)
def test_joined_pages_are_normal_text_with_exact_ranges(texts: list[str]) -> None:
    cleaned = [clean(text) for text in texts]
    text, pages = join(cleaned)
    assert normalise(text) == text
    assert [text[page.start : page.end] for page in pages] == cleaned
    assert all((page.start == page.end) == (not text[page.start : page.end].strip()) for page in pages)


def test_titles_that_are_none_are_dropped() -> None:
    assert sane_title(" Annual\nReport 2024 ") == "Annual Report 2024"
    for bad in ("", "untitled", "Microsoft Word - a.doc", "report.indd", "x" * 500, "12 34", "\x00"):
        assert sane_title(bad) == ""


def test_page_numbers_are_listed_as_people_write_them() -> None:
    assert listed([3]) == "page 3"
    assert listed([1, 3, 4, 5, 9]) == "pages 1, 3-5, 9"


def test_every_file_of_the_parsers_suites_opens_or_is_refused_as_recorded() -> None:
    manifest = SHARED / "manifest.jsonl"
    if not manifest.exists():
        pytest.skip("../shared/data/pdf is absent")
    loader = build()
    for record in map(json.loads, manifest.read_text(encoding="utf-8").splitlines()):
        path = SHARED / record["file"]
        if record["open"] == "ok":
            assert len(loader.load(path).pages) == record["pages"], record["file"]
        else:
            with pytest.raises(DocumentError):
                loader.load(path)
        if password := record.get("known_password"):
            assert build(password=password).load(path).pages, record["file"]
