"""One writer for an index folder: the lock, and beside it who holds it."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import IndexBusy, SettingError

_LOCK = "lock"
_HOLDER = "lock.json"


def take_lock(folder: Path) -> FileLock:
    """Lock the index in `folder`, which is made if need be. A process that dies holds its lock no longer.

    Raises IndexBusy naming the holder, or SettingError for a folder that cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise IndexBusy(f"{folder} is being written by {_holder(folder)}: wait for it to end") from error
    except OSError as error:
        raise SettingError(f"index = {str(folder)!r} cannot be written: {error.strerror}") from error
    with suppress(OSError):  # the lock is held without it, and the record says that the disk is full
        (folder / _HOLDER).write_text(
            json.dumps({"pid": os.getpid(), "since": time.strftime("%F %T")}), "utf-8"
        )
    return lock


def free_lock(folder: Path, lock: FileLock) -> None:
    """Let the next writer in."""
    with suppress(OSError):  # gone already, or open elsewhere: who is told of it finds the lock free
        (folder / _HOLDER).unlink()
    lock.release()


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / _HOLDER).read_text("utf-8"))
        return f"process {holder['pid']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
