"""`python -m eval DATASET`: how good retrieval and answers are, and whether a change made them worse."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.datasets import expand, read_test_set
from eval.evaluation import evaluation_json, without_queries
from eval.export import write_trec
from eval.measuring import measure
from eval.options import check, index_named, measures, parser, plan
from eval.progress import say
from eval.table import table
from eval.types import TestSet
from eval.workspace import open_workspace
from rag.command import run
from rag.errors import SettingError

MAKE_SET = "make-set"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 measured, 1 significantly worse than the baseline, 2 could not start (one line on
    stderr says why and the next step).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [MAKE_SET]:
        from eval.makeset.main import main as make_set

        return make_set(given[1:])
    options = parser().parse_args(given)
    check(options)
    planned = plan(options)
    before = _baseline(options.baseline)
    test_sets = [_read(path, options) for path in expand(options.dataset)]
    _refuse_same_names(test_sets, index_named(options))
    evaluations = []
    with open_workspace(options.work, index_named(options)) as workspace:
        for test_set in test_sets:
            say(f"{test_set.name}: {len(test_set.queries)} queries")
            measured = measure(test_set, planned, workspace)
            evaluations.append(evaluation_json(test_set, planned, measured))
            if options.write_trec:
                write_trec(options.write_trec / test_set.name, measured)
        workspace.finish()
    _write(evaluations, options)
    return _judge(evaluations, before, options)


def _read(path: Path, options: argparse.Namespace) -> TestSet:
    return read_test_set(
        path, queries=options.queries, qrels=options.qrels, corpus=options.corpus, labels=options.labels
    )


def _refuse_same_names(test_sets: Sequence[TestSet], index: Path | None) -> None:
    names = [test_set.name for test_set in test_sets]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(f"two test sets are called {name!r}: give them names that differ")
    if index is not None and len(names) > 1:
        raise SettingError(f"--index {index}: holds one test set, not {len(names)}; use --work DIR")


def _baseline(path: Path | None) -> list[dict[str, Any]]:
    """Read before the work: a damaged file must not be found out after it."""
    if path is None:
        return []
    from eval.gate import read_baseline

    return read_baseline(path)


def _write(evaluations: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.report:
        from eval.reporting.write import write_report

        write_report(options.report, evaluations)
        say(f"report: {options.report / 'report.html'}")
    if options.save_baseline:
        from eval.gate import save_baseline

        save_baseline(options.save_baseline, evaluations)
        say(f"baseline: {options.save_baseline}")
    shown = evaluations if options.per_query else [without_queries(each) for each in evaluations]
    written = json.dumps(_one_or_many(shown), ensure_ascii=False, indent=2) + "\n"
    if options.json == "-":
        sys.stdout.write(written)
        return
    if options.json:
        _save(options.json, "--json", written)
    print("\n\n".join(table(each) for each in evaluations))


def _judge(
    evaluations: list[dict[str, Any]], before: list[dict[str, Any]], options: argparse.Namespace
) -> int:
    if not options.baseline:
        return 0
    from eval.gate import judge, verdict_text

    verdict = judge(
        evaluations,
        before,
        measures=measures(options),
        threshold=options.threshold,
        alpha=options.alpha,
        trials=options.trials,
        seed=options.seed,
    )
    if options.junit:
        from eval.junit import junit_xml

        _save(options.junit, "--junit", junit_xml(verdict))
    print("\n".join(["", *verdict_text(verdict)]), file=sys.stderr if options.json == "-" else sys.stdout)
    return 1 if verdict.fell else 0


def _one_or_many(evaluations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return evaluations[0] if len(evaluations) == 1 else {"evaluations": list(evaluations)}


def _save(path: str | Path, flag: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{flag} {path}: cannot be written ({error.strerror})") from error


if __name__ == "__main__":
    sys.exit(run(main))
