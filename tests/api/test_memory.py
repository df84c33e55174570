"""The heaps of a process with many threads."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# How many heaps 32 threads that each hold a small block make; run apart, since it holds for a process.
_COUNT = """
import ctypes, sys, threading
from api.memory import few_heaps
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
if "few" in sys.argv:
    assert few_heaps()
met, found = threading.Barrier(32), []
def hold():
    met.wait()
    found.append(libc.malloc(100) >> 26)
    met.wait()
threads = [threading.Thread(target=hold) for _ in range(32)]
for each in threads: each.start()
for each in threads: each.join()
print(len(set(found)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heaps")
def test_threads_share_two_heaps() -> None:
    def heaps(*words: str) -> int:
        done = subprocess.run([sys.executable, "-c", _COUNT, *words], capture_output=True, check=True)
        return int(done.stdout)

    assert heaps("few") <= 2 < heaps()


def test_who_set_their_number_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from api.memory import few_heaps

    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    assert not few_heaps()
