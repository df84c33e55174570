"""What the routes work with, made once: the engine, its queues, keys, figures and background jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request

from api.jobs import Jobs
from api.keys import Keys
from api.metrics import Metrics
from api.pages.draw import Pictures
from api.queue import Lane
from api.readiness import Readiness
from api.redact import Redactor, redactor
from api.telemetry import Telemetry
from api.warming import Warming
from rag.config import Settings
from rag.engine import Engine

# Passages are found and documents read by so many threads; this is processor work, so more only wait.
_READERS = 4
# Pages of PDF files drawn at once, each in a child process that may take a gigabyte.
_DRAWERS = 2


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the service."""

    settings: Settings
    engine: Engine
    answers: Lane  # before the model
    reads: Lane  # searches and documents, which no model holds up
    drawing: Lane  # pages of PDF files, slow ones among them
    pictures: Pictures
    keys: Keys
    redactor: Redactor
    jobs: Jobs
    warming: Warming
    readiness: Readiness
    telemetry: Telemetry
    metrics: Metrics = field(default_factory=Metrics)

    def redact(self, message: str) -> str:
        """A message without the server's folders."""
        return self.redactor.text(message)

    def close(self) -> None:
        """Take nothing more on; a job's child process is ended, which an ingest survives."""
        self.warming.stop()
        self.jobs.close()
        self.answers.close()
        self.reads.close()
        self.telemetry.close()
        self.drawing.close()


def make(
    settings: Settings, engine: Engine, *, key_required: bool = False, telemetry: Telemetry | None = None
) -> Service:
    """The service of these settings. Raises SettingError for a keys file that cannot be read."""
    api = settings.api
    hide = redactor(settings)
    return Service(
        settings=settings,
        engine=engine,
        answers=Lane("answer", workers=api.threads, places=api.queue, share=api.client_share),
        reads=Lane("read", workers=_READERS, places=api.queue, share=api.client_share),
        drawing=Lane("draw", workers=_DRAWERS, places=api.queue, share=api.client_share),
        pictures=Pictures(settings),
        keys=Keys(Path(api.keys_file), required=key_required),
        redactor=hide,
        jobs=Jobs(settings, hide),
        warming=Warming(engine),
        readiness=Readiness(settings),
        telemetry=telemetry or Telemetry(),
    )


def service_of(request: Request) -> Service:
    """The service a request came to."""
    service: Service = request.app.state.service
    return service
