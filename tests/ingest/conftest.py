"""Running `python -m ingest`, inside the test's process and as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingest.__main__ import main
from rag.command import run

REPOSITORY = Path(__file__).parents[2]
# A process run as root reads what it may not, unless this right is taken from it.
_WITHOUT_OVERRIDE = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON object on standard output."""
        return dict(json.loads(self.out))


Command = Callable[..., Outcome]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(name)
    # Batches are filled up to one shape: small ones suit a few short files.
    monkeypatch.setenv("RAG_EMBEDDER__BATCH_TOKENS", "64")
    return tmp_path


@pytest.fixture
def ingest(here: Path, capsys: pytest.CaptureFixture[str]) -> Command:  # noqa: ARG001 - the place it runs in
    """`python -m ingest ... --json` in this process, where the model is loaded only once."""

    def command(*arguments: object, text: bool = False) -> Outcome:
        capsys.readouterr()
        shown = [] if text else ["--json"]
        status = run(lambda: main([*map(str, arguments), *shown]))
        return Outcome(status, *capsys.readouterr())

    return command


@pytest.fixture
def process(here: Path) -> Command:
    """`python -m MODULE ...` as a real process; `unprivileged` keeps root from reading everything."""

    def command(
        module: str,
        *arguments: str | bytes,
        unprivileged: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        prefix: list[str] = []
        if unprivileged and os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("root reads every file, and there is no setpriv to take that right away")
            prefix = _WITHOUT_OVERRIDE
        done = subprocess.run(
            [*prefix, sys.executable, "-m", module, *arguments],
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return command


@pytest.fixture
def write() -> Callable[[Path, str], None]:
    """Write a Markdown file whose heading and one sentence are made of the words given."""

    def file(path: Path, words: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# About {words}\n\nThe subject of this page is {words}.\n", "utf-8")

    return file
