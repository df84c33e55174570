"""A fault at any write, flush, rename or removal of an ingest: the next run makes up for it.

A library compiled on the spot and preloaded into the process lets the n-th such call under the index
folder go wrong. LECTERN_FAULTS=all (`make test-faults`) tries every call; otherwise a few are drawn.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from rag.build import build_engine, build_store
from rag.config import load_settings

REPOSITORY = Path(__file__).parents[2]
KINDS = {"killed": "k", "torn": "t", "EIO": "e", "ENOSPC": "s"}
DRAWN = 3  # of each kind, where not all are tried
FILES = 24
# Everything is loaded once and nothing computed, so that no lock of MKL's memory is held; each ingest is a
# fork of this process.
FORKER = """
import ctypes, json, os, sys
os.environ["MKL_DISABLE_FAST_MM"] = "1"
import torch
torch.set_num_threads(1)
import rag.indexes.publish
rag.indexes.publish._BATCH_CHUNKS = 4
from ingest.__main__ import main
from rag.build import build_embedder
from rag.command import run
from rag.config import load_settings
import faiss, ingest.pipeline, rag.sparse.bmx, rag.stores.sqlite
build_embedder(load_settings({})).device
faults = ctypes.CDLL(None)
print("ready", flush=True)
for line in sys.stdin:
    folder, at, kind, words = json.loads(line)
    child = os.fork()
    if not child:
        out = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1); os.dup2(out, 2)
        faults.fault_arm(folder.encode(), ctypes.c_long(at), ord(kind))
        status = run(lambda: main(words))
        calls = faults.fault_count()
        faults.fault_arm(b"", ctypes.c_long(0), ord("k"))
        with open("calls", "w") as file:
            file.write(str(calls))
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler (cc)")
    built = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


class Forker:
    """Runs ingests of docs/ into an index, each in a process of its own with a fault."""

    def __init__(self, here: Path, stdin: IO[str], stdout: IO[str]) -> None:
        self._here, self._stdin, self._stdout = here, stdin, stdout

    def ingest(self, index: str, at: int = 0, kind: str = "k") -> int:
        """The exit status, or minus the signal, of an ingest whose call number `at` goes wrong."""
        words = ["docs", "--index", index, "--quiet"]
        (self._here / "calls").unlink(missing_ok=True)
        print(json.dumps([str(self._here / index), at, kind, words]), file=self._stdin, flush=True)
        return int(self._stdout.readline())

    def said(self) -> str:
        return (self._here / "log").read_text("utf-8")

    def calls(self) -> int:
        return int((self._here / "calls").read_text())


@pytest.fixture(scope="module")
def forker(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    here = tmp_path_factory.mktemp("faults")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LD_PRELOAD": str(library)}
    with subprocess.Popen(
        [sys.executable, "-c", FORKER],
        cwd=here,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        _files(here / "docs", "old", range(FILES))
        found = Forker(here, running.stdin, running.stdout)
        assert found.ingest("old") == 0
        shutil.copytree(here / "old", here / "new")
        _files(here / "docs", "new", range(1, FILES + 1))
        (here / "docs" / "0.md").unlink()
        assert found.ingest("new") == 0
        yield found


def _files(docs: Path, version: str, numbers: range) -> None:
    """Two files differ between versions."""
    docs.mkdir(exist_ok=True)
    for number in numbers:
        words = f"{version if number in (3, 7) else 'both'} {number}"
        (docs / f"{number}.md").write_text(f"# Page {number}\n\nThe hedgehog reads {words}.\n", "utf-8")


def _state(index: Path) -> tuple[str, list[tuple[str, str, float]], list[tuple[str, str]]]:
    """Generation, what a search finds and what the record holds, as another process sees them."""
    settings = load_settings({"index": str(index)})
    found = build_engine(settings).search("the hedgehog reads", k=99, mode="sparse")
    with closing(build_store(settings, read_only=True)) as store:
        held = [(each.id, each.digest) for each in store.documents()]
    hits = [(hit.chunk.document_id, hit.chunk.text, hit.score) for hit in found.hits]
    return found.generation, sorted(hits), held


def _copied(forker: Forker, start: str, name: str) -> Path:
    """An index before the ingest: an older one, of which a segment is kept, or none."""
    index = forker._here / name
    shutil.rmtree(index, ignore_errors=True)
    if start == "older":
        shutil.copytree(forker._here / "old", index)
    return index


@pytest.fixture(scope="module")
def states(forker: Forker) -> tuple[object, object]:
    """Before the ingest that is disturbed, and after one that is not."""
    old, new = _state(forker._here / "old"), _state(forker._here / "new")
    assert len(old[1]) == len(new[1]) == FILES
    assert old[0] != new[0]
    return old, new


def _places(forker: Forker, start: str, kind: str) -> list[int]:
    _copied(forker, start, "counted")
    assert forker.ingest("counted") == 0
    calls = range(1, forker.calls() + 1)
    assert len(calls) > 60, "the library sees what the ingest writes"
    if os.environ.get("LECTERN_FAULTS") == "all":
        return list(calls)
    return sorted(random.Random(start + kind).sample(calls, DRAWN))  # noqa: S311 - no secret


@pytest.mark.parametrize("start", ["older", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_anywhere_leaves_an_index_that_answers_and_the_next_run_completes(
    kind: str, start: str, forker: Forker, states: tuple[object, object]
) -> None:
    old, new = states
    disturbed = 0
    for at in _places(forker, start, kind):
        index = _copied(forker, start, "index")
        status = forker.ingest("index", at, KINDS[kind])
        said = forker.said()
        assert status in (0, 1, 2, -signal.SIGKILL), (at, said)
        assert "Traceback" not in said, (at, said)
        disturbed += status != 0
        if start == "older" or status == 0:
            generation, hits, _ = _state(index)
            assert (generation, hits) in [state[:2] for state in (old, new)], at  # type: ignore[index]
        assert forker.ingest("index") == 0, (at, forker.said())
        assert _state(index) == new, at
    assert disturbed, "no fault reached the ingest"
