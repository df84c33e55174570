"""Files as published: flushed to the disk, named by their checksum, looked at again before they are read."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

from rag.errors import RagError

_BLOCK = 1 << 20
# numpy gives no number.
_FULL = (None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AT_ONCE = 8  # files flushed or hashed at a time
_SETTLED_NS = 2_000_000_000  # a file changed more recently may change again without its times showing it

MISSING, DAMAGED = "is missing", "is damaged"
_MOST_KNOWN = 10_000

_Stamp: TypeAlias = tuple[int, int, int, int]
_known: dict[Path, tuple[_Stamp, str]] = {}


def unwritten(path: Path, error: OSError) -> RagError:
    """What a person is told where `path` could not be written, and can do about it."""
    reason = error.strerror or "the disk is full"  # numpy only tells how much it could not write
    step = "free space" if error.errno in _FULL else "look at the disk and the rights on it"
    return RagError(f"{path} cannot be written: {reason}: {step} and run this again")


def sha256(file: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def let_go(array: Any) -> None:
    """Give back the pages that reading a mapped numpy array made this process hold; it stays readable.

    Who reads a large file from one end to the other would otherwise be counted all of it. An array that is
    not mapped is left alone, and so is everything where the system has no madvise.
    """
    while array is not None and not isinstance(array, mmap.mmap):
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    if array is not None and hasattr(array, "madvise"):
        array.madvise(mmap.MADV_DONTNEED)


def flush(path: Path) -> None:
    """Have the kernel put a file's content, or a folder's entries, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sealed(files: Sequence[Path], folders: Sequence[Path]) -> list[str]:
    """Put files and folders on the disk and return the files' sha256, in order.

    All at once: a file system writes its journal once for flushes that wait together.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        flushed = pool.map(flush, [*files, *folders])
        digests = list(pool.map(sha256, files))
        for _ in flushed:  # an error of any of them is raised here
            pass
    return digests


def faults(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """Of these files and the sha256 each should have: those that have not, in order, and what is wrong."""
    expected = list(files)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda each: _fault(*each), expected)
        for (file, _), fault in zip(expected, found, strict=True):
            if fault:
                yield file, fault


def _fault(file: Path, digest: str) -> str:
    try:
        return "" if _digest(file) == digest else DAMAGED
    except FileNotFoundError:
        return MISSING
    except IsADirectoryError:
        return DAMAGED
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _digest(file: Path) -> str:
    """A file's sha256, from memory where this process has read it and it was not touched since.

    A new generation shares most files with the last: only what is new is read again.
    """
    stamp = _stamp(file)
    known = _known.get(file)
    if known and known[0] == stamp:
        return known[1]
    digest = sha256(file)
    if stamp == _stamp(file) and time.time_ns() - max(stamp[1:3]) > _SETTLED_NS:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[file] = (stamp, digest)
    return digest


def _stamp(file: Path) -> _Stamp:
    status = file.stat()
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
