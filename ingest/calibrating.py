"""The last step of an ingest: learn when to refuse, if enough has changed since that was learnt."""

from __future__ import annotations

import sys
from threading import Event

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
