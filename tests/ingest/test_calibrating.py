"""The calibration at the end of an ingest: it can be left out, and never fails what was ingested."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import pytest

from ingest.calibrating import Afterwards, calibrate
from rag.calibration.stored import FILE
from rag.config import load_settings


@pytest.fixture
def notes(here: Path) -> Path:
    """A folder with one short file."""
    folder = here / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Depot\n\nThe northern depot keeps spare valves behind the old gate.\n")
    return folder


def test_too_small_a_collection_is_told_where_a_risk_was_to_be_kept_to(
    ingest: Any, notes: Path, here: Path
) -> None:
    done = ingest(notes, "--set", "calibration.risk=0.2", text=True)
    assert done.status == 0
    assert "too few" in done.err or "no question could be made" in done.err
    assert (here / "index" / FILE).is_file()


def test_else_nothing_is_said_of_it(ingest: Any, notes: Path, here: Path) -> None:
    assert ingest(notes, text=True).err == ""
    assert (here / "index" / FILE).is_file()


def test_a_second_run_has_nothing_to_calibrate(ingest: Any, notes: Path, here: Path) -> None:
    ingest(notes, text=True)
    written = (here / "index" / FILE).stat().st_mtime_ns
    ingest(notes, text=True)
    assert (here / "index" / FILE).stat().st_mtime_ns == written


def test_it_can_be_left_out(ingest: Any, notes: Path, here: Path) -> None:
    done = ingest(notes, "--no-calibrate", text=True)
    assert done.status == 0
    assert not (here / "index" / FILE).exists()


def test_a_calibration_that_cannot_be_written_fails_nothing(ingest: Any, notes: Path, here: Path) -> None:
    (here / "index" / FILE).mkdir(parents=True)
    done = ingest(notes, text=True)
    assert done.status == 0
    assert "not calibrated" in done.err
    assert "1 written" in done.out


def test_one_that_is_told_to_stop_keeps_nothing_and_the_next_begins_anew(
    ingest: Any, notes: Path, here: Path
) -> None:
    """A watch calibrates beside the changes that come, and ends at once when it is told to."""
    ingest(notes, "--no-calibrate", text=True)
    settings, stop = load_settings({"index": "index"}), Event()
    stop.set()
    calibrate(settings, quiet=True, stop=stop)
    assert not (here / "index" / FILE).exists()
    stop.clear()
    calibrate(settings, quiet=True, stop=stop)
    assert (here / "index" / FILE).is_file()


def test_what_is_wanted_while_it_is_being_done_is_done_once_more() -> None:
    """A change that arrives during a calibration is calibrated for when that one has ended."""
    begun, go_on, stop = Semaphore(0), Semaphore(0), Event()
    done: list[str] = []

    def calibration() -> None:
        begun.release()
        assert go_on.acquire(timeout=30)
        done.append("once")

    afterwards = Afterwards(calibration, stop)
    afterwards.wanted()
    assert begun.acquire(timeout=30)
    afterwards.wanted()
    afterwards.wanted()
    go_on.release()
    assert begun.acquire(timeout=30)
    assert done == ["once"]
    afterwards.end()
    go_on.release()
    assert not begun.acquire(timeout=0.2)


def test_a_fault_while_one_is_made_does_not_keep_the_next_from_being_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done, stop = Semaphore(0), Event()
    faults = [RuntimeError("CUDA out of memory\nwith much more to say")]

    def do() -> None:
        try:
            if faults:
                raise faults.pop()
        finally:
            done.release()

    afterwards = Afterwards(do, stop)
    for _ in range(2):
        afterwards.wanted()
        assert done.acquire(timeout=20)
    afterwards.end()
    assert capsys.readouterr().err == "not calibrated: CUDA out of memory\n"
