"""kill -9 in the middle of an upload: nothing half done is seen, and the next start finishes the rest."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api import serve, upload_folder, uploads
from api.errors import RefusedError
from api.jobs import Jobs
from api.recovery import Recovery
from api.redact import redactor
from rag.config import load_settings

Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]
TEXT = b"# Rye\n\nRye bread needs less water than wheat bread.\n"


def flags(home: Path) -> list[str]:
    given = {"api.uploads": home / "uploads", "api.keys_file": home / "keys.json", "api.log": "off",
             "retriever.mode": "sparse"}  # fmt: skip
    return ["--index", str(home / "index"), *(w for n, v in given.items() for w in ("--set", f"{n}={v}"))]


def documents(base: str) -> list[str]:
    reply = httpx2.get(f"{base}/documents", timeout=30)
    assert reply.status_code in (200, 503), "503 while there is no index yet"
    return [each["id"] for each in reply.json().get("documents", ())]


def wait_for(found: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + 120
    while (now := found()) != wanted:
        assert time.monotonic() < deadline, now
        time.sleep(0.1)


def put(base: str, name: str, body: bytes) -> str:
    """Upload a file; the address of its job."""
    reply = httpx2.post(f"{base}/documents", params={"name": name}, content=body, timeout=30)
    assert reply.status_code == 202
    return base + str(reply.headers["location"])


def state(job: str) -> str:
    return str(httpx2.get(job, timeout=30).json()["state"])


def visible(home: Path) -> list[str]:
    return sorted(file.name for file in (home / "uploads").iterdir())


def test_what_was_half_sent_is_gone_and_what_was_whole_is_ingested(tmp_path: Path, serving: Serving) -> None:
    head = "POST /documents?name=half.md HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n"
    with serving(*flags(tmp_path)) as (process, base), socket.socket() as half:
        half.connect(("127.0.0.1", int(base.rpartition(":")[2])))
        half.sendall(head.encode() + b"# Half")
        wait_for(lambda: len(visible(tmp_path)), 1)
        put(base, "whole.md", TEXT)
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = visible(tmp_path)
    assert "half.md" not in left
    assert "whole.md" in left
    with serving(*flags(tmp_path)) as (_, base):
        wait_for(lambda: documents(base), ["whole.md"])
        wait_for(lambda: visible(tmp_path), ["whole.md"])


OATS = b"# Oats\n\nOats.\n"


def test_a_replacement_stays_if_it_can_be_read_and_is_undone_if_not(tmp_path: Path, serving: Serving) -> None:
    """Killed between putting the new files in place and ingesting them."""
    replaced = {"good.md": OATS, "unreadable.md": b"\x00" * 99}
    with serving(*flags(tmp_path)) as (_, base):
        jobs = [put(base, name, TEXT) for name in replaced]
        for job in jobs:
            wait_for(partial(state, job), "done")
    folder = tmp_path / "uploads"
    for number, (name, new) in enumerate(replaced.items()):
        former = f"{upload_folder.HIDDEN}{number}{upload_folder.FORMER}{name}"
        (folder / former).hardlink_to(folder / name)
        (folder / "new").write_bytes(new)
        (folder / "new").replace(folder / name)
    with serving(*flags(tmp_path)) as (_, base):
        wait_for(lambda: visible(tmp_path), sorted(replaced))
        assert (folder / "good.md").read_bytes() == OATS
        assert (folder / "unreadable.md").read_bytes() == TEXT
        assert documents(base) == sorted(replaced)


def test_what_an_upload_replaces_while_recovery_runs_is_left_to_the_job_of_that_upload(
    tmp_path: Path,
) -> None:
    """A bad replacement of the file `mine.md`, not ingested yet when recovery's own ingest ends."""

    async def bad() -> AsyncIterator[bytes]:
        yield b"\x00" * 99

    folder = tmp_path / "uploads"
    folder.mkdir()
    for name in ("mine.md", "left.md", f"{upload_folder.HIDDEN}1{upload_folder.FORMER}left.md"):
        (folder / name).write_bytes(OATS)
    settings = load_settings(
        {"index": str(tmp_path / "index"), "api.uploads": str(folder), "retriever.mode": "sparse"}
    )
    before = asyncio.run(uploads.save(folder, "mine.md", bad(), limit=99, folder_limit=999, replace=True))
    recovery = Recovery(settings)
    recovery.start()
    try:
        saving = uploads.save(folder, "left.md", bad(), limit=99, folder_limit=999, replace=True)
        with pytest.raises(RefusedError, match="still being read"):
            asyncio.run(saving)
        wait_for(lambda: [f for f in upload_folder.formers(folder) if f.name.endswith("left.md")], [])
    finally:
        recovery.close()
    before.withdraw()
    assert (folder / "mine.md").read_bytes() == OATS


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the port ends with a process
def test_a_start_that_nobody_can_be_told_of_leaves_no_ingest_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "left.md").write_bytes(OATS)
    given = {"index": str(tmp_path / "index"), "api.uploads": str(folder), "api.port": 0,
             "api.keys_file": str(tmp_path / "keys.json"), "retriever.mode": "sparse"}  # fmt: skip
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        with pytest.raises(BrokenPipeError):
            serve._begin(load_settings(given))
        monkeypatch.undo()
        with suppress(BrokenPipeError):
            broken.close()
    for thread in threading.enumerate():
        if thread.name in ("recovery", "job"):
            thread.join(60)
    jobs = [json.loads(file.read_bytes()) for file in (tmp_path / "index" / "jobs").glob("*.json")]
    assert "done" not in [job["state"] for job in jobs]


def test_a_half_written_upload_goes_unless_somebody_is_writing_it(tmp_path: Path) -> None:
    mine, stale = tmp_path / f"{upload_folder.HIDDEN}1", tmp_path / f"{upload_folder.HIDDEN}2"
    stale.touch()
    with mine.open("wb") as stream:
        assert upload_folder.hold(stream.fileno())
        upload_folder.sweep(tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == [mine.name]
    upload_folder.sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_job_of_a_process_that_had_our_number_before_has_ended(tmp_path: Path) -> None:
    """As in a container, where the service is process 1 each time."""
    settings = load_settings({"index": str(tmp_path)})
    jobs = Jobs(settings, redactor(settings))
    jobs.check()
    job = {"id": "0" * 32, "kind": "upload", "state": "running", "created": "", "ended": None,
           "progress": None, "result": None, "error": None}  # fmt: skip
    jobs._write(job)
    file = tmp_path / "jobs" / f"{job['id']}.json"
    assert jobs.read("0" * 32)["state"] == "running"
    written = json.loads(file.read_text())
    file.write_text(json.dumps(written | {"owner": written["owner"].partition(":")[0] + ":1"}))
    assert jobs.read("0" * 32)["state"] == "failed"
