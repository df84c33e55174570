"""Uploaded files: into one folder, under a plain name, whole or not at all.

A file is written beside its place under a hidden name that ingest passes over, and then linked there;
neither step follows a symbolic link, and a name can hold no folder. What a killed service leaves behind
can be told by its name and lock, and is put right at the next start (`api.recovery`).
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from api.errors import RefusedError
from api.upload_folder import FORMER, HIDDEN, Claim, claim, hold

_NAME_BYTES = 200
_FORBIDDEN = set('/\\:*?"<>|')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def plain_name(name: str) -> str:
    """The name in one Unicode form. Raises RefusedError (422) for what is no plain file name."""
    name = unicodedata.normalize("NFC", name)
    bad = (
        not name
        or name != name.strip(" .")
        or not name.isprintable()
        or bool(_FORBIDDEN & set(name))
        or len(name.encode("utf-8", "replace")) > _NAME_BYTES
        or name.partition(".")[0].lower() in _RESERVED
        or not Path(name).suffix
    )
    if bad:
        detail = (
            'name: give a plain file name with its suffix, such as "notes.md": without folders, hidden files '
            f"and any of {' '.join(sorted(_FORBIDDEN))}, and of {_NAME_BYTES} bytes at most"
        )
        raise RefusedError(422, "name", detail)
    return name


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was written; `former` is the hidden name of the one it replaced, if it did.

    Nobody else changes the file until it is kept or withdrawn: of two that undo each other's
    replacement, one would be lost.
    """

    file: Path
    claim: Claim
    former: Path | None = None

    def keep(self) -> None:
        """The file stays, and what it replaced goes."""
        try:
            if self.former is not None:
                self.former.unlink(missing_ok=True)
        finally:
            self.claim.end()

    def withdraw(self) -> None:
        """The file goes, and what it replaced is back."""
        try:
            with suppress(FileNotFoundError):
                if self.former is not None:
                    self.former.replace(self.file)
                else:
                    self.file.unlink()
        finally:
            self.claim.end()


async def save(
    folder: Path, name: str, body: AsyncIterator[bytes], *, limit: int, folder_limit: int, replace: bool
) -> Saved:
    """Write `body` as `name` (see `plain_name`) in `folder`; `keep` or `withdraw` what it gives.

    Raises RefusedError: 409 where there is such a file and `replace` is not set, or where an upload of
    that name was neither kept nor withdrawn yet, 413 beyond `limit` bytes, 507 where the folder would
    hold more than `folder_limit` or the disk is full, 503 where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        home = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(error) from error
    draft = f"{HIDDEN}{uuid4().hex}"
    try:
        if not replace and _exists(home, name):
            raise _taken()
        room = min(limit, folder_limit - _held(folder))
        await _write(home, draft, body, room, limit)
        if _held(folder) > folder_limit:  # others came meanwhile; of two drafts the later look sees both
            raise _full()
        return _place(folder, home, draft, name, replace=replace)
    except OSError as error:
        raise _unwritable(error) from error
    finally:
        _unlink(home, draft)
        os.close(home)


async def _write(home: int, draft: str, body: AsyncIterator[bytes], room: int, limit: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    size = 0
    with os.fdopen(os.open(draft, flags, 0o640, dir_fd=home), "wb") as stream:
        hold(stream.fileno())
        async for piece in body:
            size += len(piece)
            if size > limit:
                raise RefusedError(413, "too-large", f"the file is larger than {limit} bytes")
            if size > room:
                raise _full()
            stream.write(piece)


def _place(folder: Path, home: int, draft: str, name: str, *, replace: bool) -> Saved:
    claimed = claim(folder, name)
    if claimed is None:
        raise _pending()
    try:
        if not replace:
            _link(home, draft, name)
            return Saved(folder / name, claimed)
        former = _put(home, draft, name)
        return Saved(folder / name, claimed, folder / former if former else None)
    except BaseException:
        claimed.end()
        raise


def _link(home: int, draft: str, name: str) -> None:
    try:
        os.link(draft, name, src_dir_fd=home, dst_dir_fd=home, follow_symlinks=False)
    except FileExistsError as error:
        raise _taken() from error


def _put(home: int, draft: str, name: str) -> str | None:
    """Put the draft in its place; the hidden name of the file that was there, None if none was."""
    former: str | None = f"{HIDDEN}{uuid4().hex}{FORMER}{name}"
    try:
        os.link(name, str(former), src_dir_fd=home, dst_dir_fd=home, follow_symlinks=False)
    except FileNotFoundError:
        former = None
    os.replace(draft, name, src_dir_fd=home, dst_dir_fd=home)
    return former


def _unwritable(error: OSError) -> RefusedError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RefusedError(507, "disk-full", "the disk of the uploads is full: the operator makes room")
    detail = f"the folder of uploads cannot be written ({error.strerror}): its operator looks at api.uploads"
    return RefusedError(503, "uploads-unwritable", detail)


def _full() -> RefusedError:
    return RefusedError(507, "folder-full", "the folder of uploads is full: its operator makes room")


def _taken() -> RefusedError:
    return RefusedError(409, "name-taken", "there is a file of this name: add replace=true to replace it")


def _pending() -> RefusedError:
    detail = "an upload of this name is still being read: wait until its job has ended, and send it again"
    return RefusedError(409, "name-busy", detail)


def _exists(home: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=home, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _held(folder: Path) -> int:
    held = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # it was removed since the folder was read
                if entry.is_file():
                    held += entry.stat(follow_symlinks=False).st_size
    return held


def _unlink(home: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=home)
