"""`python -m ingest PATH...`: index folders and files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rag.command import add_settings, run, settings_of
from rag.errors import SettingError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all well, 1 some documents failed, 2 it could not start."""
    options = _parser().parse_args(arguments)
    if options.dump:
        return _dump(options)
    from ingest.pipeline import ingest

    report = ingest(
        settings_of(options),
        options.paths,
        dry_run=options.dry_run,
        rebuild=options.rebuild,
        quiet=options.quiet,
    )
    if options.json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(report.lines()))
    return 1 if report.failed else 0


def _dump(options: argparse.Namespace) -> int:
    for flag in ("dry_run", "rebuild", "json"):
        if getattr(options, flag):
            name = flag.replace("_", "-")
            raise SettingError(f"--dump indexes nothing and always prints JSON: leave out --{name}")
    from ingest.dump import dump

    return dump(settings_of(options), options.paths)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Index Markdown, text and PDF files. Run again after changes: only what changed is read.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a folder or a file")
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    parser.add_argument(
        "--dump",
        action="store_true",
        help="print what is read and how it is cut, as JSON lines; index nothing",
    )
    parser.add_argument("--rebuild", action="store_true", help="start over: read and embed everything again")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


if __name__ == "__main__":
    sys.exit(run(main))
