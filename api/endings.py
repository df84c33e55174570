"""What is left to do when the command of a job is over: for an upload and for a removal.

Each changes the job it is given: its state, its result, and the error that its sender reads.
"""

from __future__ import annotations

from typing import Any

from api import library, upload_folder
from api.jobs import Ending
from api.uploads import Saved
from rag.config import Settings
from rag.errors import RagError


def uploaded(settings: Settings, saved: Saved) -> Ending:
    """The result speaks of the file `saved` alone; one that was not read is withdrawn and has failed."""

    def end(job: dict[str, Any]) -> None:
        try:
            if job["state"] == "done":
                _conclude(settings, saved, job)
        finally:
            if job["state"] == "done":
                saved.keep()
            else:
                saved.withdraw()

    return end


def deleted(settings: Settings, source: str) -> Ending:
    """The file of the document goes, too, if it lies in the folder of uploads."""

    def end(job: dict[str, Any]) -> None:
        if job["state"] != "done":
            return
        try:
            upload_folder.remove(settings, source)
        except OSError as error:
            reason = f"the document is forgotten, but its uploaded file cannot be removed: {error.strerror}"
            job |= {"state": "failed", "error": reason}

    return end


def _conclude(settings: Settings, saved: Saved, job: dict[str, Any]) -> None:
    report = job["result"]
    reasons = [each["reason"] for each in report["failed"]]
    named = [] if reasons else _documents(settings, saved)
    if not named:
        reason = reasons[0] if reasons else "nothing was read from this file"
        job |= {"state": "failed", "result": None, "error": reason}
        return
    counts = {name: report[name] for name in ("written", "unchanged", "moved", "seconds", "generation")}
    warnings = [each for each in report["warnings"] if each["path"] in named]
    job["result"] = {"documents": named, **counts, "warnings": warnings}


def _documents(settings: Settings, saved: Saved) -> list[str]:
    try:
        return library.ids_of(settings, saved.file)
    except RagError:
        return []
