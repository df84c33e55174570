from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders._decode import decode, read, read_text
from rag.errors import DocumentError
from rag.text import normalise

TEXT = "Größe 量化模型 🙂\nsecond line\n"
CHINESE = "# 部署指南\n\n如何部署量化模型：先安装依赖，再运行 `serve`。\n\n内存不足时请调小批次。\n"
TRADITIONAL = "# 部署指南\n\n如何部署量化模型：先安裝相依套件，再執行程式。\n\n記憶體不足時請調小批次。\n"
JAPANESE = "これは日本語の文書です。サーバーを起動するには次のコマンドを実行してください。\n"
KOREAN = "이 문서는 서버를 설치하는 방법을 설명합니다. 먼저 패키지를 설치하고 명령을 실행하십시오.\n"
FRENCH = "Le café était fermé à Noël ; l’hôtel où nous étions n’a pas prévenu.\nÀ bientôt, créée hier.\n"
RUSSIAN = "Этот документ описывает установку сервера. Сначала установите пакет, затем запустите команду.\n"


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "file.txt"
    path.write_bytes(data)
    return path


def _kinds(data: bytes) -> list[str]:
    return [warned.kind for warned in decode(data).warnings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_files_read_alike(tmp_path: Path, encoding: str) -> None:
    assert read_text(_written(tmp_path, TEXT.encode(encoding)), 1000) == TEXT


def test_utf8_is_read_without_a_word() -> None:
    for data in (TEXT.encode(), TEXT.encode("utf-8-sig"), b"", b"plain\n"):
        assert not decode(data).warnings


def test_big_endian_marks_are_understood(tmp_path: Path) -> None:
    assert read_text(_written(tmp_path, b"\xfe\xff" + TEXT.encode("utf-16-be")), 1000) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["plain English\n", CHINESE, "如何部署量化模型"])
def test_wide_encodings_are_told_without_a_mark(text: str, encoding: str) -> None:
    read_back = decode(text.encode(encoding))
    assert read_back.text == text
    assert [warned.kind for warned in read_back.warnings] == ["encoding"]
    assert encoding.upper()[:6] in read_back.warnings[0].detail


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (CHINESE, "gb18030", "GB18030"),
        (CHINESE, "gbk", "GB18030"),
        (TRADITIONAL, "big5", "Big5"),
        (JAPANESE, "shift_jis", "Shift_JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        (KOREAN, "euc_kr", "EUC-KR"),
        (FRENCH, "cp1252", "Windows-1252"),
        (RUSSIAN, "cp1251", "cp1251"),
    ],
)
def test_other_encodings_are_read_and_named(text: str, encoding: str, name: str) -> None:
    read_back = decode(text.encode(encoding))
    assert read_back.text == text
    (warned,) = read_back.warnings
    assert warned.kind == "encoding"
    assert warned.detail.startswith(f"read as {name} (")


@pytest.mark.parametrize("words", ["如何部署量化模型", "部署", "内存不足", "安装失败：端口被占用"])
def test_a_few_chinese_words_are_enough(words: str) -> None:
    assert decode(words.encode("gbk")).text == words
    among = "ERROR 404 not found\n" * 200 + f"reason: {words}!\n" + "ok\n" * 200
    assert decode(among.encode("gbk")).text == among


@pytest.mark.parametrize("words", ["café noir", "Größe", "naïve", "it’s", "5 £ each", "37 °C"])
def test_a_few_western_words_are_enough(words: str) -> None:
    assert decode(words.encode("cp1252")).text == words


def test_how_sure_it_is_is_said() -> None:
    assert "(sure)" in decode(CHINESE.encode("gbk")).warnings[0].detail
    assert "(a guess)" in decode("caf\u00e9 noir".encode("latin-1")).warnings[0].detail


def test_lines_of_two_encodings_are_each_read_in_their_own() -> None:
    """Logs are made so: one program writes UTF-8, another the system's encoding, into the same file."""
    first, second = "启动服务成功。\n", "连接数据库失败，请检查配置。\n"
    read_back = decode(first.encode() * 3 + second.encode("gbk") + first.encode())
    assert read_back.text == first * 3 + second + first
    assert read_back.warnings[0].detail.startswith("1 line from line 4 on read as GB18030")


def test_a_damaged_byte_costs_its_character_and_is_named() -> None:
    text = CHINESE * 20
    read_back = decode(text[:250].encode() + b"\xff" + text[250:].encode())
    assert read_back.text == text[:250] + "\ufffd" + text[250:]
    assert read_back.warnings[0].kind == "encoding"
    assert read_back.warnings[0].detail.startswith(f"line {text[:250].count(chr(10)) + 1}, byte ")
    assert "1 character that cannot be read is replaced" in read_back.warnings[0].detail


def test_much_damage_is_refused_with_its_place() -> None:
    data = bytearray((CHINESE * 5).encode())
    for at in range(10, len(data), 7):
        data[at] = 0xFF
    with pytest.raises(DocumentError, match=r"line 1, byte 8 \(0xE6\) is not valid UTF-8"):
        decode(bytes(data))


