"""The flags of `python -m eval DATASET`, checked before any work is done."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from eval.answers import SHARES
from eval.measuring import Plan
from eval.metrics import MEASURES
from eval.systems import System, fixed, sweep, system_name
from eval.table import SPANS
from rag.command import add_settings, settings_of
from rag.config import Settings, assignments
from rag.errors import SettingError
from rag.types import MODES, Mode

# Settings that another index is not needed for.
_ON_ONE_INDEX = (
    "retriever.",
    "reranker.",
    "generator.",
    "calibration.",
    "question_limit",
    "fallback",
    "unsupported",
)


def parser() -> argparse.ArgumentParser:
    """What the command line may hold."""
    made = argparse.ArgumentParser(
        prog="python -m eval",
        description="Measure retrieval and answers on test sets, compare systems, and guard against losses.",
        epilog="`python -m eval make-set DIR --out SET` writes a test set from your own files.",
    )
    made.add_argument(
        "dataset", nargs="+", type=Path, metavar="DATASET", help="test set, or a folder of them"
    )
    made.add_argument("--mode", "--modes", default=None, help="modes, comma separated (default: all three)")
    made.add_argument(
        "--run", action="append", default=[], metavar="NAME=FILE", help="measure a TREC run file"
    )
    usual = "ndcg@10; span_recall@1000t where quotes are the labels"
    made.add_argument("--measure", help=f"measures that decide, comma separated (default: {usual})")
    made.add_argument(
        "--answers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="ask the questions whose answer is known (default: yes)",
    )
    made.add_argument(
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="learn from made questions when to refuse, as an ingest does, before answers are measured "
        "(default: yes, as calibration.at_ingest); without it the fixed threshold holds",
    )
    _add_set(made)
    _add_output(made)
    _add_statistics(made)
    add_settings(made, index="keep the index there and use it again (default: a temporary one)")
    return made


def _add_set(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("the test set")
    group.add_argument("--labels", choices=["passages", "spans"], help="which, of a folder that has both")
    group.add_argument("--corpus", type=Path, metavar="DIR", help="the files that span labels speak of")
    group.add_argument("--queries", type=Path, metavar="FILE", help="instead of the folder's own")
    group.add_argument(
        "--qrels", type=Path, metavar="FILE", help="BEIR, TREC or JSON lines, instead of its own"
    )


def _add_output(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("results")
    group.add_argument("--json", metavar="FILE", help="write all figures there too; - prints them alone")
    group.add_argument("--per-query", action="store_true", help="with --json: add every query's figures")
    group.add_argument("--report", type=Path, metavar="DIR", help="write report.html, .md and .json there")
    group.add_argument(
        "--write-trec", type=Path, metavar="DIR", help="write qrels and runs in TREC form there"
    )
    group.add_argument("--work", type=Path, metavar="DIR", help="keep indexes there, go on after a stop")


def _add_statistics(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("statistics and gate")
    group.add_argument("--seed", type=int, default=0, help="of every random draw (default: 0)")
    group.add_argument("--trials", type=int, default=10_000, help="draws of a test (default: 10000)")
    group.add_argument("--alpha", type=float, default=0.05, help="significance level (default: .05)")
    group.add_argument("--baseline", type=Path, metavar="FILE", help="exit 1 if significantly worse than it")
    group.add_argument("--save-baseline", type=Path, metavar="FILE", help="store this run as a baseline")
    group.add_argument("--threshold", type=float, default=0.01, help="loss that is tolerated (default: .01)")
    group.add_argument("--junit", type=Path, metavar="FILE", help="with --baseline: the verdict for CI")


def check(options: argparse.Namespace) -> None:
    """Raise SettingError for what would otherwise be found out after the work."""
    for flag in ("json", "save_baseline", "junit"):
        _check_output(flag, getattr(options, flag))
    for flag in ("report", "write_trec", "work"):
        folder = getattr(options, flag)
        if folder is not None:
            _check_folder(_flag(flag), folder)
    _check_range("trials", options.trials, 100, 1_000_000)
    _check_range("alpha", options.alpha, 0.0001, 0.5)
    _check_range("threshold", options.threshold, 0.0, 1.0)
    _check_range("seed", options.seed, 0, 2**32 - 1)
    if options.junit and not options.baseline:
        raise SettingError("--junit goes with --baseline: without one there is no verdict")
    if options.baseline and not options.baseline.is_file():
        raise SettingError(f"--baseline {options.baseline}: no such file; make one with --save-baseline")
    if options.index is not None and options.work is not None:
        raise SettingError("--index and --work both say where the index is kept; use one")


def plan(options: argparse.Namespace) -> Plan:
    """What the flags amount to. Raises SettingError naming the flag that cannot be taken."""
    runs = _runs(options.run)
    text = ",".join(MODES) if options.mode is None else options.mode
    modes = [] if runs and options.mode is None else _modes(text)
    systems = [_system(options, mode, chosen) for chosen in sweep(options.assignments) for mode in modes]
    if clash := runs.keys() & {system.name for system in systems}:
        raise SettingError(f"--run {clash.pop()}=...: a mode has that name; choose another")
    _refuse_several_indexes(options, systems)
    return Plan(
        systems=systems,
        runs=runs,
        measures=_measures(options.measure),
        answers=options.answers and bool(systems),
        seed=options.seed,
        trials=options.trials,
        alpha=options.alpha,
    )


def index_named(options: argparse.Namespace) -> Path | None:
    """The index folder if one was chosen, by flag or by --set."""
    chosen = options.index or assignments(fixed(options.assignments)).get("index")
    if chosen == "":
        raise SettingError("index: must not be empty")
    return Path(chosen) if chosen is not None else None


def _refuse_several_indexes(options: argparse.Namespace, systems: list[System]) -> None:
    swept = {name for system in systems for name in system.chosen}
    shaping = sorted(name for name in swept if not name.startswith(_ON_ONE_INDEX))
    if shaping and index_named(options) is not None:
        raise SettingError(f"--index: {shaping[0]} with several values needs several indexes; use --work DIR")


def _system(options: argparse.Namespace, mode: Mode, chosen: dict[str, str]) -> System:
    pairs = [*fixed(options.assignments), *(f"{name}={value}" for name, value in chosen.items())]
    merged = argparse.Namespace(**{**vars(options), "assignments": pairs})
    settings: Settings = settings_of(merged, {"calibration.at_ingest": options.calibrate})
    return System(system_name(mode, chosen), mode, settings, chosen)


def _modes(text: str) -> list[Mode]:
    named = list(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in named if name not in get_args(Mode)]
    if unknown:
        raise SettingError(f"--mode {text}: there is no {unknown[0]!r}; valid: {', '.join(MODES)}")
    return [mode for name in named for mode in MODES if mode == name]


def _measures(text: str | None) -> list[str]:
    named = list(dict.fromkeys(name.strip() for name in text.split(","))) if text is not None else []
    valid = [*MEASURES, *SPANS, *SHARES]
    for name in named:
        if name not in valid:
            raise SettingError(f"--measure {text}: there is no {name!r}; valid: {', '.join(valid)}")
    return named


def _runs(given: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, file in map(_named, given):
        if name in found:
            raise SettingError(f"--run {name}=...: given twice; call the second one something else")
        found[name] = file
    return found


def _named(run: str) -> tuple[str, Path]:
    name, equals, file = run.partition("=")
    if not equals:
        name, file = Path(run).stem, run
    if not name or not Path(file).is_file():
        raise SettingError(f"--run {run}: there is no such file; write NAME=FILE")
    return name, Path(file)


def _check_output(flag: str, name: str | Path | None) -> None:
    if name is None or (flag == "json" and name == "-"):
        return
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        raise SettingError(f"{_flag(flag)} {name}: cannot be written; name a file in a folder that exists")


def _check_folder(flag: str, folder: Path) -> None:
    if folder == Path():
        raise SettingError(f"{flag}: name a folder, such as ./results")
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise SettingError(f"{flag} {folder}: {there} is a file; name a folder")


def _check_range(flag: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingError(f"{_flag(flag)} {value:g}: must lie between {low} and {high}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
