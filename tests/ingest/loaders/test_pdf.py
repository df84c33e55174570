"""PDF files: sound, broken, protected and hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders._pdf_flow import mend
from ingest.loaders._pdf_report import listed
from ingest.loaders.pdf import build, join, normal, sane_title
from rag.config import load_settings
from rag.errors import DocumentError, SettingError
from rag.text import normalise
from rag.types import Loaded

if TYPE_CHECKING:
    from tests.ingest.loaders.conftest import PdfBytes

SHARED = Path(__file__).parents[4] / "shared" / "data" / "pdf"


def _load(folder: Path, data: bytes) -> Loaded:
    path = folder / "file.pdf"
    path.write_bytes(data)
    return build(ocr="off").load(path)


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
    assert (warned.kind, warned.detail) == (
        "empty_pages",
        'pages 2, 4-6 have no text (scanned images?); set pdf.ocr = "auto" to have them read by OCR',
    )


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


def test_several_passwords_are_tried_and_a_file_may_have_its_own(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "reports" / "secret.pdf"
    path.parent.mkdir()
    canvas = Canvas(str(path), encrypt="sesame")
    canvas.drawString(72, 700, "Nobody else may read this")
    canvas.save()
    text = "Nobody else may read this"
    assert build(passwords=["wrong", "sesame"]).load(path).text == text
    assert build(password="wrong", file_passwords={"reports/*.pdf": "sesame"}).load(path).text == text  # noqa: S106
    with pytest.raises(DocumentError, match="none of the 2 passwords") as caught:
        build(passwords=["wrong", "other"], file_passwords={"letters/*.pdf": "sesame"}).load(path)
    assert "other" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("passwords", "hush"),
        ("passwords", ["a", {"b": "hush"}]),
        ("file_passwords", "hush"),
        ("file_passwords", {"a": ["hush"]}),
    ],
)
def test_a_mistyped_password_is_refused_without_being_shown(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"pdf\\.{name}: must be") as caught:
        load_settings({f"pdf.{name}": value})
    assert "hush" not in str(caught.value)


def test_a_password_does_no_harm_to_a_file_that_needs_none(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    path = tmp_path / "open.pdf"
    path.write_bytes(pdf_bytes.pages([b"open to all"]))
    assert build(password="sesame").load(path).text == "open to all"  # noqa: S106


def test_one_loader_serves_several_threads(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    """Each file's text is its own, and one that is refused does not disturb the others."""
    from concurrent.futures import ThreadPoolExecutor

    paths = []
    for number in range(12):
        paths.append(tmp_path / f"{number}.pdf")
        data = pdf_bytes.pages([b"file %d" % number] * 20)
        paths[-1].write_bytes(data if number % 6 else pdf_bytes.bomb(300))
    loader = build(processes=3, memory_mb=256, ocr="off")

    def text(path: Path) -> str:
        try:
            return loader.load(path).text.split("\n")[0]
        except DocumentError as error:
            return "refused" if "pdf.memory_mb" in str(error) else str(error)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(text, paths))
    assert found == [f"file {number}" if number % 6 else "refused" for number in range(12)]


def test_ligatures_are_taken_apart() -> None:
    from ingest.loaders._pdf_words import _written

    assert _written("\ufb01le o\ufb03ce") == ("file office", False)
    assert _written("par\ufffe") == ("par", True)
    assert _written("c\u00add") == ("c-d", False)


def test_a_word_is_mended_as_the_page_writes_it_elsewhere() -> None:
    assert mend("infor", "mation", set()) == ""
    assert mend("un", "broken", {"un-broken"}) == "-"
    assert mend("well", "known", set()) == "-"
    assert mend("Schwarz", "Weiß", set()) == "-"
    assert mend("COVID", "19", set()) == "-"
    assert mend("in", "and", set()) == "- "


def test_a_page_of_garbage_glyphs_is_said_to_be_so_and_not_read(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    """A font whose glyphs are mapped to private characters; the sound page beside it is read."""
    path = tmp_path / "garbled.pdf"
    path.write_bytes(garbled(pdf_bytes))
    loaded = build(ocr="off").load(path)
    assert loaded.text.strip() == "a page of plain words"
    (warned,) = loaded.warnings
    assert warned.kind == "garbled"
    assert warned.detail.startswith("page 2 holds glyphs that stand for no characters")


def garbled(pdf_bytes: PdfBytes) -> bytes:
    unicode_map = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange\n"
        b"1 beginbfrange <20> <7E> <E020> endbfrange\nendcmap end end"
    )
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F %d 0 R>>>>>>"
    )
    return pdf_bytes.file(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
            page % (5, 7),
            page % (6, 8),
            pdf_bytes.stream(b"BT /F 12 Tf 72 700 Td (a page of plain words) Tj ET"),
            pdf_bytes.stream(b"BT /F 12 Tf 72 700 Td (what nobody can read) Tj ET"),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 9 0 R>>",
            pdf_bytes.stream(unicode_map),
        ]
    )


@given(
    texts=st.lists(
        st.text(st.sampled_from("aA é\u0301\u00ad\ufffe\ufeff\r\n \x0c\x00中"), max_size=12), max_size=5
    )
)
def test_joined_pages_are_normal_text_with_exact_ranges(texts: list[str]) -> None:
    cleaned = [normal(text) for text in texts]
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
    loader = build(ocr="off")
    records = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    passwords = {record["known_password"] for record in records if record.get("known_password")}
    with_passwords = build(passwords=sorted(passwords), ocr="off")
    for record in records:
        path = SHARED / record["file"]
        if record["open"] == "ok":
            assert len(loader.load(path).pages) == record["pages"], record["file"]
        else:
            with pytest.raises(DocumentError):
                loader.load(path)
        if record.get("known_password"):
            assert with_passwords.load(path).pages, record["file"]
