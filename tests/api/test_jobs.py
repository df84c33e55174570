"""Background jobs: each has an end, whatever the disk and the service do meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.jobs import FOLDER, Jobs
from api.redact import redactor
from rag.config import load_settings

Program = Callable[[str], list[str]]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes a module of this text that a job can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")

    def make(text: str) -> list[str]:
        (tmp_path / "our_program.py").write_text(text, "utf-8")
        return ["our_program"]

    return make


def jobs_of(home: Path) -> Jobs:
    settings = load_settings({"index": str(home / "index")})
    return Jobs(settings, redactor(settings))


def ended(jobs: Jobs, job_id: str) -> dict[str, Any]:
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(60)
            assert not thread.is_alive(), "the queue stands still"
    return jobs.read(job_id)


def test_a_job_whose_state_cannot_be_written_ends_and_the_next_one_runs(
    tmp_path: Path, program: Program
) -> None:
    """It says more than a pipe holds; what it did is told to other processes once the disk takes it."""
    folder = tmp_path / "index" / FOLDER
    loud = program(
        "import pathlib, shutil, sys\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "shutil.rmtree(folder)\n"
        "folder.touch()\n"
        "for n in range(4000):\n"
        "    print(f'{n} of 4000 files, and words that fill the pipe', file=sys.stderr)\n"
        "print('{}')\n"
    )
    jobs = jobs_of(tmp_path)
    first = jobs.start("x", loud)["id"]
    assert ended(jobs, first)["state"] == "done"
    folder.unlink()
    second = jobs.start("x", program("print('{}')"))["id"]
    assert ended(jobs, second)["state"] == "done"
    assert ended(jobs_of(tmp_path), first)["state"] == "done"
    assert json.loads((folder / f"{first}.json").read_text())["ended"]


def test_a_child_that_is_being_made_while_the_service_ends_is_ended_too(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_of(tmp_path)
    made: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        """A real child, whose making is the moment in which the service ends."""

        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            jobs.close()
            made.append(self)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    started = jobs.start("x", program("import time; time.sleep(30)"))
    before = time.monotonic()
    assert ended(jobs, started["id"])["state"] == "failed"
    assert time.monotonic() - before < 25
    assert made[0].returncode < 0


def test_only_drafts_that_nobody_writes_any_more_are_removed(tmp_path: Path, program: Program) -> None:
    jobs = jobs_of(tmp_path)
    jobs.check()
    folder = tmp_path / "index" / FOLDER
    stale, fresh = folder / f"{'0' * 32}.139", folder / f"{'1' * 32}.139"
    for file in (stale, fresh):
        file.touch()
    os.utime(stale, (1, 1))
    ended(jobs, jobs.start("x", program("print('{}')"))["id"])
    assert not stale.exists()
    assert fresh.exists()


def test_two_processes_that_forget_old_jobs_at_once_stop_no_job(tmp_path: Path, program: Program) -> None:
    jobs = jobs_of(tmp_path)
    jobs.check()
    folder = tmp_path / "index" / FOLDER
    done = threading.Event()

    def forget() -> None:
        while not done.is_set():
            for n in range(50):
                (folder / f"{n:032}.json").touch()
            for n in range(50):
                (folder / f"{n:032}.json").unlink(missing_ok=True)

    other = threading.Thread(target=forget)
    other.start()
    try:
        for _ in range(400):
            jobs._keep_few()
    finally:
        done.set()
        other.join()
    assert ended(jobs, jobs.start("x", program("print('{}')"))["id"])["state"] == "done"
