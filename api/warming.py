"""Loads the models in the background, so that the first question does not wait for them."""

from __future__ import annotations

import logging
import threading

from rag.engine import Engine
from rag.errors import RagError

RETRY_SECONDS = 2.0
_logger = logging.getLogger("lectern.ready")


class Warming:
    """A thread that warms the engine, again and again until it succeeds.

    What stands in the way (no index yet, a damaged one, a model that is not there) is logged once and
    kept in `obstacle`; an index that appears later is picked up without a restart.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        # A model that is loading cannot be interrupted: a daemon does not hold up the end.
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
        self.obstacle: str | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until it succeeded or was stopped."""
        self._thread.join()

    def stop(self) -> None:
        """Do not try again."""
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
                    _logger.info("ready")
                self.obstacle = None
                return
            self._stop.wait(RETRY_SECONDS)

    def _meet(self, obstacle: str) -> None:
        if obstacle != self.obstacle:
            _logger.warning("not ready", extra={"fields": {"reason": obstacle}})
        self.obstacle = obstacle
