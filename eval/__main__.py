"""`python -m eval DATASET`: how well the retriever finds what people judged to be right, mode by mode."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from eval.datasets import Dataset, read_dataset
from eval.report import evaluation_json, table
from eval.runner import System, index_dataset, run_mode
from rag.command import add_settings, run, settings_of
from rag.config import Settings, assignments
from rag.errors import SettingError
from rag.types import MODES, Mode


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 measured, 2 could not start (one line on stderr says why and the next step)."""
    options = _parser().parse_args(arguments)
    modes = _modes(options.mode)
    output = _output(options.json)
    dataset = read_dataset(options.dataset)
    with _settings(options) as settings:
        evaluation = _evaluate(dataset, settings, modes, with_queries=options.per_query)
    _write(evaluation, output)
    return 0


def _evaluate(
    dataset: Dataset, settings: Settings, modes: Sequence[Mode], *, with_queries: bool
) -> dict[str, Any]:
    from rag.build import build_embedder, build_retriever

    indexed = index_dataset(dataset, settings)
    retriever = build_retriever(settings)
    runs = {mode: run_mode(retriever, dataset.judged, mode) for mode in modes}
    embedder = build_embedder(settings)
    system = System(retriever.generation, embedder.fingerprint, embedder.device)
    return evaluation_json(dataset, settings, indexed, system, runs, with_queries=with_queries)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eval",
        description="Measure retrieval on a folder in BEIR layout: recall, nDCG, MRR and latency per mode.",
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder with corpus, queries and qrels")
    parser.add_argument("--mode", default=",".join(MODES), help="modes, comma separated (default: all three)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there too; - prints them alone")
    parser.add_argument("--per-query", action="store_true", help="with --json: add every query's figures")
    add_settings(parser, index="keep the index there and use it again (default: a temporary one)")
    return parser


def _modes(text: str) -> list[Mode]:
    named = list(dict.fromkeys(name.strip() for name in text.split(",")))
    found = [mode for name in named for mode in MODES if mode == name]
    unknown = [name for name in named if name not in get_args(Mode)]
    if unknown:
        raise SettingError(f"--mode {text}: there is no {unknown[0]!r}; valid: {', '.join(MODES)}")
    return found


def _output(name: str | None) -> Path | None:
    """Where the JSON goes, refused before the work rather than after it."""
    if name is None or name == "-":
        return Path(name) if name else None
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        raise SettingError(f"--json {name}: cannot be written; name a file in a folder that exists")
    return path


@contextmanager
def _settings(options: argparse.Namespace) -> Iterator[Settings]:
    """The settings, with `index` the folder that is kept or one that goes away afterwards."""
    if options.index is not None or "index" in assignments(options.assignments):
        yield settings_of(options)
        return
    with tempfile.TemporaryDirectory(prefix="lectern-eval-") as folder:
        yield settings_of(options, {"index": folder})


def _write(evaluation: dict[str, Any], output: Path | None) -> None:
    written = json.dumps(evaluation, ensure_ascii=False, indent=2) + "\n"
    if output == Path("-"):
        sys.stdout.write(written)
        return
    if output is not None:
        try:
            output.write_text(written, encoding="utf-8")
        except OSError as error:
            raise SettingError(f"--json {output}: cannot be written ({error.strerror})") from error
    print(table(evaluation))


if __name__ == "__main__":
    sys.exit(run(main))
