"""Progress: a bar on a terminal, lines now and then elsewhere, nothing on standard output."""

from __future__ import annotations

import os
import pty
import sys
import termios
from threading import Semaphore

import pytest

from ingest import progress
from ingest.progress import Progress

NAMES = ["a.md", "b\n.md", "c" * 50 + ".md"]


class Asked:
    """Counts chunks; who asks is let through only as often as `times` is released."""

    def __init__(self) -> None:
        self.times = Semaphore(0)
        self.asked = Semaphore(0)

    def __call__(self) -> int:
        self.asked.release()
        self.times.acquire(timeout=30)
        return 20


def _go(quiet: bool = False) -> None:
    with Progress(NAMES, lambda: 20, quiet=quiet) as shown:
        for _ in NAMES:
            shown.file()
        shown.say("publishing")


def test_a_short_ingest_writes_no_progress_into_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    _go()
    assert capsys.readouterr() == ("", "")


def test_a_long_one_says_now_and_then_where_it_is_though_no_file_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is told beside the work: one large file must not be silence."""
    monkeypatch.setattr(progress, "_EVERY_S", 0.01)
    chunks = Asked()
    with Progress(NAMES, chunks) as shown:
        for done in range(4):
            assert chunks.asked.acquire(timeout=30)
            if done == 3:
                shown.say("publishing")
            elif done:
                shown.file()
            chunks.times.release()
        chunks.times.release(1000)
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.split(" chunks/s, ")[-1] for line in err.splitlines()]
    assert lines[:4] == ["at a.md", "at b\\n.md", "at …" + "c" * 37 + ".md", "publishing"]
    assert err.startswith("0 of 3 files, 20 chunks, ")


def test_a_quiet_one_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    _go(quiet=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_gets_a_bar_unless_told_otherwise(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        _go(quiet)
        terminal.write("\nthe end.")
        terminal.flush()
        written = ""
        while not written.endswith("."):
            written += os.read(master, 100_000).decode()
    os.close(master)
    assert ("3/3" in written and "20 chunks" in written) is not quiet
