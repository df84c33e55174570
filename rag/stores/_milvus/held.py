"""Files that milvus-lite serves in this process, let go with their last connection.

It serves a file until the process ends, and no other process can open it meanwhile.
"""

from __future__ import annotations

import threading
from collections import Counter

_connections: Counter[str] = Counter()
_counting = threading.Lock()


def take(file: str) -> None:
    """One more connection to the file."""
    with _counting:
        _connections[file] += 1


def let_go(file: str) -> None:
    """One less; with the last one the file is free for another process."""
    with _counting:
        _connections[file] -= 1
        if _connections[file] > 0:
            return
        del _connections[file]
        from milvus_lite.server_manager import server_manager_instance  # type: ignore[import-untyped]

        server_manager_instance.release_server(file)
