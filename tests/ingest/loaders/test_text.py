from __future__ import annotations

from pathlib import Path

from ingest.loaders.text import build


def test_text_keeps_its_marks_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("# no heading here\n", encoding="utf-8")
    loaded = build().load(path)
    assert loaded.text == "# no heading here\n"
    assert loaded.metadata == {"type": "text"}
    assert not loaded.warnings


def test_an_empty_file_is_read_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content in (b"", b"\xef\xbb\xbf", b" \r\n\t"):
        path.write_bytes(content)
        assert [warned.kind for warned in build().load(path).warnings] == ["empty"]


def test_how_a_file_was_read_is_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes("连接数据库失败，请检查配置。".encode("gbk"))
    loaded = build().load(path)
    assert loaded.text == "连接数据库失败，请检查配置。"
    assert [warned.kind for warned in loaded.warnings] == ["encoding"]
