"""The tables of docs/retrieval.md: every mode on every passage set, with intervals and paired tests.

    python docs/bench_retrieval.py PATH/TO/SETS
    python docs/bench_retrieval.py PATH/TO/SETS --set retriever.fusion=rrf --work FOLDER

"Alone" is hybrid search whose passages are not supported by others of their document. A set whose
questions are in Traditional Chinese is asked in Simplified as well. With --work the indexes are kept.
Exit status 1 where hybrid search is significantly worse than its better leg: p below .05 in Holm's
correction for the number of sets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.datasets import expand, read_test_set
from eval.measuring import Measured, Plan, measure
from eval.stats import Paired, bootstrap_interval, holm, paired
from eval.systems import System
from eval.types import PassageSet
from eval.workspace import Workspace, open_workspace
from rag.command import prepare_environment
from rag.config import load_settings
from rag.language.characters import simplify
from rag.types import Mode

_MEASURE = "ndcg@10"
_ALPHA = 0.05
_SYSTEMS: Mapping[str, tuple[Mode, Mapping[str, object]]] = {
    "sparse": ("sparse", {}),
    "dense": ("dense", {}),
    "alone": ("hybrid", {"retriever.document_weight": 0}),
    "hybrid": ("hybrid", {}),
}
# What is judged are passages as they stand: none may stand for another.
_AS_RANKED = {"retriever.duplicates": "keep", "retriever.per_document": 0}


@dataclass(frozen=True, slots=True)
class Row:
    """One set's values by system, in the order of its questions."""

    name: str
    values: Mapping[str, Sequence[float]]

    def against(self, other: str) -> Paired:
        """Hybrid search against another system."""
        return paired(self.values["hybrid"], self.values[other], seed=0)

    @property
    def better(self) -> str:
        """The leg that is better alone."""
        return max(("sparse", "dense"), key=lambda leg: sum(self.values[leg]))


def main() -> int:
    """Measure, print the tables in Markdown, and judge."""
    parser = argparse.ArgumentParser(description="Measure retrieval on passage sets.")
    parser.add_argument("sets", nargs="+", type=Path, help="folders in BEIR layout, or a folder of them")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting")
    parser.add_argument("--work", type=Path, help="keep the indexes there")
    arguments = parser.parse_args()
    prepare_environment()
    chosen = dict(pair.split("=", 1) for pair in arguments.set)
    rows = []
    with open_workspace(arguments.work, None) as workspace:
        for path in expand(arguments.sets):
            found = read_test_set(path)
            if isinstance(found, PassageSet):
                rows += _measured(found, chosen, workspace)
    print(_table(rows))
    return _verdict(rows)


def _measured(test_set: PassageSet, chosen: Mapping[str, str], workspace: Workspace) -> list[Row]:
    asked = [test_set]
    # Under other ids: a journal in the work folder knows a set's questions by theirs.
    simplified = {
        f"{name} simplified": replace(query, text=simplify(query.text))
        for name, query in test_set.queries.items()
    }
    pairs = zip(test_set.queries.values(), simplified.values(), strict=True)
    if sum(query.text != other.text for query, other in pairs) > len(simplified) / 2:
        judged = {f"{name} simplified": found for name, found in test_set.qrels.items()}
        asked.append(replace(test_set, queries=simplified, qrels=judged))
    names = [test_set.name, f"{test_set.name}, in Simplified"]
    return [
        Row(name, _values(measure(each, _plan(chosen), workspace)))
        for name, each in zip(names, asked, strict=False)
    ]


def _plan(chosen: Mapping[str, str]) -> Plan:
    systems = []
    for name, (mode, own) in _SYSTEMS.items():
        systems.append(System(name, mode, load_settings({**_AS_RANKED, **chosen, **own}), {}))
    return Plan(systems, {}, (), answers=False, seed=0, trials=10_000, alpha=_ALPHA)


def _values(measured: Mapping[str, Measured]) -> dict[str, list[float]]:
    queries = sorted(next(iter(measured.values())).values)
    return {name: [each.values[query][_MEASURE] for query in queries] for name, each in measured.items()}


def _table(rows: Sequence[Row]) -> str:
    head = ["Set", "sparse", "dense", "alone", "hybrid", "95 %", *(f"over {name} (p)" for name in _OTHERS)]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        low, high = bootstrap_interval(row.values["hybrid"], seed=0)
        means = [_figure(sum(row.values[name]) / len(row.values[name])) for name in _SYSTEMS]
        others = [_compared(row.against(name)) for name in _OTHERS]
        lines.append([row.name, *means, f"{_figure(low)} to {_figure(high)}", *others])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_OTHERS = ("alone", "sparse", "dense")


def _figure(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _compared(found: Paired) -> str:
    p = "< .001" if found.p < 0.001 else _figure(found.p)
    sign = "+" if found.difference > 0 else "-"
    return f"{sign if abs(found.difference) >= 0.0005 else ''}{_figure(abs(found.difference))} ({p})"


def _verdict(rows: Sequence[Row]) -> int:
    """Say where hybrid search is significantly worse than its better leg; 1 if there is such a set."""
    found = [row.against(row.better) for row in rows]
    pairs = zip(rows, found, holm([each.p for each in found]), strict=True)
    worse = [row.name for row, each, p in pairs if each.difference < 0 and p < _ALPHA]
    print(f"\nHybrid significantly worse than its better leg: {', '.join(worse) or 'nowhere'}.")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
