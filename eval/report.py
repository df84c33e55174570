"""What an evaluation prints: the JSON object that scripts read, and the same as a table for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from eval.datasets import Dataset
from eval.metrics import MEASURES, latency, mean, per_query
from eval.runner import DEPTH, Indexed, Run, System, relevant_settings
from rag.config import Settings
from rag.types import Mode

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
LATENCIES = ("latency_p50_ms", "latency_p95_ms")


def evaluation_json(
    dataset: Dataset,
    settings: Settings,
    indexed: Indexed,
    system: System,
    runs: Mapping[Mode, Run],
    *,
    with_queries: bool = False,
) -> dict[str, Any]:
    """The whole evaluation; `with_queries` adds "per_query" with every query's measures and results."""
    values = {mode: per_query(dataset.qrels, run.results) for mode, run in runs.items()}
    found: dict[str, Any] = {
        "dataset": dataset.name,
        "digest": dataset.digest,
        "settings": relevant_settings(settings),
        "modes": {mode: _mode_json(dataset, values[mode], run) for mode, run in runs.items()},
        "k": DEPTH,
        "generation": system.generation,
        "embedder": system.embedder,
        "device": system.device,
        "documents": indexed.documents,
        "empty_documents": indexed.empty,
        "index_seconds": None if indexed.reused else indexed.seconds,
        "versions": versions(),
        "machine": {"system": f"{platform.system()} {platform.machine()}", "cpus": os.cpu_count()},
    }
    if with_queries:
        found["per_query"] = {mode: _queries_json(values[mode], run) for mode, run in runs.items()}
    return found


def versions() -> dict[str, str | None]:
    """Python's version and those of the packages that a figure depends on (None: not installed)."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def table(evaluation: Mapping[str, Any]) -> str:
    """Modes as rows, measures as columns, and below them what the figures stand on."""
    modes: Mapping[str, Mapping[str, Any]] = evaluation["modes"]
    header = ["mode", *MEASURES, "p50 ms", "p95 ms"]
    rows = [
        [mode, *(f"{values[name]:.3f}" for name in MEASURES), *(_time(values[name]) for name in LATENCIES)]
        for mode, values in modes.items()
    ]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(map(str.rjust, row[1:], widths[1:]))])
        for row in [header, *rows]
    ]
    return "\n".join([*lines, "", *_footing(evaluation)])


def _footing(evaluation: Mapping[str, Any]) -> list[str]:
    counts = next(iter(evaluation["modes"].values()))
    documents = f"{evaluation['documents']} documents"
    if evaluation["empty_documents"]:
        documents += f" ({evaluation['empty_documents']} empty, not indexed)"
    queries = f"{counts['queries']} queries"
    if counts["empty_queries"]:
        queries += f" ({counts['empty_queries']} empty, counted as zero)"
    if counts["unjudged"]:
        queries += f" ({counts['unjudged']} more without judgements, left out)"
    seconds = evaluation["index_seconds"]
    made = "index reused" if seconds is None else f"indexed in {seconds:.1f} s"
    return [
        f"{evaluation['dataset']}: {documents}, {queries}, {made}",
        f"digest {evaluation['digest']}",
        f"generation {evaluation['generation']}",
        f"embedder {evaluation['embedder']} on {evaluation['device']}",
        "settings: " + "; ".join(f"{name} {_plain(value)}" for name, value in evaluation["settings"].items()),
    ]


def _time(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}"


def _plain(setting: Mapping[str, Any]) -> str:
    options = {name: value for name, value in setting.items() if name != "name"}
    written = ", ".join(f"{name}={value}" for name, value in options.items())
    return f"{setting['name']} {written}".rstrip() if "name" in setting else written


def _mode_json(dataset: Dataset, values: Mapping[str, Mapping[str, float]], run: Run) -> dict[str, Any]:
    return {
        **mean(values),
        **latency(list(run.milliseconds.values())),
        "queries": len(values),
        "unjudged": len(dataset.queries) - len(values),
        "empty_queries": len(values) - len(run.milliseconds),
    }


def _queries_json(values: Mapping[str, Mapping[str, float]], run: Run) -> dict[str, dict[str, Any]]:
    return {
        query: {**measures, "latency_ms": run.milliseconds.get(query), "results": run.results[query]}
        for query, measures in values.items()
    }
