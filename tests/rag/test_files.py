"""Files are looked at again before they are read, and read again only where they may have changed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from rag import files
from rag.files import faults, let_go, sha256, unwritten


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: free space"),
        (OSError("45 requested and 3 written"), "the disk is full: free space"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error: look at the disk"),
        (
            OSError(errno.EROFS, "Read-only file system"),
            "file system: look at the disk and the rights",
        ),
    ],
)
def test_what_could_not_be_written_is_told_with_what_to_do(error: OSError, said: str) -> None:
    assert said in str(unwritten(Path("here"), error))


def test_only_what_is_not_as_it_should_be_is_named_in_order(tmp_path: Path) -> None:
    expected = []
    for name in "abcdef":
        (tmp_path / name).write_bytes(name.encode() * 1000)
        expected.append((tmp_path / name, sha256(tmp_path / name)))
    (tmp_path / "b").unlink()
    (tmp_path / "d").write_bytes(b"other")
    (tmp_path / "e").unlink()
    (tmp_path / "e").mkdir()
    assert [(file.name, fault) for file, fault in faults(expected)] == [
        ("b", "is missing"),
        ("d", "is damaged"),
        ("e", "is damaged"),
    ]


def test_a_file_that_was_not_touched_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 1000)
    digest = sha256(file)
    reads: list[Path] = []
    monkeypatch.setattr(files, "_SETTLED_NS", -1)

    def counted(path: Path) -> str:
        reads.append(path)
        return sha256(path)

    monkeypatch.setattr(files, "sha256", counted)
    for _ in range(3):
        assert list(faults([(file, digest)])) == []
    assert len(reads) == 1


def test_every_change_to_a_file_that_was_read_is_noticed(tmp_path: Path) -> None:
    """Also at once, with the same size and the old times put back."""
    file = tmp_path / "a"
    for _ in range(20):
        file.write_bytes(b"x" * 1000)
        digest = sha256(file)
        assert list(faults([(file, digest)])) == []
        status = file.stat()
        with file.open("r+b") as stream:
            stream.write(b"y")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert list(faults([(file, digest)])) == [(file, "is damaged")]


def test_a_file_touched_a_moment_ago_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    for settled, known in ((10**12, False), (-1, True)):  # nanoseconds; a quarter of an hour is a moment
        monkeypatch.setattr(files, "_SETTLED_NS", settled)
        list(faults([(file, sha256(file))]))
        assert (file in files._known) == known


def test_pages_of_a_mapped_array_are_given_back_and_it_stays_readable(tmp_path: Path) -> None:
    status = Path("/proc/self/smaps")
    if not status.exists():
        pytest.skip("only Linux tells what is held of a map")
    np.save(tmp_path / "array.npy", np.ones(1 << 20))
    mapped = np.asarray(np.load(tmp_path / "array.npy", mmap_mode="r"))

    def held() -> int:
        _, _, own = status.read_text("utf-8").partition("array.npy")
        return int(own.split("Rss:")[1].split()[0])

    assert mapped.sum() == 1 << 20
    before = held()
    let_go(mapped)
    assert held() < before / 2
    assert mapped.sum() == 1 << 20
    let_go(np.ones(3))  # not mapped: left alone
