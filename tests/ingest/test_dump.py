"""`python -m ingest --dump` shows what was read and how it is cut, and touches no index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ingest.dump import documents
from rag.config import load_settings

GUIDE = Path(__file__).parents[2] / "docs" / "guide"


class Outcome(Protocol):
    status: int
    out: str
    err: str


Command = Callable[..., Outcome]


def _lines(outcome: Outcome) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_each_document_is_one_json_line_whose_chunks_and_pages_are_ranges_of_its_text(here: Path) -> None:
    (here / "docs").mkdir()
    (here / "docs" / "a.md").write_text("# Keys\n\nKeys are rotated.\n\n## Why\n\n" + "Safety first. " * 200)
    (here / "docs" / "book.pdf").write_bytes((GUIDE / "lectern-handbook.pdf").read_bytes())
    found = [each for each in documents(load_settings({}), [here / "docs"]) if isinstance(each, dict)]
    markdown, pdf = found
    assert list(markdown) == ["path", "text", "pages", "metadata", "warnings", "chunks"]
    assert (markdown["path"], markdown["metadata"]["title"], markdown["pages"]) == ("a.md", "Keys", [])
    assert markdown["chunks"][-1]["heading"] == ["Keys", "Why"]
    assert len(markdown["chunks"]) > 2
    assert [page["number"] for page in pdf["pages"]] == list(range(1, len(pdf["pages"]) + 1))
    for document in found:
        for chunk in document["chunks"]:
            passage = document["text"][chunk["start"] : chunk["end"]]
            assert passage.strip() == passage != ""
        for chunk in document["chunks"] if document is pdf else []:
            page = document["pages"][chunk["page"] - 1]
            assert page["start"] <= chunk["start"] < chunk["end"] <= page["end"]


def test_chunks_are_those_that_an_ingest_indexes(here: Path, ingest: Command) -> None:
    (here / "docs").mkdir()
    (here / "docs" / "a.md").write_text("# Keys\n\n" + "Keys are rotated every month. " * 100, "utf-8")
    dumped = next(each for each in documents(load_settings({}), [here / "docs"]) if isinstance(each, dict))
    assert json.loads(ingest("docs").out)["chunks"] == len(dumped["chunks"])


def test_what_cannot_be_read_is_named_on_stderr_and_makes_the_status_1(here: Path, process: Command) -> None:
    (here / "docs").mkdir()
    (here / "docs" / "good.md").write_text("# Fine\n\nAll is well\u2028here\u0085too.", "utf-8")
    (here / "docs" / "bad\nname.md").write_bytes(b"\0")
    outcome = process("ingest", "docs", "--dump")
    assert outcome.status == 1
    assert outcome.err == "failed   bad\\nname.md: looks like a binary file\n" or (
        outcome.err.startswith("failed   bad\\nname.md: looks like a binary file")
        and outcome.err.count("\n") == 1
    )
    assert [json.loads(line)["path"] for line in outcome.out.split("\n") if line] == ["good.md"]
    assert not (here / "index").exists()


def test_an_existing_index_neither_matters_nor_changes(here: Path, ingest: Command, process: Command) -> None:
    (here / "docs" / "sub").mkdir(parents=True)
    (here / "docs" / "sub" / "a.md").write_text("# Keys\n\nKeys are rotated every month.", "utf-8")
    ingest("docs")
    before = {path: path.stat().st_mtime_ns for path in (here / "index").rglob("*")}
    assert [each["path"] for each in _lines(process("ingest", "docs/sub", "--dump"))] == ["a.md"]
    assert {path: path.stat().st_mtime_ns for path in (here / "index").rglob("*")} == before
