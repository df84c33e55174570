"""Thousands at once, and thousands one after the other, against a real server process.

`LECTERN_LOAD=all` runs it in full: 10,000 clients, each refused within a second (which needs two free
processors), and 100,000 requests.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag.config import Settings

BENCH = Path(__file__).parents[2] / "docs" / "bench_crowd.py"
FULL = os.environ.get("LECTERN_LOAD") == "all"
CLIENTS = 10_000 if FULL else 600 * (os.cpu_count() or 1)
REQUESTS = 100_000 if FULL else 4_000
Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]


def measured(settings: Settings, *flags: str) -> dict[str, Any]:
    """What `docs/bench_crowd.py` finds."""
    command = [sys.executable, str(BENCH), "--index", str(settings.index), "--json", *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="memory is read from /proc")
def test_a_crowd_is_answered_or_refused_and_nobody_is_dropped(settings: Settings) -> None:
    """A slow model and far more clients than connections: 200, 429 or 503 alone, memory bounded."""
    pytest.importorskip("openai")
    found = measured(settings, "--clients", str(CLIENTS))
    assert set(found["statuses"]) <= {"200", "429", "503"}, found
    assert sum(found["statuses"].values()) == CLIENTS
    assert found["statuses"]["200"] >= 4
    before, after = found["memory_mb"]
    assert after - before < 64, found
    if FULL:
        assert found["refusal_most_ms"] < 1000, found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="memory is read from /proc")
def test_many_requests_leave_no_memory_behind(settings: Settings) -> None:
    """After a warm-up, 5 MB at most, whatever is asked: searches, nonsense, figures, what is not there."""
    found = measured(settings, "--requests", str(REQUESTS))
    assert sum(found["statuses"].values()) == REQUESTS
    assert not any(status.startswith("5") for status in found["statuses"]), found
    assert found["grown_mb"] <= 5, found


@contextmanager
def few_files(soft: int) -> Iterator[int]:
    """A lower limit of open files for what is started meanwhile; gives the hard one."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of other processes cannot be read here")
def test_the_service_may_open_as_many_files_as_the_system_lets_it(
    settings: Settings, serving: Serving
) -> None:
    """The limit a shell starts it with would be used up by a thousand connections."""
    flags = ("--index", str(settings.index), "--set", "api.log=off")
    with few_files(512) as hard, serving(*flags) as (process, _):
        soft, _ = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
        for _ in range(100):  # the address is announced before
            if soft == wanted:
                break
            process_wait(process)
            soft, _ = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert soft == wanted


def process_wait(process: subprocess.Popen[str]) -> None:
    """A moment, unless the process ends."""
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:
        return
    pytest.fail("the service ended")
