"""The folder of uploads: fit for use at the start, and rid of a file when its document is deleted.

Whoever may upload may put any name there, so the index and the file of the API keys must lie elsewhere.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from rag.config import Settings
from rag.errors import SettingError

HIDDEN = ".upload-"  # begins the names of files that ingest passes over
FORMER = "~"  # stands there before the name of the file that an upload replaced


def folder_of(settings: Settings) -> Path:
    """The full path of api.uploads, as ingest writes it; a link in it stays one."""
    return Path(os.path.abspath(settings.api.uploads))  # noqa: PTH100 - resolve() would follow links


def check(settings: Settings) -> None:
    """Make the folder where there is none. Raises SettingError where uploads could not be kept there."""
    if not settings.api.uploads:
        return
    folder = folder_of(settings)
    real, index = folder.resolve(), settings.index.resolve()
    if real.is_relative_to(index) or index.is_relative_to(real):
        raise SettingError(
            f"api.uploads = {settings.api.uploads!r} and the index {str(settings.index)!r} lie in each "
            "other: choose a folder of its own for uploads"
        )
    if Path(settings.api.keys_file).resolve().is_relative_to(real):
        raise SettingError(
            f"api.keys_file = {settings.api.keys_file!r} lies in the folder of uploads, where an upload "
            "could replace it: move it elsewhere"
        )
    probe = folder / f"{HIDDEN}{uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise SettingError(
            f"api.uploads = {settings.api.uploads!r} cannot be written: {error.strerror}: choose "
            "another folder"
        ) from error


def remove(settings: Settings, source: str) -> None:
    """Delete the file a document was read from if it is a plain one in the folder of uploads.

    What lies elsewhere, or is reached through a symbolic link, stays. Raises OSError.
    """
    if not settings.api.uploads or not source:
        return
    file, folder = Path(source), folder_of(settings)
    if ".." in file.parts or not file.is_relative_to(folder):
        return
    unlinked = folder.resolve() / file.parent.relative_to(folder)
    with suppress(FileNotFoundError, NotADirectoryError):
        if file.parent.resolve() == unlinked and stat.S_ISREG(file.lstat().st_mode):
            file.unlink()


def hold(descriptor: int) -> bool:
    """Lock an open file for as long as it is open; False if another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: there whoever has a file open keeps others from removing it
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Claim:
    """The sole right to change the file of one name, among all processes; it ends with its process."""

    file: Path
    descriptor: int

    def end(self) -> None:
        """Others may claim the name."""
        self.file.unlink(missing_ok=True)  # first, so that nobody finds a file there that is not locked
        os.close(self.descriptor)


def claim(folder: Path, name: str) -> Claim | None:
    """Claim the file `name` in `folder` until the claim's `end`; None while somebody has it.

    Raises OSError.
    """
    file = folder / f"{HIDDEN}{sha256(name.encode()).hexdigest()}"
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o640)
        if not hold(descriptor):
            os.close(descriptor)
            return None
        if os.fstat(descriptor).st_nlink:
            return Claim(file, descriptor)
        os.close(descriptor)  # the one before ended between our opening it and our lock


def formers(folder: Path) -> dict[Path, Path]:
    """The files that uploads replaced and that were not yet given up, each with its place."""
    found = sorted(folder.glob(f"{HIDDEN}*{FORMER}*"))
    return {each: folder / each.name.partition(FORMER)[2] for each in found}


def sweep(folder: Path) -> None:
    """Remove half written uploads that nobody is writing any more."""
    for file in folder.glob(f"{HIDDEN}*"):
        if FORMER in file.name:
            continue
        with suppress(OSError), file.open("rb") as stream:
            if hold(stream.fileno()):
                file.unlink()


def is_empty(folder: Path) -> bool:
    """Whether nothing but hidden files lies in the folder."""
    try:
        with os.scandir(folder) as entries:
            return all(entry.name.startswith(".") for entry in entries)
    except OSError:
        return False
