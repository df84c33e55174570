"""What people read in the terminal: facts in words, and names that cannot steer it."""

from __future__ import annotations

from typing import Any

import pytest

from rag.terminal import found_lines, status_lines
from rag.types import Chunk, Hit, Leg

FACTS: dict[str, Any] = {
    "index": "index",
    "generation": "1a2b3c4d5e6f",
    "number": 3,
    "documents": 1,
    "chunks": 12,
    "empty_pages": 2,
    "unpublished": False,
    "intact": True,
    "damage": None,
    "embedder": "model@1",
    "embedder_set": "model@1",
    "device": "cpu, float32",
    "generator": "extractive",
    "segments": 2,
    "bytes": 1_627_557,
}


def test_status_is_told_in_words_each_fact_once() -> None:
    assert status_lines(FACTS, ["English: one", "Chinese: two"]) == [
        "index        index",
        "holds        1 document, 12 chunks, 2 pages without text",
        "generation   1a2b3c4d5e6f, number 3, in 2 segments, 1.6 MB",
        "files        intact",
        "embedder     model@1 on cpu, float32",
        "generator    extractive",
        "calibration  English: one",
        "             Chinese: two",
    ]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"damage": "a.bin is damaged: run this"}, "files        a.bin is damaged: run this"),
        ({"unpublished": True}, "unpublished  the record holds changes that no search sees yet: run"),
        ({"embedder_set": "model@2"}, "             the setting is now model@2: set embedder.model back"),
        (
            {"embedder_set": "model@1, Chinese glossed/1 by words@2"},
            "             Chinese text, if it holds any, is found by words alone: ingest with --rebuild",
        ),
        (
            {"generation": None, "damage": "12 documents are recorded"},
            "damage       12 documents are recorded",
        ),
        ({"bytes": 999}, "generation   1a2b3c4d5e6f, number 3, in 2 segments, 999 bytes"),
        ({"bytes": 5 * 10**12}, "generation   1a2b3c4d5e6f, number 3, in 2 segments, 5000.0 GB"),
    ],
)
def test_what_is_the_matter_with_an_index_stands_in_its_own_line(changed: dict[str, Any], line: str) -> None:
    assert any(each.startswith(line) for each in status_lines(FACTS | changed, []))


def test_where_nothing_was_calibrated_that_is_said() -> None:
    assert status_lines(FACTS, [])[-1] == "calibration  none: the fixed threshold holds"


def test_a_line_feed_or_an_escape_in_a_name_is_shown_not_obeyed() -> None:
    chunk = Chunk("new\nline\x1b[2J.md", 0, "Some words.", 0, 11)
    [first, _] = found_lines([Hit(chunk, 1.0, sparse=Leg(1, 1.0))])
    assert first.startswith("1. new\\nline\\x1b[2J.md ")
