"""A user's files as the loaders read them: `python -m ingest DIR --dump`, run as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rag.calibration.prose import Source
from rag.errors import SettingError

_ERROR = "error: "
_DONE_WITH_FAILURES = 1


def read_sources(folder: Path, settings: Sequence[str]) -> list[Source]:
    """Every document under `folder`, by path; `settings` are flags that ingest is given as well.

    Files that cannot be read are named on stderr and left out. Raises SettingError where ingest
    could not start, did not end well, or could read no file.
    """
    command = [sys.executable, "-m", "ingest", str(folder.absolute()), "--dump", *settings]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - this very program
    complaint = _pass_on(done.stderr.decode("utf-8", "replace"))
    if done.returncode not in (0, _DONE_WITH_FAILURES):
        raise SettingError(complaint or f"reading {folder} {_ending(done.returncode)}")
    try:
        lines = done.stdout.decode("utf-8").split("\n")
        found = [_source(line) for line in lines if line]
    except (ValueError, KeyError, TypeError) as error:
        raise SettingError(
            f"reading {folder}: `python -m ingest --dump` printed what is no document ({error}): "
            "is another program called ingest in the way?"
        ) from error
    if not found:
        raise SettingError(complaint or f"{folder}: no file in it could be read; see the messages above")
    return sorted(found, key=lambda source: source.path)


def _source(line: str) -> Source:
    read = json.loads(line)
    return Source(
        read["path"],
        read["text"],
        read["metadata"].get("type") == "markdown",
        tuple((page["start"], page["end"]) for page in read["pages"]),
        tuple((chunk["start"], chunk["end"]) for chunk in read["chunks"]),
    )


def _pass_on(stderr: str) -> str:
    """Write on what ingest said, but for its error, which is returned: one failure is one line."""
    complaint = ""
    for line in stderr.splitlines():
        if line.startswith(_ERROR):
            complaint = line.removeprefix(_ERROR)
        else:
            print(line, file=sys.stderr)
    return complaint


def _ending(status: int) -> str:
    if status < 0:
        return f"was stopped by signal {-status}; if memory ran short, give a smaller folder"
    return f"ended with status {status}; run `python -m ingest FOLDER --dump` to see why"
