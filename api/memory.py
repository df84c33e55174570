"""How the process keeps memory: glibc gives each thread a heap of its own and returns little of them.

With the threads of a service that grew by 55 bytes a request over 100,000 of them; with two heaps by 43.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_M_ARENA_MAX = -8  # of glibc's malloc.h
_HEAPS = 2


def few_heaps() -> bool:
    """Let all threads share two heaps, unless MALLOC_ARENA_MAX says otherwise; whether that was possible."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    with suppress(OSError, AttributeError):  # no glibc here
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS))
    return False
