"""Real folders: a slice of the PDF collection and of the Markdown corpora that lie beside the project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"
PDFS = "pypdf/encryption"
PAGES = ("d2l_zh/README.md", "d2l_zh/INFO.md", "fastapi_en/reference/background.md")


class Outcome(Protocol):
    status: int

    @property
    def report(self) -> dict[str, Any]: ...


Command = Callable[..., Outcome]


@pytest.fixture
def files(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RAG_EMBEDDER__BATCH_TOKENS")  # these passages are long
    if not DATA.is_dir():
        pytest.skip(f"the collections of real files are not here: {DATA}")
    shutil.copytree(DATA / "pdf" / PDFS, here / "files" / PDFS)
    for page in PAGES:
        (here / "files" / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / "corpora" / page, here / "files" / page)
    return here / "files"


def test_closed_pdfs_are_reported_by_name_and_everything_else_is_indexed(
    files: Path, ingest: Command
) -> None:
    lines = (DATA / "pdf" / "manifest.jsonl").read_text("utf-8").splitlines()
    known = [json.loads(line) for line in lines]
    closed = {each["file"] for each in known if each["file"].startswith(PDFS) and each["open"] != "ok"}
    outcome = ingest(files)
    reasons = {each["path"]: each["reason"] for each in outcome.report["failed"]}
    assert outcome.status == 1
    assert set(reasons) == closed
    assert all("password" in reason for reason in reasons.values())
    expected = sum(path.suffix in (".pdf", ".md") for path in files.rglob("*")) - len(closed)
    assert outcome.report["written"] == expected > 5
    again = ingest(files)
    assert (again.report["written"], again.report["unchanged"]) == (0, expected)
    assert again.report["generation"] == outcome.report["generation"]
