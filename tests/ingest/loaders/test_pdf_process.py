"""The parser's process: its limits hold, its death is survived, it leaves nothing behind."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.loaders._pdf_process import Limits, PdfProcess
from rag.errors import DocumentError

if TYPE_CHECKING:
    from tests.ingest.loaders.conftest import PdfBytes

LIMITS = Limits(seconds=30, memory_mb=256, max_pages=100)


def _written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_file_that_takes_too_much_memory_fails_alone(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    """Two kilobytes that unpack to hundreds of megabytes; the file after it is read as ever."""
    bomb = _written(tmp_path, "bomb.pdf", pdf_bytes.bomb(400))
    sound = _written(tmp_path, "sound.pdf", pdf_bytes.pages([b"still here"]))
    process = PdfProcess(LIMITS)
    assert bomb.stat().st_size < 5000
    with pytest.raises(DocumentError, match="256 MB"):
        process.parse(bomb)
    assert process.parse(sound)["pages"] == ["still here"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_one_child_reads_many_files(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    sound = _written(tmp_path, "sound.pdf", pdf_bytes.pages([b"a"]))
    process = PdfProcess(LIMITS)
    first = _child(process, sound)
    assert _child(process, sound) == first


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    endless = _written(tmp_path, "endless.pdf", pdf_bytes.endless())
    started = time.monotonic()
    with pytest.raises(DocumentError, match=r"more than 0\.2 seconds"):
        PdfProcess(Limits(seconds=0.2, memory_mb=4096, max_pages=10)).parse(endless)
    assert time.monotonic() - started < 5


def test_a_child_that_died_between_files_is_not_held_against_the_next(
    tmp_path: Path, pdf_bytes: PdfBytes
) -> None:
    sound = _written(tmp_path, "sound.pdf", pdf_bytes.pages([b"a"]))
    process = PdfProcess(LIMITS)
    child = _child(process, sound)
    child.kill()
    child.wait()
    assert process.parse(sound)["pages"] == ["a"]


def test_the_child_ends_with_its_owner(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    process = PdfProcess(LIMITS)
    child = _child(process, _written(tmp_path, "sound.pdf", pdf_bytes.pages([b"a"])))
    del process
    gc.collect()
    assert child.poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    sound = _written(tmp_path, "sound.pdf", pdf_bytes.pages([b"a"]))
    script = (
        "import os, pathlib, sys\n"
        "from ingest.loaders._pdf_process import Limits, PdfProcess\n"
        "process = PdfProcess(Limits(30, 256, 10))\n"
        "process.parse(pathlib.Path(sys.argv[1]))\n"
        "print(process._child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script, str(sound)], cwd=root, capture_output=True, text=True, check=False
    )
    status = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(100):
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the parser outlived its parent")


def _child(process: PdfProcess, path: Path) -> subprocess.Popen[bytes]:
    process.parse(path)
    assert process._child is not None
    return process._child
