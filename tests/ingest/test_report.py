"""The report's two forms: text for people, JSON for scripts."""

from __future__ import annotations

import json
from collections import Counter

from ingest.report import Report


def _full() -> Report:
    return Report(
        written=3,
        unchanged=2,
        removed=1,
        moved=1,
        failed=[("a\nb.pdf", "is damaged"), ("bad\udcff.md", "rename it")],
        warnings=[("c.pdf", "empty_pages", "page 2 has no text")],
        skipped=Counter({".png": 2, "odd\udcff": 1}),
        empty_pages=1,
        chunks=40,
        seconds=10.0,
        embedded_chunks=20,
        embedding_seconds=8.0,
        device="cpu, float32",
        generation="abc",
    )


def test_json_has_the_keys_that_scripts_rely_on() -> None:
    value = _full().as_json()
    agreed = "written unchanged removed moved failed warnings empty_pages chunks seconds generation".split()
    assert set(agreed) <= set(value)
    assert list(value["failed"][0]) == ["path", "reason"]
    assert value["warnings"] == [{"path": "c.pdf", "kind": "empty_pages", "detail": "page 2 has no text"}]
    assert value["embedding"] == {"chunks": 20, "seconds": 8.0, "share": 0.8, "device": "cpu, float32"}


def test_json_can_be_written_as_utf8_whatever_the_files_are_called() -> None:
    text = json.dumps(_full().as_json(), ensure_ascii=False).encode("utf-8")
    value = json.loads(text)
    assert [each["path"] for each in value["failed"]] == ["a\nb.pdf", "bad\\udcff.md"]
    assert value["skipped"] == {".png": 2, "odd\\udcff": 1}


def test_text_names_failures_first_and_keeps_each_on_one_line() -> None:
    lines = list(_full().lines())
    assert lines[:2] == ["failed   a\\nb.pdf: is damaged", "failed   bad\\udcff.md: rename it"]
    assert lines[2] == "warning  c.pdf: empty pages: page 2 has no text"
    assert "documents 3 written, 1 moved, 2 unchanged, 1 removed, 2 failed" in lines
    assert not any("\n" in line for line in lines)
    assert "80%" in lines[-1]


def test_a_terminal_escape_in_a_name_is_shown_and_not_sent() -> None:
    (line, *_) = Report(failed=[("\x1b[31m文件.md", "is damaged")]).lines()
    assert line == "failed   \\x1b[31m文件.md: is damaged"


def test_a_dry_run_speaks_of_what_would_be() -> None:
    lines = list(Report(written=2, dry_run=True).lines())
    assert lines == ["documents would be 2 written, 0 unchanged, 0 removed, 0 failed"]


def test_an_ingest_without_news_says_that_nothing_was_embedded() -> None:
    assert list(Report(seconds=0.1, generation="abc").lines())[-1] == "time      0.1 s, nothing to embed"
