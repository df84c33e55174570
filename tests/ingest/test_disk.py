"""A disk that is full: one clear line, and the same command finishes once there is room."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest


class Outcome(Protocol):
    status: int
    err: str

    @property
    def report(self) -> dict[str, Any]: ...


Command = Callable[..., Outcome]


@contextmanager
def _no_file_longer_than(size: int) -> Iterator[None]:
    """As on a disk without room: a file that would grow beyond `size` bytes does not."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("kilobytes", [2, 40, 100])
def test_a_full_disk_is_one_clear_line_and_is_survived(
    kilobytes: int, ingest: Command, here: Path, write: Callable[[Path, str], None]
) -> None:
    for number in range(40):
        write(here / "docs" / f"{number}.md", f"hedgehog {number}")
    reference = ingest("docs", "--index", "roomy").report
    with _no_file_longer_than(kilobytes * 1024):
        outcome = ingest("docs")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "free space" in outcome.err
    after = ingest("docs")
    assert (after.status, after.report["generation"]) == (0, reference["generation"])


def test_a_generation_that_did_not_fit_leaves_the_published_one(
    ingest: Command, here: Path, write: Callable[[Path, str], None]
) -> None:
    write(here / "docs" / "a.md", "red foxes")
    before = ingest("docs").report["generation"]
    folder = here / "index" / "generations"
    kept = {file: file.read_bytes() for file in folder.rglob("*.npy")}
    for number in range(200):
        write(here / "docs" / f"{number}.md", f"hedgehog {number}")
    with _no_file_longer_than(200 * 1024):
        assert ingest("docs").status == 2
    assert {file: file.read_bytes() for file in kept} == kept
    assert before in (here / "index" / "manifest.json").read_text("utf-8")
