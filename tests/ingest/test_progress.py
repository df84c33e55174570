"""Progress: a bar on a terminal, lines now and then elsewhere, nothing on standard output."""

from __future__ import annotations

import os
import pty
import sys
import termios

import pytest

from ingest import progress
from ingest.progress import Progress


def _go(quiet: bool = False) -> None:
    with Progress(3, quiet=quiet) as shown:
        for done in range(3):
            shown.file(done * 10)
        shown.say("publishing")


def test_a_short_ingest_writes_no_progress_into_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    _go()
    assert capsys.readouterr() == ("", "")


def test_a_long_one_writes_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    _go()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("3 of 3 files, 20 chunks, ")
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
    assert ("3/3" in written and "publishing" in written) is not quiet
