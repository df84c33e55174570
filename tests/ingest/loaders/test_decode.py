from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders._decode import read_text
from rag.errors import DocumentError
from rag.text import normalise

TEXT = "Größe 量化模型 🙂\nsecond line\n"


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "file.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_files_read_alike(tmp_path: Path, encoding: str) -> None:
    assert read_text(_written(tmp_path, TEXT.encode(encoding)), 1000) == TEXT


def test_big_endian_marks_are_understood(tmp_path: Path) -> None:
    assert read_text(_written(tmp_path, b"\xfe\xff" + TEXT.encode("utf-16-be")), 1000) == TEXT


def test_line_ends_become_line_feeds(tmp_path: Path) -> None:
    assert read_text(_written(tmp_path, b"a\r\nb\rc"), 1000) == "a\nb\nc"


def test_an_invalid_byte_is_named_with_its_line_and_offset(tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError, match=r"line 2, byte 9 \(0xE9\) is not valid UTF-8: save the file as UTF-8"
    ):
        read_text(_written(tmp_path, b"first\ncaf\xe9 noir\n"), 1000)


def test_a_chinese_encoding_is_recognised_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="GB18030"):
        read_text(_written(tmp_path, "如何部署量化模型".encode("gb18030")), 1000)


def test_half_a_utf16_character_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="not valid UTF-16"):
        read_text(_written(tmp_path, "ab".encode("utf-16")[:-1]), 1000)


@pytest.mark.parametrize("data", [b"a\0b", b"\x89PNG\r\n\x1a\n\x01\x02\x03", bytes(range(1, 32)) * 4])
def test_a_binary_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DocumentError, match="binary"):
        read_text(_written(tmp_path, data), 1000)


def test_coloured_terminal_output_is_text(tmp_path: Path) -> None:
    assert "error" in read_text(_written(tmp_path, b"\x1b[31merror\x1b[0m"), 1000)


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, b"12345678901")
    with pytest.raises(DocumentError, match="limit of 10 bytes"):
        read_text(path, 10)
    assert read_text(path, 11) == "12345678901"


def test_a_missing_file_or_a_folder_is_an_error_of_the_document(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(DocumentError, match="cannot be read"):
            read_text(path, 10)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_normal_text_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = _written(tmp_path_factory.getbasetemp(), data)
    text, reason = "", "read"
    try:
        text = read_text(path, 1000)
    except DocumentError as error:
        reason = str(error)
    assert normalise(text) == text
    assert reason
    assert "\n" not in reason
