"""The page's Markdown twin: the same tables and figures, plots as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.reporting.comparisons import Comparison, Loser
from eval.reporting.sections import Fact, Section, overview, section
from eval.reporting.tables import Cell, Evaluation, Table
from eval.reporting.words import decimal, known

CURVES = (
    ("Recall by k", "recall_by_k", "k"),
    ("Precision at recall, interpolated", "precision_at_recall", "recall"),
)
RISK_POINTS = 11


def markdown(evaluations: Sequence[Evaluation]) -> str:
    """The report as GitHub-flavoured Markdown."""
    names = [escaped(str(each.get("dataset", ""))) for each in evaluations]
    parts = [f"# Evaluation: {names[0]}" if len(names) == 1 else "# Evaluation"]
    if len(names) > 1:
        parts += _table(overview(evaluations))
    for each in evaluations:
        parts += _section(section(each), each)
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown and the HTML in it take literally, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#~&$])", r"\\\1", " ".join(text.split()))


def _section(found: Section, evaluation: Evaluation) -> list[str]:
    parts = [
        f"## {escaped(found.name)}",
        escaped(" · ".join([*found.facts, *filter(None, [found.synthetic])])),
    ]
    for table in (*found.measures, *found.answers, found.cost):
        parts += _table(table) if table else []
    if found.comparisons:
        parts += ["### Comparisons", _comparisons(found.comparisons), _alpha(found)]
        parts += [part for each in found.comparisons for part in _losers(each)]
    for title, key, first in CURVES:
        parts += _curves(title, first, {name: values.get(key) for name, values in _modes(evaluation).items()})
    parts += _risks(evaluation)
    if found.stale:
        parts += ["### Stale labels", _stale(found)]
    for title, facts in (
        ("What it stands on", found.basis),
        ("Settings", found.settings),
        ("Versions", found.versions),
    ):
        parts += [f"### {title}", _facts(facts)] if facts else []
    return parts


def _table(table: Table) -> list[str]:
    rows = [[escaped(name), *map(_cell, cells)] for name, cells in table.rows]
    written = _grid([table.first, *map(escaped, table.columns)], rows)
    return [f"### {table.title}", written, *([table.note] if table.note else [])]


def _cell(cell: Cell) -> str:
    value = f"**{escaped(cell.text)}**" if cell.best else escaped(cell.text)
    return f"{value} ({cell.detail})" if cell.detail else value


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is left-aligned and whose others are right-aligned."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _comparisons(found: Sequence[Comparison]) -> str:
    header = ["verdict", "measure", "means", "difference", "95 % interval", "p", "Holm p"]
    rows = [
        [
            escaped(each.sentence),
            each.measure,
            " and ".join(each.means),
            each.difference,
            each.interval,
            escaped(each.p),
            escaped(each.p_holm),
            each.counts,
            each.minimum_detectable,
        ]
        for each in found
    ]
    return _grid([*header, "better / equal / worse", "minimum detectable"], rows)


def _alpha(found: Section) -> str:
    return f"A difference is shown where the Holm-corrected p is at most {found.alpha}."


def _losers(found: Comparison) -> list[str]:
    if not found.losers:
        return []
    title = f"#### Where {escaped(found.a)} loses most to {escaped(found.b)} ({found.measure})"
    return [title, *(_loser(each) for each in found.losers)]


def _loser(lost: Loser) -> str:
    lines = [f"- {escaped(lost.query)}: {escaped(lost.text)}"]
    for ranking in lost.rankings:
        results = ", ".join(f"**{escaped(id_)}**" if hit else escaped(id_) for id_, hit in ranking.results)
        lines.append(f"  - {escaped(ranking.system)} {ranking.value}: {results or 'nothing found'}")
    if lost.missed:
        lines.append(f"  - relevant, listed by neither: {', '.join(map(escaped, lost.missed))}")
    return "\n".join(lines)


def _curves(title: str, first: str, curves: Mapping[str, Mapping[str, float] | None]) -> list[str]:
    filled = {name: curve for name, curve in curves.items() if curve}
    places = sorted({place for curve in filled.values() for place in curve}, key=float)
    if not places:
        return []
    rows = [
        [escaped(name), *(decimal(curve.get(place)) for place in places)] for name, curve in filled.items()
    ]
    return [f"### {title}", _grid([f"system, {first} =", *places], rows)]


def _risks(evaluation: Evaluation) -> list[str]:
    """Some points of each risk-coverage curve, evenly chosen: all of them are in the JSON twin."""
    rows = []
    for name, values in _modes(evaluation).items():
        points = ((values.get("answers") or {}).get("risk_coverage") or {}).get("points") or []
        last = len(points) - 1
        chosen = (
            sorted({round(step * last / (RISK_POINTS - 1)) for step in range(RISK_POINTS)}) if points else []
        )
        rows += [
            [escaped(name), *map(decimal, points[place][:2]), decimal((*points[place], None)[2])]
            for place in chosen
            if known(points[place][0])
        ]
    header = ["system", "coverage", "risk", "confidence"]
    return ["### Risk and coverage", _grid(header, rows)] if rows else []


def _stale(found: Section) -> str:
    header = ["question", "document", "quote", "label at"]
    rows = [[escaped(each) for each in (s.query, s.document, s.quote, s.place)] for s in found.stale]
    return _grid(header, rows).replace("---:", "---")


def _facts(facts: Sequence[Fact]) -> str:
    return "\n".join(f"- {escaped(fact.name)}: {escaped(fact.value)}" for fact in facts)


def _modes(evaluation: Evaluation) -> Mapping[str, Mapping[str, Any]]:
    return evaluation.get("modes") or {}
