"""An ingest killed at any moment: the next run ends in the index that an undisturbed one makes.

A process that has everything loaded forks one real ingest after the other, so that a kill costs a
fraction of a second instead of a start.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from rag.build import build_engine
from rag.config import load_settings

REPOSITORY = Path(__file__).parents[2]
FILES = 60
KILLS = 200 if os.environ.get("LECTERN_FAULTS") == "all" else 8
# One thread, and nothing computed before the fork: a forked process must not wait for threads, or for
# locks of MKL's memory, that were left behind in its parent.
# Small batches: commits come all along the way.
FORKER = """
import json, os, signal, sys
os.environ["MKL_DISABLE_FAST_MM"] = "1"
import torch
torch.set_num_threads(1)
import rag.indexes.publish
rag.indexes.publish._BATCH_CHUNKS = 8
from ingest.__main__ import main
from rag.build import build_embedder, build_indexer
from rag.command import run
from rag.config import load_settings
import baguetter.indices, faiss, ingest.pipeline
build_embedder(load_settings({})).device
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        out = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1); os.dup2(out, 2)
        os._exit(run(lambda: main(json.loads(line))))
    print(child, flush=True)
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forker:
    """Starts ingests in processes of their own, each ready to work at once."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def ingest(self, *arguments: str, kill_after: float | None = None, how: int = signal.SIGKILL) -> int:
        """The exit status, or minus the signal; `kill_after` in seconds from the start."""
        print(json.dumps(arguments), file=self._stdin, flush=True)
        child = int(self._stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, how)  # even if it has ended: it is not waited for before the next line
        print("wait", file=self._stdin, flush=True)
        return int(self._stdout.readline())


@pytest.fixture
def forker(here: Path) -> Iterator[Forker]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKER],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        yield Forker(running.stdin, running.stdout)


def _files(docs: Path, version: str) -> None:
    """FILES files; every third differs between versions."""
    docs.mkdir(exist_ok=True)
    for number in range(FILES):
        words = f"{version if number % 3 == 0 else 'both'} {number}"
        (docs / f"{number:02}.md").write_text(f"# Page {number}\n\nThe hedgehog reads {words}.\n", "utf-8")


def _generation(index: str) -> str | None:
    return build_engine(load_settings({"index": index})).generation


def _search(index: str) -> str:
    """Search as a reader does; the generation that answered."""
    found = build_engine(load_settings({"index": index})).search("the hedgehog", k=FILES, mode="sparse")
    assert len(found.hits) == FILES
    return found.generation


def _timed(command: Callable[[], int]) -> float:
    began = time.perf_counter()
    assert command() == 0
    return time.perf_counter() - began


def test_killed_at_any_moment_and_run_again_the_index_is_that_of_an_undisturbed_ingest(
    forker: Forker, here: Path
) -> None:
    dice = random.Random(7)  # noqa: S311
    _files(here / "docs", "old")
    first = _timed(lambda: forker.ingest("docs", "--index", "old"))
    _files(here / "docs", "new")
    shutil.copytree("old", "undisturbed")
    again = _timed(lambda: forker.ingest("docs", "--index", "undisturbed"))
    old, new = _generation("old"), _generation("undisturbed")
    assert old != new
    died = 0
    for trial in range(KILLS):
        index, duration = f"index{trial}", first
        if update := trial % 2 == 1:
            shutil.copytree("old", index)
            duration = again
        for _ in range(2):
            moment = dice.uniform(0, duration)
            died += forker.ingest("docs", "--index", index, kill_after=moment) == -signal.SIGKILL
            if update:
                assert _search(index) in (old, new)
        assert forker.ingest("docs", "--index", index) == 0
        assert _generation(index) == _search(index) == new
    assert died > KILLS / 2


def test_ctrl_c_at_any_moment_is_status_130_and_loses_nothing_committed(forker: Forker, here: Path) -> None:
    _files(here / "docs", "new")
    duration = _timed(lambda: forker.ingest("docs", "--index", "undisturbed"))
    for share in (0.2, 0.5, 0.8):
        status = forker.ingest("docs", "--index", "index", kill_after=share * duration, how=signal.SIGINT)
        assert status in (130, 0)
        if status == 130:
            # A busy machine takes long enough for a line about the progress.
            *progress, line = Path("log").read_text("utf-8").splitlines()
            assert line == "error: stopped"
            assert [each for each in progress if " files" not in each] == []
    assert forker.ingest("docs", "--index", "index") == 0
    assert _generation("index") == _generation("undisturbed")
