"""Peak memory is of the work since it was last forgotten, and bytes are of the index alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from eval.cost import forget_peak, index_bytes, maxrss_mb, peak_mb


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can forget a peak")
def test_a_peak_is_seen_and_can_be_forgotten() -> None:
    forget_peak()
    before = peak_mb()
    block = bytearray(200 * 1024 * 1024)
    block[::4096] = b"x" * len(block[::4096])
    assert peak_mb() > before + 150
    del block
    forget_peak()
    assert peak_mb() < before + 100


def test_getrusage_counts_in_kilobytes_here() -> None:
    assert maxrss_mb(2048) == (2048 / 1024 / 1024 if sys.platform == "darwin" else 2)


def test_the_notes_beside_an_index_are_no_part_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "generations" / "1").mkdir(parents=True)
    (tmp_path / "generations" / "1" / "dense.npy").write_bytes(b"12345")
    (tmp_path / "record.sqlite").write_bytes(b"123")
    (tmp_path / "eval.json").write_bytes(b"not counted")
    (tmp_path / "lock").write_bytes(b"not counted")
    (tmp_path / "record.sqlite-shm").write_bytes(b"not counted")
    assert index_bytes(tmp_path) == 8
