"""Whether the files that an index was made from are still what it holds.

Which files belong to an index and what of a file shapes its chunks is known to `ingest` alone: it is
asked as the user would ask it, `python -m ingest ... --dry-run`, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.config import Settings
from rag.errors import RagError
from rag.protocols.stores import StoredDocument

# The setting under which the record keeps the folders that were ingested.
ROOTS = "roots"
_COUNTS = {"written": "new or changed", "moved": "moved", "removed": "gone or left out now"}


def roots_of(remembered: Mapping[str, str]) -> list[Path]:
    """The ingested folders, from the settings of the record."""
    return [Path(root) for root in json.loads(remembered.get(ROOTS, "[]"))]


def is_gone(file: Path) -> bool:
    """Whether there is no such file; one that may not be looked at counts as there."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def gone(living: Sequence[StoredDocument], roots: Sequence[Path]) -> Iterator[tuple[str | None, str]]:
    """Documents whose file is gone, and roots that are, each with what to say; None stands for a root."""
    missing = [root for root in roots if is_gone(root)]
    for root in missing:
        count = sum(Path(each.source).is_relative_to(root) for each in living if each.source)
        if count:  # files that moved with their folder are known by the new one
            yield None, f"the folder {root}, from which {count} documents were read, is gone"
    for document in living:
        file = Path(document.source)
        if document.source and not any(map(file.is_relative_to, missing)) and is_gone(file):
            yield document.id, f"its file {file} is gone: run `python -m ingest` on its folder again"


def changes(settings: Settings, roots: Sequence[Path]) -> Iterator[tuple[str | None, str]]:
    """What an ingest of `roots` would do now: its counts, and each file that could not be read.

    Raises RagError with the reason if that cannot be told.
    """
    report = _dry_run(settings, roots)
    counts = [f"{report[name]} {what}" for name, what in _COUNTS.items() if report[name]]
    if counts:
        again = shlex.join([*map(str, roots), "--index", str(settings.index)])
        yield None, f"files since the last ingest: {', '.join(counts)}: run `python -m ingest {again}`"
    for each in report["failed"]:
        yield each["path"], each["reason"]


def _dry_run(settings: Settings, roots: Sequence[Path]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        # These settings and no others, wherever they came from; passwords do not show in a process list.
        nothing = Path(folder) / "rag.toml"
        nothing.touch()
        done = subprocess.run(  # noqa: S603 - our own program; paths are arguments, not words of a shell
            [
                *(sys.executable, "-m", "ingest", *map(str, roots)),
                *("--config", str(nothing), "--dry-run", "--json", "--quiet"),
            ],
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise RagError(reason.removeprefix("error: ")) from error
    return report


def _environment(settings: Settings) -> dict[str, str]:
    """The environment of this process, with every setting as a variable."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("RAG_")}
    for name, value in settings.model_dump(mode="json").items():
        kept[f"RAG_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    return kept
