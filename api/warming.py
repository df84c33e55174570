"""Loads the models in the background, so that the first question does not wait for them."""

from __future__ import annotations

import sys
import threading

from rag.engine import Engine
from rag.errors import RagError

RETRY_SECONDS = 2.0


class Warming:
    """A thread that warms the engine, again and again until it succeeds.

    What stands in the way (no index yet, a damaged one, a model that is not there) is said once on
    stderr and kept in `obstacle`; an index that appears later is picked up without a restart.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        # A model that is loading cannot be interrupted: a daemon does not hold up the end.
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
        self.obstacle: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._engine.warm()
            except RagError as error:
                self._meet(str(error))
            except Exception as error:  # noqa: BLE001 - a library's own; the thread must not end unready
                self._meet(f"{type(error).__name__}: {error}")
            else:
                if self.obstacle is not None:
                    print("ready: the index is there and its models are loaded", file=sys.stderr, flush=True)
                self.obstacle = None
                return
            self._stop.wait(RETRY_SECONDS)

    def _meet(self, obstacle: str) -> None:
        if obstacle != self.obstacle:
            print(f"not ready: {obstacle}", file=sys.stderr, flush=True)
        self.obstacle = obstacle
