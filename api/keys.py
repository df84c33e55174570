"""API keys: made at random, shown once, kept as SHA-256, several with names, revocable at any time.

A key has 256 random bits, so that a plain digest of it cannot be searched: the slow hashes made for
passwords would add nothing but load.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from rag.config import Settings
from rag.errors import SettingError

PREFIX = "lectern-"
_NAME_LIMIT = 64
_logger = logging.getLogger("lectern.keys")


@dataclass(frozen=True, slots=True)
class Key:
    """One key: whose it is, the hex SHA-256 of its text, and when it was made."""

    name: str
    sha256: str
    created: str


def read(file: Path) -> list[Key]:
    """The keys in `file`, none if there is no such file. Raises SettingError."""
    try:
        return TypeAdapter(list[Key]).validate_json(file.read_bytes(), strict=True)
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise SettingError(
            f"{file} is damaged: restore it, or delete it and make keys anew with `python -m api keys add`"
        ) from error
    except OSError as error:
        raise SettingError(f"{file}: {error.strerror}: check setting api.keys_file") from error


def add(file: Path, name: str) -> str:
    """Make a key for `name` and return its text, which is stored nowhere. Raises SettingError."""
    if not name.isprintable() or not 0 < len(name) <= _NAME_LIMIT:
        raise SettingError(f"a key's name has 1 to {_NAME_LIMIT} printable characters, for example: anna")
    keys = read(file)
    if any(key.name == name for key in keys):
        raise SettingError(f"there is a key named {name} already: revoke it first or choose another name")
    text = PREFIX + secrets.token_urlsafe(32)
    _write(file, [*keys, Key(name, _digest(text), datetime.now(UTC).strftime("%FT%TZ"))])
    return text


def revoke(file: Path, name: str) -> None:
    """Forget the key of `name`; running services follow within a request. Raises SettingError."""
    keys = read(file)
    kept = [key for key in keys if key.name != name]
    if len(kept) == len(keys):
        raise SettingError(f"there is no key named {name} in {file}: `python -m api keys list` shows them")
    _write(file, kept)


def check_place(settings: Settings) -> None:
    """Raise SettingError for a file of keys in the index folder, which is copied, shared and thrown away."""
    file, index = Path(settings.api.keys_file).resolve(), settings.index.resolve()
    if file.is_relative_to(index):
        raise SettingError(
            f"api.keys_file = {settings.api.keys_file!r} lies in the index {str(settings.index)!r}, which "
            "may be shared: move it elsewhere"
        )


class Keys:
    """The keys a service accepts, read again whenever their file changes.

    Once a key was asked for, one is always asked for: a file that vanishes or breaks opens nothing.
    """

    def __init__(self, file: Path, *, required: bool = False) -> None:
        self._file = file
        self._reading = threading.Lock()
        self._stamp = self._now()
        self._keys = read(file)
        self._required = required or bool(self._keys)

    @property
    def required(self) -> bool:
        """Whether a request needs a key."""
        self._follow()
        return self._required

    def holder(self, text: str) -> str | None:
        """Whose key this is, None if nobody's. Takes as long for a wrong key as for a right one."""
        self._follow()
        digest = _digest(text)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key.name
        return found

    def _follow(self) -> None:
        stamp = self._now()
        if stamp == self._stamp:
            return
        with self._reading:
            try:
                self._keys = read(self._file)
            except SettingError:
                _logger.error("keys unreadable", extra={"fields": {"file": self._file.name}})  # noqa: TRY400
                self._keys = []
            self._required = self._required or bool(self._keys)
            self._stamp = stamp

    def _now(self) -> tuple[int, ...] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(file: Path, keys: list[Key]) -> None:
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    content = json.dumps([asdict(key) for key in keys], indent=1, ensure_ascii=False)
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", -1, "utf-8"
        ) as stream:
            stream.write(content + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        raise SettingError(
            f"{file} cannot be written: {error.strerror}: see setting api.keys_file"
        ) from error
