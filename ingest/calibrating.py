"""The last step of an ingest: learn when to refuse, if enough has changed since that was learnt."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Event, Thread

from rag.compute import first_line
from rag.config import Settings
from rag.errors import RagError


def calibrate(settings: Settings, *, quiet: bool, stop: Event | None = None) -> None:
    """Calibrate the published index where that is due, and say on stderr what is promised.

    Once `stop` is set nothing more is asked and nothing is kept. A failure is told and forgotten: what was
    ingested is published already.
    """
    if not settings.calibration.at_ingest:
        return
    from rag.calibration.describe import lines
    from rag.recalibrate import due, recalibrate

    try:
        if not due(settings):
            return
        found = recalibrate(settings, stop)
    except (RagError, OSError) as error:
        print(f"not calibrated: {error}", file=sys.stderr)
        return
    risk = settings.calibration.risk
    # Too small a collection to learn from is no news, unless a risk was to be kept to.
    if found is not None and (found.groups or risk) and not quiet:
        print("\n".join(f"calibrated {each}" for each in lines(found, risk)), file=sys.stderr)


class Afterwards:
    """Does one thing beside a watch, in a thread of its own and never twice at a time.

    What is wanted while it is being done is done once more afterwards: a calibration that was under way
    when a change arrived knows nothing of the change.
    """

    def __init__(self, do: Callable[[], None], stop: Event) -> None:
        """`stop`, once it is set, ends `do` early, and with it the thread."""
        self._do = do
        self._stop = stop
        self._wanted = Event()
        self._thread = Thread(target=self._run, name="afterwards")

    def wanted(self) -> None:
        """Begin now, or again as soon as what is under way has ended."""
        self._wanted.set()
        if self._thread.ident is None:
            self._thread.start()

    def end(self) -> None:
        """Set `stop`; the thread ends by itself."""
        self._stop.set()
        self._wanted.set()

    def _run(self) -> None:
        while self._wanted.wait() and not self._stop.is_set():
            self._wanted.clear()
            try:
                self._do()
            except Exception as error:  # noqa: BLE001 - what comes of the next change is another matter
                print(f"not calibrated: {first_line(error)}", file=sys.stderr)
