"""Pages are drawn with the quoted lines marked, within limits, whatever the file."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest

from api.errors import RefusedError
from api.pages.draw import Picture, Wanted, draw
from api.pages.png import png
from rag.sections import Pdf

WANTED = Wanted("a.pdf", 1, (), 600)
WORD = "varde"
LINE = "The lighthouse of Varde was built in 1856."


def pixels(data: bytes) -> list[bytes]:
    """The RGB rows of one of our pictures."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width = struct.unpack(">I", data[16:20])[0]
    packed = b""
    at = 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    raw = zlib.decompress(packed)
    return [raw[y + 1 : y + 1 + 3 * width] for y in range(0, len(raw), 3 * width + 1)]


def page(tmp_path: Path, *, rotate: int = 0, password: str = "", dark: bool = False) -> Path:
    """A page that says LINE in the upper half and another line below."""
    from reportlab.pdfgen.canvas import Canvas

    file = tmp_path / f"page-{rotate}-{dark}.pdf"
    canvas = Canvas(str(file), pagesize=(300, 400), encrypt=password or None)
    if dark:
        canvas.rect(0, 0, 300, 400, fill=1)
        canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(30, 350, LINE)
    canvas.drawString(30, 60, "Its lamp burned rape oil until 1923.")
    canvas.save()
    if rotate:
        from pypdfium2 import PdfDocument

        with PdfDocument(file.read_bytes()) as document:
            document[0].set_rotation(rotate)
            document.save(file)
    return file


def drawn(
    file: Path, quote: str = LINE, *, wanted: Wanted = WANTED, pdf: Pdf | None = None, password: str = ""
) -> Picture:
    with file.open("rb") as stream:
        return draw(pdf or Pdf(), [password] if password else [], stream, wanted, [(quote, 0.0)])


def is_marked(row: bytes, x: int) -> bool:
    red, green, blue = row[3 * x : 3 * x + 3]
    return red > 200 and green > 180 and blue < 150


def test_the_quoted_line_is_coloured_and_nothing_else(tmp_path: Path) -> None:
    picture = drawn(page(tmp_path))
    rows = pixels(picture.png)
    assert (len(rows[0]) // 3, len(rows), picture.pages) == (600, 800, 1)
    ((x0, y0, x1, y1),) = picture.rectangles
    assert 0.08 < x0 < 0.11
    assert 0.1 < y0 < y1 < 0.14
    for y, row in enumerate(rows):
        coloured = [x for x in range(600) if is_marked(row, x)]
        assert not coloured or y0 <= (y + 1) / 800 <= y1 + 0.01
        assert all(x0 <= (x + 1) / 600 <= x1 + 0.01 for x in coloured)
    assert sum(is_marked(row, x) for row in rows for x in range(600)) > 3000


def test_without_a_quotation_the_page_is_as_it_is(tmp_path: Path) -> None:
    picture = drawn(page(tmp_path), "")
    assert picture.rectangles == ()
    assert not any(is_marked(row, x) for row in pixels(picture.png) for x in range(600))


def test_on_a_turned_page_the_mark_turns_with_it(tmp_path: Path) -> None:
    picture = drawn(page(tmp_path, rotate=90))
    rows = pixels(picture.png)
    assert (len(rows[0]) // 3, len(rows)) == (600, 450)
    ((x0, y0, _, y1),) = picture.rectangles
    assert x0 > 0.8, "the head of the page is now at the right"
    assert y1 - y0 > 0.5
    assert is_marked(rows[round((y0 + y1) / 2 * 450)], round(x0 * 600) + 1)


def test_on_a_dark_page_a_line_shows_what_is_quoted(tmp_path: Path) -> None:
    picture = drawn(page(tmp_path, dark=True))
    ((x0, _, x1, y1),) = picture.rectangles
    row = pixels(picture.png)[round(y1 * 800) - 1]
    assert row[3 * round((x0 + x1) * 300) :][:3] == bytes((197, 106, 58))


def test_a_protected_file_wants_its_password(tmp_path: Path) -> None:
    file = page(tmp_path, password=WORD)
    with pytest.raises(RefusedError, match=r"pdf\.password"):
        drawn(file)
    assert drawn(file, password=WORD).rectangles


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\xff" * 3000, b"no such thing"])
def test_what_is_no_sound_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.pdf"
    file.write_bytes(content)
    with pytest.raises(RefusedError, match="cannot be drawn") as raised:
        drawn(file)
    assert raised.value.failure.status == 422
    assert str(tmp_path) not in raised.value.failure.detail


def test_a_page_that_draws_for_ever_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "endless.pdf"
    file.write_bytes(_nested(2))
    assert drawn(file).pages == 1, "it is sound as long as it is short"
    file.write_bytes(_nested(12))
    with pytest.raises(RefusedError, match="cannot be drawn"):
        drawn(file, pdf=Pdf(seconds=1))


def test_a_page_as_long_as_a_street_stays_a_small_picture(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    file = tmp_path / "long.pdf"
    canvas = Canvas(str(file), pagesize=(20, 14_000))
    canvas.drawString(2, 9000, "Rye")
    canvas.save()
    picture = drawn(file, wanted=Wanted("long.pdf", 1, (), 2000))
    rows = pixels(picture.png)
    assert len(rows) * len(rows[0]) // 3 <= 6_100_000


def test_png_files_are_what_other_programs_read() -> None:
    image = pytest.importorskip("PIL.Image")
    rows = [bytes([200, 0, 0, 0, 100, 0]), bytes(6)]
    read = image.open(io.BytesIO(png(rows, 2)))
    assert read.size == (2, 2)
    assert read.convert("RGB").tobytes() == b"".join(rows)


def _nested(levels: int) -> bytes:
    """Drawing that calls the next level of drawing ten times over."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
        b"<</Length 5>>stream\n/X Do\nendstream",
    ]
    for level in range(levels):
        inner = b"/X Do " * 10 if level < levels - 1 else b"0 0 m 1 1 l S "
        more = b"/Resources<</XObject<</X %d 0 R>>>>" % (6 + level) if level < levels - 1 else b""
        head = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]%s/Length %d>>" % (more, len(inner))
        objects.append(head + b"stream\n" + inner + b"\nendstream")
    body, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + head + table + tail
