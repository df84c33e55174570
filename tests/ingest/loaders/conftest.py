"""PDF files made byte by byte, sound and hostile ones."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest


class PdfBytes:
    """Builds small PDF files by hand."""

    def file(self, objects: Sequence[bytes]) -> bytes:
        """A file of these objects, numbered from 1; the first is the catalogue."""
        body, offsets = b"%PDF-1.7\n", []
        for number, item in enumerate(objects, start=1):
            offsets.append(len(body))
            body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
        table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        tail = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
        return body + head + table + tail

    def stream(self, data: bytes, extra: bytes = b"") -> bytes:
        return b"<<%s/Length %d>>stream\n%s\nendstream" % (extra, len(data), data)

    def pages(self, texts: Sequence[bytes], *, count: int | None = None) -> bytes:
        """One page per text, each text one line in Helvetica; `count` is what the file claims to have."""
        kids = b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(len(texts)))
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(texts) if count is None else count),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ]
        for i, text in enumerate(texts):
            resources = b"/Resources<</Font<</F 3 0 R>>>>"
            objects.append(
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R%s>>"
                % (5 + 2 * i, resources)
            )
            objects.append(self.stream(b"BT /F 12 Tf 72 700 Td (%s) Tj ET" % text if text else b""))
        return self.file(objects)

    def bomb(self, megabytes: int) -> bytes:
        """One page whose content unpacks, twice over, to that many megabytes."""
        packer = zlib.compressobj(9)
        data = b"".join(packer.compress(b"q " * 2**19) for _ in range(megabytes)) + packer.flush()
        return self._one_page(self.stream(zlib.compress(data, 9), b"/Filter[/FlateDecode/FlateDecode]"), [])

    def endless(self) -> bytes:
        """One page whose drawing calls itself ten times over at each of twelve levels."""
        forms = []
        for level in range(12):
            inner = b"/X Do " * 10 if level < 11 else b"0 0 m 1 1 l S "
            resources = b"/Resources<</XObject<</X %d 0 R>>>>" % (6 + level) if level < 11 else b""
            forms.append(self.stream(inner, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]" + resources))
        return self._one_page(self.stream(b"/X Do"), forms)

    def _one_page(self, content: bytes, more: Sequence[bytes]) -> bytes:
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        page += b"/Resources<</XObject<</X 5 0 R>>>>>>" if more else b">>"
        return self.file(
            [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, content, *more]
        )


@pytest.fixture(scope="session")
def pdf_bytes() -> PdfBytes:
    return PdfBytes()
