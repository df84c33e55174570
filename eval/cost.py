"""What quality costs: peak memory of a process and the bytes an index takes on disk."""

from __future__ import annotations

import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
# Beside the index's own files: what an evaluation or a writer leaves there.
CALIBRATED_BY = "eval-calibrated-by"
_FOREIGN = ("eval.json", CALIBRATED_BY, "lock", "lock.json")
_SHARED_MEMORY = "-shm"  # SQLite's, there while the record is open


def forget_peak() -> None:
    """Have `peak_mb` count from now, where the system can (Linux); elsewhere from the process's start."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def peak_mb() -> float:
    """The most memory this process has held at once, in MB: interpreter, libraries, model and data."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) / 1024
    return maxrss_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def maxrss_mb(ru_maxrss: int) -> float:
    """A getrusage figure in MB: the unit is kB on Linux and bytes on macOS."""
    return ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def index_bytes(folder: Path) -> int:
    """Bytes of the index's files: the record and every generation kept."""
    files = (file for file in folder.rglob("*") if file.is_file())
    own = (file for file in files if file.name not in _FOREIGN and not file.name.endswith(_SHARED_MEMORY))
    return sum(file.stat().st_size for file in own)
