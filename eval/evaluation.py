"""An evaluation as the JSON object that scripts read, baselines keep and reports show."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from eval.code import code_digest
from eval.compare import Compared, compare
from eval.indexing import concealed, shaping_settings
from eval.measuring import Measured, Plan
from eval.metrics import MEASURES, curves, latency, mean
from eval.runner import DEPTH
from eval.stats import bootstrap_interval
from eval.systems import pairs
from eval.types import PassageSet, SpanSet, TestSet

PACKAGES = (
    "lectern",
    "baguetter",
    "faiss-cpu",
    "ir-measures",
    "numpy",
    "sentence-transformers",
    "torch",
    "transformers",
)
# What decides how an answer comes to be, beside the passages that were found.
_OF_ANSWERS = {"generator", "calibration", "question_limit", "fallback", "unsupported"}
_KEPT = 10


def evaluation_json(test_set: TestSet, plan: Plan, measured: Mapping[str, Measured]) -> dict[str, Any]:
    """The whole evaluation, with every query's figures under "per_query".

    What was indexed is said of the first system; "systems" says it of each.
    """
    first = next(iter(measured.values()))
    return {
        "dataset": test_set.name,
        "kind": "passages" if isinstance(test_set, PassageSet) else "spans",
        "digest": test_set.digest,
        "synthetic": isinstance(test_set, SpanSet) and test_set.synthetic,
        "settings": _settings(test_set, plan),
        "seed": plan.seed,
        "trials": plan.trials,
        "alpha": plan.alpha,
        "measures": list(plan.measures_of(test_set)),
        "modes": {name: _mode(test_set, each, plan) for name, each in measured.items()},
        "systems": {name: each.facts for name, each in measured.items() if each.facts},
        "comparisons": _comparisons(test_set, measured, plan),
        **({"labels": first.judged.labels} if first.judged.labels is not None else {}),
        "k": DEPTH,
        **{
            name: first.facts.get(name)
            for name in ("generation", "embedder", "device", "documents", "empty_documents", "index_seconds")
        },
        "versions": versions(),
        "machine": {"system": f"{platform.system()} {platform.machine()}", "cpus": os.cpu_count()},
        "code": code_digest(),
        "per_query": {name: _rows(each) for name, each in measured.items()},
    }


def versions() -> dict[str, str | None]:
    """Python's version and those of the packages that a figure depends on (None: not installed)."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _mode(test_set: TestSet, measured: Measured, plan: Plan) -> dict[str, Any]:
    values = measured.values
    answerable = sum(query.answerable for query in test_set.queries.values())
    found: dict[str, Any] = {
        **mean(values),
        **latency(list(measured.run.milliseconds.values())),
        "queries": len(values),
        "unjudged": answerable - len(values),
        "unanswerable": len(test_set.queries) - answerable,
        "empty_queries": sum(not text for text in measured.judged.queries.values()),
        "intervals": intervals(values, seed=plan.seed, trials=plan.trials),
    }
    if measured.judged.ranks(measured.run):
        found |= curves(measured.judged.qrels, measured.run.ids)
    if measured.answers is not None:
        found["answers"] = measured.answers
    return found


def intervals(values: Mapping[str, Mapping[str, float]], *, seed: int, trials: int) -> dict[str, list[float]]:
    """{measure: [low, high]} of each mean: the 95 % bootstrap interval over the queries."""
    names = next(iter(values.values()))
    return {
        name: list(bootstrap_interval([row[name] for row in values.values()], seed=seed, trials=trials))
        for name in names
    }


def _comparisons(test_set: TestSet, measured: Mapping[str, Measured], plan: Plan) -> list[dict[str, Any]]:
    compared = {
        name: Compared(_with_answers(each), each.run.ids, each.judged.qrels)
        for name, each in measured.items()
    }
    return compare(
        compared,
        [
            (a, b, measure)
            for measure in plan.measures_of(test_set)
            for a, b in pairs(plan.systems, list(plan.runs))
            if _comparable(compared[a], compared[b], measure)
        ],
        texts={name: query.text for name, query in test_set.queries.items()},
        seed=plan.seed,
        trials=plan.trials,
        alpha=plan.alpha,
    )


def _comparable(a: Compared, b: Compared, measure: str) -> bool:
    """Both have it; and where they cut documents differently, ranks of chunks mean different things."""
    both = all(any(measure in row for row in each.values.values()) for each in (a, b))
    return both and (measure not in MEASURES or a.qrels == b.qrels)


def _with_answers(measured: Measured) -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = {query: dict(row) for query, row in measured.values.items()}
    for query, row in measured.answer_values.items():
        values[query] = {**row, **values.get(query, {})}
    return values


def _rows(measured: Measured) -> dict[str, dict[str, Any]]:
    ids = measured.run.ids
    rows: dict[str, dict[str, Any]] = {
        query: {**values, "latency_ms": measured.run.milliseconds.get(query), "results": ids.get(query, [])}
        for query, values in measured.values.items()
    }
    for query, values in measured.answer_values.items():
        row = rows.setdefault(query, {})
        row["answer"], row["confidence"] = dict(values), measured.confidences.get(query)
    return rows


def _settings(test_set: TestSet, plan: Plan) -> dict[str, Any]:
    """What the figures depend on. `mode` and `k` of the retriever are left out: the evaluation sets
    them, except that answers are given from k passages.
    """
    if not plan.systems:
        return {}
    settings = plan.systems[0].settings
    names = {"retriever", "reranker", *(_OF_ANSWERS if plan.answers else ())}
    kept = {**shaping_settings(test_set, settings), **settings.model_dump(mode="json", include=names)}
    kept["retriever"].pop("mode")
    if not plan.answers:
        kept["retriever"].pop("k")
    swept = {name for system in plan.systems for name in system.chosen}
    return _single(concealed(kept, lambda _: "(not shown)"), swept)


def _single(settings: Mapping[str, Any], swept: set[str], prefix: str = "") -> dict[str, Any]:
    """The settings that have a value and only one: several are named by the systems."""
    return {
        name: _single(value, swept, f"{prefix}{name}.") if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if value not in ("", {}, []) and f"{prefix}{name}" not in swept
    }


def without_queries(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation as it is printed unless every query's figures are asked for."""
    return {name: value for name, value in evaluation.items() if name != "per_query"}


def first_results(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation with the first ten results of every query: what a report or a baseline keeps, whose
    files would otherwise be ten times as large.
    """
    rows = {
        system: {
            query: {**row, "results": row["results"][:_KEPT]} if "results" in row else row
            for query, row in queries.items()
        }
        for system, queries in evaluation["per_query"].items()
    }
    return {**evaluation, "per_query": rows}
