"""The real process: `python -m api` on 127.0.0.1, asked over HTTP and ended by a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from rag.config import Settings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]


def ask(address: str, question: str) -> dict[str, object]:
    body = json.dumps({"question": question}).encode()
    request = Request(f"{address}/ask", body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    with urlopen(request, timeout=90) as reply:  # noqa: S310
        found: dict[str, object] = json.load(reply)
        return found


def end(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str]:
    process.send_signal(how)
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


def test_it_answers_and_sigterm_ends_it_cleanly(settings: Settings, serving: Serving) -> None:
    with serving("--index", str(settings.index)) as (process, address):
        answer = ask(address, "When was the lighthouse of Varde built?")
        assert "1856" in str(answer["answer"])
        status, errors = end(process, signal.SIGTERM)
    assert status == 0
    assert "Varde" not in errors, "questions are private"
    start, line = [json.loads(line) for line in errors.splitlines()]
    assert (start["event"], start["keys"]) == ("keys", 0)
    assert start["file"].endswith("/lectern-keys.json")
    assert (line["route"], line["status"], line["client"]) == ("/ask", 200, "127.0.0.1")


def test_without_an_index_it_starts_and_says_what_to_run(tmp_path: Path, serving: Serving) -> None:
    with serving("--index", str(tmp_path / "none")) as (process, address):
        with pytest.raises(HTTPError) as refused:
            ask(address, "anything")
        assert refused.value.code == 503
        assert "python -m ingest" in refused.value.read().decode()
        with pytest.raises(HTTPError) as unready:
            urlopen(f"{address}/readyz", timeout=20)  # noqa: S310
        assert "there is no index" in unready.value.read().decode()
        status, errors = end(process, signal.SIGINT)
    assert status == 0
    events = [json.loads(line)["event"] for line in errors.splitlines()]
    assert events.count("not ready") == 1


def run(*flags: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "api", *flags], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_port_in_use_is_one_line_and_exit_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, errors = run("--port", port)
    assert status == 2
    assert errors.count("\n") == 1
    assert port in errors


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--port", "none"], "api.port"),
        (["--port", "70000"], "api.port"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
        (["--set", "retriever.depht=3"], "depht"),
        (["--set", "novalue"], "NAME=VALUE"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--nonsense"], "--nonsense"),
        (["--index", "there", "--set", "api.uploads=there/uploads"], "api.uploads"),
    ],
)
def test_a_wrong_setting_is_named_and_exit_2(flags: list[str], named: str) -> None:
    status, errors = run("--port", "0", *flags) if "--port" not in flags else run(*flags)
    assert status == 2
    assert named in errors
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform != "linux", reason="children are looked up in /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path, serving: Serving) -> None:
    with serving("--index", str(tmp_path / "none"), "--workers", "2") as (process, address):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: len(children.read_text().split()) == 2)
        workers = [Path("/proc") / each for each in children.read_text().split()]
        urlopen(f"{address}/healthz", timeout=60).close()  # noqa: S310
        process.kill()
        process.wait(timeout=20)
        until(lambda: not any(alive(worker) for worker in workers))


def alive(process: Path) -> bool:
    """Whether it runs: one that has ended stays a zombie where nobody collects it."""
    try:
        return "State:\tZ" not in (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.1)
