"""What Milvus's failures mean: which pass by themselves, and the one line that a person is told.

Codes are those of a Milvus 2.6 server (its pkg/util/merr/errors.go). milvus-lite has no codes for a full
disk and gives the operating system's words.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from rag.errors import IndexBusy, RagError, SettingError
from rag.stores._milvus.address import Address

_UNAVAILABLE, _BUSY, _RATE = 2, 4, 8
_FULL = (3, 7, 9, 12)  # memory, disk, quota, resources: somebody has to make room
_FULL_SAID = ("quota exceeded", "deny to write", os.strerror(errno.ENOSPC), os.strerror(errno.EFBIG))
_REFUSED = ("UNAUTHENTICATED", "PERMISSION_DENIED")
_REFUSED_SAID = ("auth check failure", "permission deny", "PermissionDenied", "Unauthenticated")
_AWAY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")
_AWAY_SAID = (
    "Fail connecting to server",
    "server unavailable",
    "service not ready",
    "Retry timeout",
    "Cannot invoke RPC",
)
_TOO_LARGE = "RESOURCE_EXHAUSTED"


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed in a moment."""
    return is_away(error) or is_released(error) or _code(error) in (_UNAVAILABLE, _BUSY)


def is_released(error: Exception) -> bool:
    """Whether a collection is not loaded, as after the server was started anew."""
    return any(word in _said(error) for word in ("released", "not loaded"))


def is_away(error: Exception) -> bool:
    """Whether the server was not reached, or did not answer in time."""
    if _code(error) in (*_FULL, _RATE):
        return False
    return _status(error) in _AWAY or any(word in _said(error) for word in _AWAY_SAID)


def translated(error: Exception, address: Address) -> Exception:
    """What a person is told: a line with the address and the next step. What is not Milvus's stays itself."""
    from pymilvus import MilvusException

    theirs = isinstance(error, MilvusException | OSError | ValueError) or _status(error)
    if isinstance(error, RagError) or not theirs:
        return error
    said = _said(error)
    if address.is_file and "Open local milvus failed" in said:
        found = _why_not_opened(address)
        if isinstance(found, RagError):
            return found
        said = found
    return _told(error, said, address)


def _told(error: Exception, said: str, address: Address) -> RagError:
    at, code, line = f"Milvus at {address}", _code(error), said.splitlines()[0][:300]
    if code in _FULL or any(word in said for word in _FULL_SAID):
        return RagError(
            f"{at} takes no more: {line}: make room there or raise its quota; nothing stored is lost, "
            "run this again"
        )
    if code == _RATE:
        return RagError(
            f"{at} is asked more often than it allows: {line}: raise its rate limits, or run this again later"
        )
    if _status(error) == _TOO_LARGE:
        return RagError(f"{at} takes no call of this size: {line}: raise its proxy.grpc.serverMaxRecvSize")
    if _status(error) in _REFUSED or any(word in said for word in _REFUSED_SAID):
        return SettingError(f"store.token: {at} refuses it: {line}: correct store.token")
    if is_away(error):
        return SettingError(
            f"store.uri: {at} cannot be reached within {address.timeout:g} s: start it, or correct the "
            "address; what was stored is untouched, run this again"
        )
    if isinstance(error, OSError):
        return SettingError(f"store.uri: {at}: {line}: correct it, or the rights of its folder")
    return RagError(f"{at}: {line}")


def _why_not_opened(address: Address) -> RagError | str:
    """The cause, which pymilvus keeps to itself: it is opened again."""
    from milvus_lite.db import MilvusLite  # type: ignore[import-untyped]
    from milvus_lite.exceptions import DataDirLockedError  # type: ignore[import-untyped]

    try:
        MilvusLite(str(Path(address.uri).absolute())).close()
    except DataDirLockedError:
        pass
    except Exception as error:  # noqa: BLE001 - whatever it is, a person is told
        return f"it cannot be opened: {error}"
    return IndexBusy(
        f"{address} is open in another process: milvus-lite serves one at a time; "
        "end that one, or set store.uri to a Milvus server"
    )


def _code(error: Exception) -> int:
    """The number that a server gives with a failure, 0 without one."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else 0


def _status(error: Exception) -> str:
    """The name that gRPC has for the failure of a call, empty without one."""
    code = getattr(error, "code", None)
    found = code() if callable(code) else code
    return str(getattr(found, "name", "")) if not isinstance(found, int) else ""


def _said(error: Exception) -> str:
    details = getattr(error, "details", None)  # of gRPC's own errors
    text = getattr(error, "message", "") or (details() if callable(details) else "") or str(error)
    return str(text).strip() or type(error).__name__
