"""An index folder has one writer, and whoever else comes is told who that is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.build import build_indexer
from rag.config import Settings
from rag.errors import IndexBusy, IndexDamaged, RagError

SettingsFor = Callable[..., Settings]

# A child that holds an index's lock until its input ends.
HOLDER = """
import os, sys
from rag.build import build_indexer
from rag.config import load_settings
with build_indexer(load_settings({"index": sys.argv[1]})):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Such a child once it has the lock, and the process it says it is."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def test_a_second_writer_is_refused_and_told_who_the_first_is(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    child, pid = holder(settings.index)
    with pytest.raises(IndexBusy, match=rf"is being written by process {pid} since 20.*wait"):
        build_indexer(settings).__enter__()
    child.communicate("")
    with build_indexer(settings):
        pass


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(tmp_path / "index")
    child, _ = holder(settings.index)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with build_indexer(settings), pytest.raises(IndexBusy, match=f"process {os.getpid()} "):
        build_indexer(settings).__enter__()


def test_a_writer_that_could_not_begin_frees_the_lock(tmp_path: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(tmp_path / "index")
    settings.index.mkdir()
    (settings.index / "record.sqlite").write_bytes(b"no database " * 1000)
    for _ in range(2):
        with pytest.raises(IndexDamaged):
            build_indexer(settings).__enter__()
    with build_indexer(settings, start_over=True) as indexer:
        assert indexer.store.documents() == []


def test_an_index_that_cannot_be_made_is_a_setting_to_change(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    (tmp_path / "file").write_text("not a folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "index"):
        with pytest.raises(RagError, match=r"index = '.*file.*' cannot be written"):
            build_indexer(settings_for(folder)).__enter__()


def test_the_lock_is_held_and_freed_whatever_stands_where_its_holder_is_noted(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    """As on a full disk, or where another process has that file open and the system lets nobody remove it."""
    settings = settings_for(tmp_path / "index")
    (settings.index / "lock.json").mkdir(parents=True)
    for _ in range(2):
        with build_indexer(settings), pytest.raises(IndexBusy, match="written by another process: wait"):
            build_indexer(settings).__enter__()


@pytest.mark.parametrize("noted", ["[]", '"x"', "{}", "", "7", "\x00"])
def test_a_damaged_note_of_the_holder_is_another_process(
    noted: str, tmp_path: Path, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings):
        (settings.index / "lock.json").write_text(noted)
        with pytest.raises(IndexBusy, match="written by another process: wait"):
            build_indexer(settings).__enter__()
