"""`python -m ingest PATH...`: index folders and files."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from rag.command import COULD_NOT_START, add_settings, run, settings_of
from rag.errors import RagError, SettingError

if TYPE_CHECKING:
    from ingest.report import Report
    from rag.config import Settings

# What a flag that does something else of its own cannot be combined with.
_ALONE = {"dump": ("dry_run", "rebuild", "json", "watch"), "watch": ("dry_run", "rebuild", "on")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all well, 1 some documents failed, 2 it could not start."""
    options = _parser().parse_args(arguments)
    for flag, others in _ALONE.items():
        if getattr(options, flag) and (given := [other for other in others if getattr(options, other)]):
            raise SettingError(f"--{flag} goes without --{given[0].replace('_', '-')}: leave one of them out")
    calibrated = False if options.no_calibrate else None
    settings = settings_of(
        options, {"ingest.exclude": options.exclude or None, "calibration.at_ingest": calibrated}
    )
    if options.dump:
        from ingest.dump import dump

        return dump(settings, options.paths)
    if options.watch:
        return _watch(settings, options)
    from ingest.calibrating import calibrate
    from ingest.pipeline import ingest

    report = ingest(
        settings,
        options.paths,
        dry_run=options.dry_run,
        rebuild=options.rebuild,
        quiet=options.quiet,
        cluster=options.on,
    )
    if not options.dry_run:
        calibrate(settings, quiet=options.quiet)
    return _print(report, options)


def _print(report: Report, options: argparse.Namespace, told: Container[str] = ()) -> int:
    if options.json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2), flush=True)
    else:
        print("\n".join(report.lines(told)), flush=True)
    return 1 if report.failed else 0


def _watch(settings: Settings, options: argparse.Namespace) -> int:
    """Ingest now and after every change, until SIGTERM or Ctrl-C; the status of the last report."""
    from ingest.calibrating import Afterwards, calibrate
    from ingest.discover import folders
    from ingest.pipeline import ingest
    from ingest.plan import Digests
    from ingest.roots import known_roots
    from ingest.todo import exclusions
    from ingest.watch import watch

    stop, digests = Event(), Digests()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def rest() -> None:
        """What takes seconds and may wait: the next change shall not wait for it."""
        _warm(settings)
        calibrate(settings, quiet=options.quiet, stop=stop)

    resting = Afterwards(rest, stop)
    told: set[str] = set()

    def ingest_and_print() -> int:
        nonlocal told
        report = ingest(settings, options.paths, quiet=options.quiet, digests=digests)
        status = _print(report, options, told)
        told = set(report.notes())
        resting.wanted()
        return status

    try:
        status = watch(
            options.paths,
            ingest_and_print,
            stop=stop,
            folders=lambda: folders(
                options.paths, known_roots(settings), settings.index, exclusions(settings)
            ),
            index=settings.index,
        )
    finally:
        resting.end()
    return COULD_NOT_START if status is None else status


def _warm(settings: Settings) -> None:
    """Load the model, which a run with nothing to embed leaves alone: the first change shall not wait."""
    from rag.models import build_embedder

    with suppress(RagError):  # the ingest that needs it will say so
        build_embedder(settings).encode(["warm"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Index folders and files. Run again after changes: only what changed is read.",
    )
    parser.add_argument("paths", nargs="+", type=_place, metavar="PATH", help="a folder or a file")
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--watch", action="store_true", help="stay, and ingest after every change")
    parser.add_argument(
        "--exclude",
        action="append",
        metavar="PATTERN",
        help="leave out what this gitignore pattern names; may be repeated",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    parser.add_argument(
        "--dump",
        action="store_true",
        help="print what is read and how it is cut, as JSON lines; index nothing",
    )
    parser.add_argument("--rebuild", action="store_true", help="start over: read and embed everything again")
    parser.add_argument(
        "--no-calibrate", action="store_true", help="do not learn from made questions when to refuse"
    )
    parser.add_argument(
        "--on", metavar="CLUSTER", help="read and embed on a Ray cluster: `ray`, or `ray://HOST:PORT`"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


def _place(value: str) -> Path:
    """The argument PATH; an empty one, as a variable that is not set, would be this folder."""
    if not value.strip():
        raise argparse.ArgumentTypeError("a PATH is empty: name a folder or a file, or . for this folder")
    return Path(value)


if __name__ == "__main__":
    sys.exit(run(main, "what was recorded is kept, run the same command again to go on"))