def test_half_a_utf16_character_is_replaced_and_much_of_it_refused() -> None:
    read_back = decode(TEXT.encode("utf-16")[:-1])
    assert read_back.text == TEXT[:-1] + "\ufffd"
    assert [warned.kind for warned in read_back.warnings][:2] == ["encoding", "encoding"]
    with pytest.raises(DocumentError, match="damaged"):
        decode(b"\xff\xfe" + b"\x00\xd8a\x00" * 50)


def test_surrogate_pairs_in_utf8_are_joined() -> None:
    data = "日志 🙂 ok".encode("utf-16-be", "surrogatepass").decode("utf-16-be")
    cesu = b"".join(
        unit.encode("utf-8", "surrogatepass") for unit in (data[:3], "\ud83d", "\ude42", data[4:])
    )
    assert decode(cesu).text == data


def test_line_ends_become_line_feeds(tmp_path: Path) -> None:
    assert read_text(_written(tmp_path, b"a\r\nb\rc\x0cd"), 1000) == "a\nb\nc\nd"


def test_control_characters_are_removed_and_counted() -> None:
    read_back = decode(
        b"first line of a log\nno\0thing \x07bell \xef\xbb\xbfmark, and much other text here " * 3
    )
    assert read_back.text.startswith("first line of a log\nnothing bell mark,")
    assert [(w.kind, w.detail) for w in read_back.warnings] == [
        ("control_characters", "9 control characters removed, from line 2 on")
    ]


def test_colour_codes_go_whole(tmp_path: Path) -> None:
    read_back = read(_written(tmp_path, b"\x1b[31merror\x1b[0m: disk full"))
    assert read_back.text == "error: disk full"
    assert _kinds(b"\x1b[31merror\x1b[0m") == ["control_characters"]


def test_characters_that_reorder_the_line_are_reported_and_kept() -> None:
    """They are part of right-to-left text, and hide code from reviewers ("Trojan Source")."""
    line = "ok\nif access != 'user\u202e \u2066// admin\u2069 \u2066':\n"
    read_back = decode(line.encode())
    assert read_back.text == line
    assert [(w.kind, w.detail[:6]) for w in read_back.warnings] == [("bidi_controls", "line 2")]


@pytest.mark.parametrize(
    "data", [b"a\0b", b"\x89PNG\r\n\x1a\n\x01\x02\x03", bytes(range(1, 32)) * 4, b"PK\x03\x04" + b"a" * 99]
)
def test_a_binary_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DocumentError, match="binary"):
        read_text(_written(tmp_path, data), 1000)


def test_bytes_without_sense_are_refused() -> None:
    """Nearly any bytes are valid GB18030 or Latin-1; that does not make a text of them."""
    import random

    dice = random.Random(7)  # noqa: S311
    for _ in range(50):
        with pytest.raises(DocumentError):
            decode(bytes(dice.choices([*range(32, 127), *range(128, 256)], k=600)))


def test_a_declared_encoding_decides_where_it_fits() -> None:
    data = "配置".encode("big5")
    assert decode(data, declared="big5").text == "配置"
    assert decode(CHINESE.encode("gbk"), declared="gb2312").text == CHINESE
    assert decode(CHINESE.encode("gbk"), declared="no-such-name").text == CHINESE
    assert decode(CHINESE.encode("gbk"), declared="rot13").text == CHINESE
    assert decode(CHINESE.encode(), declared="gb2312").text == CHINESE


def test_a_file_over_the_limit_is_refused_and_the_setting_named(tmp_path: Path) -> None:
    path = _written(tmp_path, b"12345678901")
    with pytest.raises(DocumentError, match=r"limit of 10 bytes: .* raise ingest\.max_bytes"):
        read_text(path, 10)
    assert read_text(path, 11) == "12345678901"


def test_a_missing_file_or_a_folder_is_an_error_of_the_document(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(DocumentError, match="cannot be read"):
            read_text(path, 10)


@pytest.mark.parametrize("line", ["plain log line ", "größer café ", "日志内容，请检查。"])
def test_memory_is_a_small_multiple_of_one_long_line(line: str) -> None:
    data = line.encode() * (8_000_000 // len(line.encode()))
    tracemalloc.start()
    decode(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(data)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_normal_text_or_one_clear_line(data: bytes) -> None:
    text, reason = "", "read"
    try:
        text = decode(data).text
    except DocumentError as error:
        reason = str(error)
    assert normalise(text) == text
    assert reason
    assert "\n" not in reason


@given(text=st.text(max_size=200))
def test_what_is_sound_utf8_stays_as_normalise_makes_it(text: str) -> None:
    """Beyond it, only form feeds, inner byte-order marks and C1 codes are treated otherwise."""
    plain = "".join(
        each for each in text if each not in "\x0b\x0c\x1b\ufeff" and not "\x80" <= each <= "\x9f"
    )
    ours = decode(("x" * 5000 + "文" + plain).encode(), mend=False)
    assert ours.text == normalise("x" * 5000 + "文" + plain)
