from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.loaders._mojibake import repair

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.parametrize(
    ("garbled", "meant"),
    [
        ("itâ€™s â€œquotedâ€\x9d", "it’s “quoted”"),
        ("naÃ¯ve cafÃ©", "naïve café"),
        ("ä¸\xadæ–‡ 文档", "中文 文档"),
        ("中文测试".encode().decode("latin-1"), "中文测试"),
        ("ÖÐÎÄ²âÊÔ 1.0", "中文测试 1.0"),
        ("部署指南".encode("gbk").decode("latin-1"), "部署指南"),
        ("你好，世界好".encode().decode("gb18030"), "你好，世界好"),
    ],
)
def test_mojibake_is_undone_and_reported(garbled: str, meant: str) -> None:
    found = repair(f"first\n{garbled}\nlast\n")
    assert found.text == f"first\n{meant}\nlast\n"
    assert [(w.kind, w.detail) for w in found.warnings] == [("mojibake", "1 line (2) repaired")]


def test_without_mending_it_is_reported_and_left() -> None:
    found = repair("naÃ¯ve cafÃ©", mend=False)
    assert found.text == "naÃ¯ve cafÃ©"
    assert [w.detail for w in found.warnings] == ["1 line (1) garbled by a wrong encoding, left as it stands"]


@pytest.mark.parametrize(
    "lost", ["锟斤拷锟斤拷", "烫烫烫烫", "text \ufffd\ufffd lost", "浣犲ソ锛屼笘鐣屽拰骞?"]
)
def test_what_lost_bytes_is_reported_as_beyond_repair(lost: str) -> None:
    found = repair(f"fine\n{lost}\n")
    assert found.text == f"fine\n{lost}\n"
    assert "beyond repair" in found.warnings[0].detail
    assert "(2)" in found.warnings[0].detail


@pytest.mark.parametrize(
    "text",
    [
        "“Curly” ‘quotes’ – dashes — and… ﬁ ½ ™ stay as they are",
        "Größe, créée, Ærø, Łódź, İstanbul, “īśā”, naïve, coöperate",
        "¡Hola! ¿Qué tal? São Paulo, 5 €/m², 37 °C ± 2",
        "`â€™` is what you see, and https://example.org/cafÃ©s is an address",
        "```\nprint('â€™')\n```\n",
        "~~~\n```\nÃ©\n~~~\n",
        "Ελληνικά, Русский текст, עברית, العربية, ไทย, 한국어, 日本語ー",
        "全角：ＡＢＣ；公式 α≥β；→ ①②③ ─│┌",
    ],
)
def test_clean_text_code_and_addresses_are_left_alone(text: str) -> None:
    found = repair(text)
    assert found.text == text
    assert not found.warnings


def test_code_before_and_after_a_garbled_line_stays() -> None:
    text = "```\nÃ©\n```\nnaÃ¯ve cafÃ©\n```\nÃ©\n```\n"
    assert repair(text).text == "```\nÃ©\n```\nnaïve café\n```\nÃ©\n```\n"


def test_a_very_long_garbled_line_is_mended_piece_by_piece() -> None:
    assert repair("x" * 50_000 + " naÃ¯ve cafÃ© " + "y" * 50_000).text.count("naïve café") == 1


def test_no_line_of_real_documentation_is_touched() -> None:
    folder = SHARED / "corpora"
    if not folder.is_dir():
        pytest.skip("../shared/data/corpora is absent")
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert repair(text).text == text, path
        assert not repair(text).warnings, path


def test_no_passage_of_chinese_articles_is_touched() -> None:
    files = [SHARED / "retrieval" / name / "corpus.jsonl" for name in ("drcd_dev", "cmrc2018_trial")]
    if not all(file.exists() for file in files):
        pytest.skip("../shared/data/retrieval is absent")
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not repair(json.loads(line)["text"]).warnings


def test_a_line_of_ticks_is_read_once() -> None:
    """Tried tick by tick, it would take days."""
    line = "Ã© " + "`" * 15_000
    assert repair(line).text == "é " + "`" * 15_000
    assert repair(f"``Ã© ` Ã©`` {line}").text == f"``Ã© ` Ã©`` é {line[3:]}"
