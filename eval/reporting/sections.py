"""A report's parts in reading order: what the page and its Markdown twin both show of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.reporting.comparisons import HEADLINE, Comparison, below_best, comparisons
from eval.reporting.drawing import Plot, Series
from eval.reporting.plots import plots
from eval.reporting.tables import Cell, Evaluation, Table, answer_tables, cost_table, measure_tables
from eval.reporting.words import ABSENT, decimal, flat, interval, known, plain

BELOW = " ↓"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the figures stand on."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A label whose quote no longer stands in its file."""

    query: str
    document: str
    quote: str
    place: str


@dataclass(frozen=True, slots=True)
class Section:
    """Everything a report says of one dataset. `legend` is one for all plots, where names are long."""

    name: str
    facts: tuple[str, ...]
    synthetic: str
    measures: tuple[Table, ...]
    answers: tuple[Table, ...]
    cost: Table | None
    comparisons: tuple[Comparison, ...]
    alpha: str
    plots: tuple[Plot, ...]
    legend: tuple[Series, ...]
    stale: tuple[Stale, ...]
    basis: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    versions: tuple[Fact, ...]


def section(evaluation: Evaluation) -> Section:
    """One evaluation as its report shows it; what it lacks is empty."""
    drawn = plots(evaluation)
    stale = (evaluation.get("labels") or {}).get("stale") or ()
    return Section(
        name=str(evaluation.get("dataset", "")),
        facts=tuple(_headline(evaluation)),
        synthetic="questions written by a program" if evaluation.get("synthetic") else "",
        measures=tuple(measure_tables(evaluation)),
        answers=tuple(answer_tables(evaluation)),
        cost=cost_table(evaluation),
        comparisons=tuple(comparisons(evaluation)),
        alpha=plain(evaluation.get("alpha", 0.05)),
        plots=tuple(drawn),
        legend=_legend(drawn),
        stale=tuple(
            Stale(*(str(each.get(key, "")) for key in ("query", "document", "quote", "place")))
            for each in stale
        ),
        basis=tuple(_basis(evaluation)),
        settings=_facts(flat(evaluation.get("settings") or {})),
        versions=_facts(flat(evaluation.get("versions") or {})),
    )


def overview(evaluations: Sequence[Evaluation]) -> Table:
    """Datasets as rows, systems as columns: nDCG@10, marked where a comparison shows it below the best."""
    systems = list(dict.fromkeys(name for each in evaluations for name in each.get("modes") or {}))
    rows = tuple((str(each.get("dataset", "")), _overview_row(each, systems)) for each in evaluations)
    marked = any(cell.text.endswith(BELOW) for _, cells in rows for cell in cells)
    note = "Bold: the highest of its row."
    if marked:
        note += f"{BELOW}: lower than the highest, as a comparison shows."
    return Table("nDCG@10 at a glance", "dataset", tuple(systems), rows, note)


def _legend(drawn: Sequence[Plot]) -> tuple[Series, ...]:
    """Every system of the plots once, if repeating them at each plot would take more room than the plot."""
    found = sorted({series for plot in drawn for series in plot.legend}, key=lambda series: series.colour)
    return tuple(found) if sum(len(series.name) for series in found) > 90 else ()


def _overview_row(evaluation: Evaluation, systems: Sequence[str]) -> tuple[Cell, ...]:
    modes: Mapping[str, Any] = evaluation.get("modes") or {}
    written = {name: decimal(modes[name].get(HEADLINE)) for name in modes}
    values = {name: modes[name][HEADLINE] for name in modes if known(modes[name].get(HEADLINE))}
    best = written[max(values, key=lambda name: values[name])] if len(set(written.values())) > 1 else ""
    below = below_best(evaluation)
    return tuple(
        Cell(
            written[name] + (BELOW if name in below else ""),
            interval((modes[name].get("intervals") or {}).get(HEADLINE)),
            best=bool(best) and written[name] == best,
        )
        if name in modes
        else Cell("")
        for name in systems
    )


def _headline(evaluation: Evaluation) -> list[str]:
    """Kind and counts. They are those of the first system; where systems differ each count is named."""
    found = [str(evaluation["kind"])] if evaluation.get("kind") else []
    for key, words in (
        ("queries", "questions"),
        ("empty_queries", "empty, counted as zero"),
        ("unjudged", "without judgements, left out"),
        ("unanswerable", "without an answer, not in the retrieval measures"),
    ):
        counts = {name: values.get(key) for name, values in (evaluation.get("modes") or {}).items()}
        distinct = {count for count in counts.values() if known(count) and (count or key == "queries")}
        if len(distinct) == 1:
            found.append(f"{decimal(distinct.pop(), 0)} {words}")
        elif distinct:
            found.append(f"{words}: " + ", ".join(f"{name} {decimal(n, 0)}" for name, n in counts.items()))
    if known(evaluation.get("documents")):
        empty = evaluation.get("empty_documents")
        found.append(
            f"{decimal(evaluation['documents'], 0)} documents"
            + (f" ({empty} empty, not indexed)" if empty else "")
        )
    labels = evaluation.get("labels") or {}
    if known(labels.get("labels")):
        found.append(f"{decimal(labels['labels'], 0)} labels, {len(labels.get('stale') or ())} stale")
    if labels.get("ambiguous"):
        found.append(f"{decimal(labels['ambiguous'], 0)} labels whose quote stands more than once")
    return found


def _basis(evaluation: Evaluation) -> list[Fact]:
    machine = evaluation.get("machine") or {}
    cpus = f", {machine['cpus']} CPUs" if machine.get("cpus") else ""
    facts = [
        ("dataset digest", evaluation.get("digest")),
        ("code digest", evaluation.get("code")),
        ("seed", evaluation.get("seed")),
        ("trials", evaluation.get("trials")),
        ("alpha", evaluation.get("alpha")),
        ("results kept a question", evaluation.get("k")),
        ("generation", evaluation.get("generation")),
        ("embedder", evaluation.get("embedder")),
        ("device", evaluation.get("device")),
        ("indexing s", evaluation.get("index_seconds")),
        ("could not be read", ", ".join(_failed(evaluation)) or None),
        (
            "labels of files that could not be read",
            ", ".join((evaluation.get("labels") or {}).get("unread", ())) or None,
        ),
        ("machine", f"{machine.get('system', '')}{cpus}" or None),
    ]
    shown = [Fact(name, _written(name, value)) for name, value in facts if value is not None]
    return shown + [fact for fact in _systems(evaluation) if fact.value]


def _failed(evaluation: Evaluation) -> list[str]:
    systems = (evaluation.get("systems") or {}).values()
    return list(dict.fromkeys(str(file) for facts in systems for file in facts.get("failed") or ()))


def _systems(evaluation: Evaluation) -> list[Fact]:
    """What a system has of its own and its name does not say: settings; what differs of the index."""
    found = []
    for name, system in (evaluation.get("systems") or {}).items():
        settings = [f"{key}={value}" for key, value in flat(system.get("set") or {})]
        own = [setting for setting in settings if setting not in name.split()]
        own += [
            f"{key} {system[key]}"
            for key in ("generation", "embedder", "device")
            if system.get(key) not in (None, evaluation.get(key))
        ]
        found.append(Fact(name, ", ".join(own)))
    return found


def _written(name: str, value: Any) -> str:
    return decimal(value, 1) if name == "indexing s" else plain(value)


def _facts(pairs: Sequence[tuple[str, str]]) -> tuple[Fact, ...]:
    return tuple(Fact(name, value) for name, value in pairs if value != ABSENT)
