"""What a killed service left undone in the folder of uploads, put right at the next start.

A half written upload goes. One that was whole is ingested with the rest of its folder. Where it
replaced a file, that one comes back if the new one cannot be read, and goes if it can.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api import library, upload_folder
from api.errors import RefusedError
from api.jobs import Jobs
from api.redact import redactor
from rag.config import Settings
from rag.errors import IndexMissing, RagError

_ATTEMPTS = 20
_PAUSE_S = 3.0  # the ingest of the killed service may still be running and holds the index
_logger = logging.getLogger("lectern.recovery")


@dataclass(frozen=True, slots=True)
class _Left:
    """A file that killed uploads replaced, what it was before, and our claim to its name meanwhile."""

    place: Path
    formers: list[Path]
    claim: upload_folder.Claim


class Recovery:
    """One look at the folder of uploads, and the ingest that it asks for, in the background."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = Jobs(settings, redactor(settings))
        self._stop = threading.Event()

    def start(self) -> None:
        """Remove half written uploads; if others wait to be ingested, begin that."""
        if not self._settings.api.uploads:
            return
        folder = upload_folder.folder_of(self._settings)
        upload_folder.sweep(folder)
        left = _claimed(folder)
        if left or _unknown(self._settings, folder):
            threading.Thread(target=self._run, args=(folder, left), name="recovery", daemon=True).start()

    def close(self) -> None:
        """Do not try again, and end what runs: the next start takes it up."""
        self._stop.set()
        self._jobs.close()

    def _run(self, folder: Path, left: Sequence[_Left]) -> None:
        try:
            self._take_up(folder, left)
        finally:
            for each in left:
                each.claim.end()

    def _take_up(self, folder: Path, left: Sequence[_Left]) -> None:
        def end(job: dict[str, Any]) -> None:
            if job["state"] == "done":
                _settle(left, {Path(each["path"]).name for each in job["result"]["failed"]})

        for _ in range(_ATTEMPTS):
            try:
                job = self._jobs.start("ingest", ["ingest", str(folder), "--json"], end=end)
                while (job := self._jobs.read(job["id"]))["state"] not in ("done", "failed"):
                    if self._stop.wait(0.2):
                        return
            except RefusedError as error:
                job = {"state": "failed", "error": str(error)}
            _logger.info("uploads taken up", extra={"fields": {"state": job["state"], "error": job["error"]}})
            if job["state"] == "done" or self._stop.wait(_PAUSE_S):
                return


def _unknown(settings: Settings, folder: Path) -> bool:
    """Whether a file lies there that the index was not made from."""
    files = {str(file) for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")}
    try:
        return bool(files - library.sources(settings))
    except IndexMissing:
        return bool(files)
    except RagError:  # a damaged index is readiness' business
        return False


def _claimed(folder: Path) -> list[_Left]:
    """The replaced files there; not those of uploads that run now, whose jobs see to them."""
    places: dict[Path, list[Path]] = {}
    for former, place in upload_folder.formers(folder).items():
        places.setdefault(place, []).append(former)
    claims = {place: upload_folder.claim(folder, place.name) for place in places}
    return [_Left(place, places[place], claim) for place, claim in claims.items() if claim is not None]


def _settle(left: Sequence[_Left], failed: set[str]) -> None:
    for each in left:
        for former in each.formers:
            if each.place.name in failed:
                former.replace(each.place)
            else:
                former.unlink(missing_ok=True)
