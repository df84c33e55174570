"""Files that could not be read are told of again, and not called new, until they change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from rag.build import build_store
from rag.config import load_settings


class Outcome(Protocol):
    status: int

    @property
    def report(self) -> dict[str, Any]: ...


Command = Callable[..., Outcome]


@pytest.fixture
def docs(here: Path) -> Path:
    """A folder of a sound file and two that cannot be read."""
    (here / "docs" / "sub").mkdir(parents=True)
    (here / "docs" / "a.md").write_text("# Foxes\n\nRed foxes hunt at night.\n", "utf-8")
    (here / "docs" / "sub" / "b.ipynb").write_text('{"cells": [', "utf-8")
    (here / "docs" / "c.txt").write_bytes(bytes(2000))
    return here / "docs"


def _unread() -> set[str]:
    store = build_store(load_settings({"index": "index"}), read_only=True)
    try:
        return set(json.loads(store.settings()["unread"]))
    finally:
        store.close()


def _foretold(ingest: Command, *paths: Path) -> tuple[int, int, list[str]]:
    report = ingest(*paths, "--dry-run").report
    return report["written"], report["unchanged"], sorted(each["path"] for each in report["failed"])


def test_a_dry_run_says_again_what_could_not_be_read_and_calls_it_not_new(
    ingest: Command, docs: Path
) -> None:
    assert _foretold(ingest, docs) == (3, 0, [])
    tried = ingest(docs)
    assert _foretold(ingest, docs) == (0, 1, ["c.txt", "sub/b.ipynb"])
    told = ingest(docs, "--dry-run")
    assert sorted(map(str, told.report["failed"])) == sorted(map(str, tried.report["failed"]))
    assert told.status == 1


def test_a_file_that_changed_since_is_new(ingest: Command, docs: Path) -> None:
    ingest(docs)
    (docs / "c.txt").write_text("Words at last.", "utf-8")
    assert _foretold(ingest, docs) == (1, 1, ["sub/b.ipynb"])
    assert len(ingest(docs).report["failed"]) == 1
    assert _unread() == {"sub/b.ipynb"}


def test_an_ingest_of_one_folder_forgets_nothing_of_another(ingest: Command, docs: Path) -> None:
    ingest(docs)
    (docs / "sub" / "b.ipynb").unlink()
    (docs / "sub" / "d.md").write_text("Blue whales sing.", "utf-8")
    ingest(docs / "sub")
    assert _unread() == {"c.txt"}


def test_every_ingest_tries_again(ingest: Command, docs: Path) -> None:
    assert ingest(docs).report["failed"] == ingest(docs).report["failed"] != []


def test_what_a_setting_of_the_record_cannot_hold_counts_as_new(ingest: Command, docs: Path) -> None:
    for number in range(300):
        (docs / f"{number}{'文' * 70}.ipynb").write_text("{", "utf-8")
    ingest(docs)
    new, unchanged, failed = _foretold(ingest, docs)
    assert (new + len(failed), unchanged) == (302, 1)
    assert new > 0
    assert len(failed) > 50
