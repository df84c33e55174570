"""The command that measures: reads test sets, measures every system, writes, judges."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.answers import SHARES
from eval.baseline import read_baseline, save_baseline
from eval.datasets import expand, read_test_set
from eval.evaluation import evaluation_json, first_results, without_queries
from eval.export import write_trec
from eval.files import replace_file
from eval.gate import counterpart, judge
from eval.junit import junit_xml
from eval.measuring import Plan, check_questions, check_runs, measure
from eval.options import check, index_named, parser, plan
from eval.progress import say
from eval.reporting.write import write_report
from eval.table import SPANS, table
from eval.types import SpanSet, TestSet
from eval.verdict import verdict_text
from eval.workspace import open_workspace
from rag.command import INTERRUPTED
from rag.errors import SettingError


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 measured; 1 significantly worse than the baseline or, without one, a file or a label
    needs a person; 2 could not start (one line on stderr says why and the next step).
    """
    options = parser().parse_args(arguments)
    check(options)
    planned = plan(options)
    # Read before the work: what cannot be compared must not be found out after it.
    before = read_baseline(options.baseline) if options.baseline else []
    test_sets = [_read(path, options) for path in expand(options.dataset)]
    _refuse_same_names(test_sets, index_named(options))
    for test_set in test_sets:
        if options.baseline:
            counterpart(test_set.name, test_set.digest, before)
        check_runs(test_set, planned)
        check_questions(test_set, planned)
    _check_measures(test_sets, planned)
    try:
        evaluations = _measured(test_sets, planned, options)
    except KeyboardInterrupt:
        if options.work:
            raise
        say("stopped; nothing was kept: with --work DIR the same command goes on where it was stopped")
        return INTERRUPTED
    if options.baseline and _fell(evaluations, before, options):
        return 1
    if options.save_baseline:
        save_baseline(options.save_baseline, [first_results(each) for each in evaluations])
        say(f"baseline: {options.save_baseline}")
    return 1 if not options.baseline and any(_needs_a_person(each) for each in evaluations) else 0


def _measured(
    test_sets: Sequence[TestSet], planned: Plan, options: argparse.Namespace
) -> list[dict[str, Any]]:
    evaluations = []
    with open_workspace(options.work, index_named(options)) as workspace:
        for test_set in test_sets:
            say(f"{test_set.name}: {len(test_set.queries)} queries")
            measured = measure(test_set, planned, workspace)
            evaluations.append(evaluation_json(test_set, planned, measured))
            if options.write_trec:
                write_trec(options.write_trec / test_set.name, measured)
        _print(evaluations, options)
        if options.report:
            write_report(options.report, [first_results(each) for each in evaluations])
            say(f"report: {options.report / 'report.html'}")
        workspace.finish()
    return evaluations


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


def _print(evaluations: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    shown = evaluations if options.per_query else [without_queries(each) for each in evaluations]
    written = json.dumps(_one_or_many(shown), ensure_ascii=False, indent=2) + "\n"
    if options.json == "-":
        sys.stdout.write(written)
        return
    print("\n\n".join(table(each) for each in evaluations))
    if options.json:
        _save(options.json, "--json", written)


def _check_measures(test_sets: Sequence[TestSet], planned: Plan) -> None:
    """A measure that none of the sets can have must not be found out after the work."""
    spans = any(isinstance(test_set, SpanSet) for test_set in test_sets)
    known = any(
        query.answers or not query.answerable for each in test_sets for query in each.queries.values()
    )
    for name in planned.measures:
        if name in SPANS and not spans:
            raise SettingError(f"--measure {name}: none of the test sets is labelled by quotes")
        if name in SHARES and not (planned.answers and (known or spans)):
            raise SettingError(f"--measure {name}: no answers are measured; leave --no-answers out")


def _fell(
    evaluations: list[dict[str, Any]], before: list[dict[str, Any]], options: argparse.Namespace
) -> bool:
    verdict = judge(
        evaluations,
        before,
        threshold=options.threshold,
        alpha=options.alpha,
        trials=options.trials,
        seed=options.seed,
    )
    if options.junit:
        _save(options.junit, "--junit", junit_xml(verdict))
    print("\n".join(["", *verdict_text(verdict)]), file=sys.stderr if options.json == "-" else sys.stdout)
    return bool(verdict.fell)


def _needs_a_person(evaluation: Mapping[str, Any]) -> bool:
    failed = any(facts["failed"] for facts in evaluation["systems"].values())
    return failed or bool(evaluation.get("labels", {}).get("stale"))


def _one_or_many(evaluations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return evaluations[0] if len(evaluations) == 1 else {"evaluations": list(evaluations)}


def _save(path: str | Path, flag: str, text: str) -> None:
    try:
        replace_file(Path(path), text)
    except OSError as error:
        raise SettingError(f"{flag} {path}: cannot be written ({error.strerror})") from error
