from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ingest.loaders import _compose, docx
from ingest.loaders.docx import build
from rag.errors import DocumentError

NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def _package(body: str, **parts: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", f"<w:document {NAMESPACE}><w:body>{body}</w:body></w:document>")
        for name, content in parts.items():
            package.writestr(f"word/{name}.xml", content)
    return stream.getvalue()


def _text(folder: Path, data: bytes) -> str:
    path = folder / "file.docx"
    path.write_bytes(data)
    return build().load(path).text


def _paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def _saved(folder: Path, document: Any) -> Path:
    path = folder / "report.docx"
    document.save(str(path))
    return path


def test_a_document_becomes_markdown(tmp_path: Path) -> None:
    from docx import Document

    document = Document()
    document.core_properties.title = "Annual report"
    document.add_heading("Introduction", 1)
    document.add_paragraph("Hello ").add_run("bold").bold = True
    for words in ("first", "second"):
        document.add_paragraph(words, style="List Bullet")
    document.add_paragraph("counted", style="List Number")
    table = document.add_table(2, 2)
    for at, words in enumerate(("Name", "a|b", "x", "1")):
        table.cell(at // 2, at % 2).text = words
    document.add_heading("小节", 2)
    document.add_paragraph("# 正文。")
    loaded = build().load(_saved(tmp_path, document))
    assert loaded.text == (
        "# Introduction\n\nHello bold\n\n- first\n- second\n1. counted\n\n"
        "| Name | a\\|b |\n| --- | --- |\n| x | 1 |\n\n## 小节\n\n\\# 正文。\n"
    )
    assert loaded.metadata == {"type": "markdown", "format": "docx", "title": "Annual report"}
    assert not loaded.warnings


def test_headings_are_known_by_the_name_of_their_style_in_any_language(tmp_path: Path) -> None:
    """Chinese Word calls the style "1"; a style made from it is a heading too."""
    styles = (
        f'<w:styles {NAMESPACE}><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="a"><w:name w:val="我的标题"/><w:basedOn w:val="1"/></w:style>'
        '<w:style w:styleId="b"><w:basedOn w:val="b"/></w:style></w:styles>'
    )
    body = "".join(_paragraph(style, f'<w:pStyle w:val="{style}"/>') for style in ("1", "a", "b"))
    body += _paragraph("outlined", '<w:outlineLvl w:val="2"/>')
    assert _text(tmp_path, _package(body, styles=styles)) == "# 1\n\n# a\n\nb\n\n### outlined\n"


def test_revisions_read_as_accepted_and_hidden_text_stays_hidden(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t xml:space='preserve'> added</w:t></w:r></w:ins>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<w:hyperlink><w:r><w:t> linked</w:t></w:r></w:hyperlink></w:p>"
        "<w:sdt><w:sdtContent>" + _paragraph("in a control") + "</w:sdtContent></w:sdt>"
    )
    assert _text(tmp_path, _package(body)) == "kept added linked\n\nin a control\n"


def test_a_note_follows_the_paragraph_that_refers_to_it(tmp_path: Path) -> None:
    notes = (
        f'<w:footnotes {NAMESPACE}><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
        f'<w:footnote w:id="2">{_paragraph("See page 3.")}</w:footnote></w:footnotes>'
    )
    body = '<w:p><w:r><w:t>Claim</w:t><w:footnoteReference w:id="2"/></w:r></w:p>' + _paragraph("Next")
    assert _text(tmp_path, _package(body, footnotes=notes)) == "Claim\n\n[Note] See page 3.\n\nNext\n"


def test_a_nested_table_stays_in_its_cell(tmp_path: Path) -> None:
    def table(cell: str) -> str:
        return f"<w:tbl><w:tr><w:tc>{cell}</w:tc></w:tr></w:tbl>"

    text = _text(tmp_path, _package(table(_paragraph("outer") + table(_paragraph("inner")))))
    assert text.count("\n") == 2
    assert "outer" in text
    assert "inner" in text


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _package(_paragraph("a" * 5_000_000))
    assert len(data) < 10_000
    monkeypatch.setattr(docx, "_MAX_PART", 1_000_000)
    with pytest.raises(DocumentError, match="unpacks to more than 1,000,000 bytes"):
        _text(tmp_path, data)


def test_more_tags_than_people_write_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compose, "MAX_TAGS", 1000)
    with pytest.raises(DocumentError, match="more than 1,000 tags"):
        _text(tmp_path, _package("<w:p/>" * 1001))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "password-protected or an old .doc"),
        (b"", "not a .docx"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (_package("<w:p>"), "cannot be parsed"),
        (_package("<w:tbl>" * 100_000), "cannot be parsed"),
    ],
)
def test_what_is_no_document_is_refused_in_plain_words(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        _text(tmp_path, data)


def test_a_cut_or_altered_archive_is_refused(tmp_path: Path) -> None:
    data = _package(_paragraph("Hello " * 500))
    with pytest.raises(DocumentError, match="damaged"):
        _text(tmp_path, data[: len(data) // 2])
    with pytest.raises(DocumentError):
        _text(tmp_path, data[:60] + b"\xff\xff\xff" + data[63:])


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET", encoding="utf-8")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr(
            "word/document.xml",
            f'<!DOCTYPE d [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
            f"<w:document {NAMESPACE}><w:p><w:r><w:t>a&s;b</w:t></w:r></w:p></w:document>",
        )
    assert "SECRET" not in _text(tmp_path, stream.getvalue())


def test_a_zip_archive_of_something_else_is_said_to_be_so(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr("a.txt", "a")
    with pytest.raises(DocumentError, match="no Word document"):
        _text(tmp_path, stream.getvalue())


def test_a_missing_package_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    with pytest.raises(DocumentError, match=r'needs the package lxml.*: pip install -e "\.\[docx\]"'):
        _text(tmp_path, _package(""))
