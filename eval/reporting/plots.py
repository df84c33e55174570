"""The plots of an evaluation: recall by k, precision-recall, latency, question by question, risk-coverage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from eval.reporting import axes
from eval.reporting.axes import Axis
from eval.reporting.comparisons import HEADLINE
from eval.reporting.drawing import COLOURS, Dot, Line, Plot, Series
from eval.reporting.tables import Evaluation
from eval.reporting.versus import differences, per_query_scatter
from eval.reporting.words import decimal, known, measure_name


def plots(evaluation: Evaluation) -> list[Plot]:
    """The plots for which the evaluation has values, in a fixed order."""
    made = (recall_by_k, precision_recall, latency_quality, differences, per_query_scatter, risk_coverage)
    return [plot for plot in (make(evaluation) for make in made) if plot]


def recall_by_k(evaluation: Evaluation) -> Plot | None:
    """Mean recall within the first k results, k on a log scale."""
    curves = _curves(evaluation, "recall_by_k")
    places = sorted({k for curve in curves.values() for k, _ in curve})
    if len(places) < 2:
        return None
    values = [value for curve in curves.values() for _, value in curve]
    x = axes.cuts("k, results looked at", [int(k) for k in places])
    return _curve_plot("Recall by k", x, axes.share("recall@k", values), curves, evaluation, dotted=True)


def precision_recall(evaluation: Evaluation) -> Plot | None:
    """Interpolated precision at recall 0.0, 0.1 ... 1.0, the mean over the questions."""
    curves = _curves(evaluation, "precision_at_recall")
    x, y = axes.unit("recall"), axes.unit("precision, interpolated")
    return _curve_plot("Precision and recall", x, y, curves, evaluation) if curves else None


def risk_coverage(evaluation: Evaluation) -> Plot | None:
    """How often an answer is wrong when only the most confident share of the questions is answered."""
    answers = {name: values.get("answers") or {} for name, values in _modes(evaluation).items()}
    curves = {}
    for name, found in answers.items():
        points = (found.get("risk_coverage") or {}).get("points") or ()
        curve = [(point[0], point[1]) for point in points if known(point[0]) and known(point[1])]
        if curve:
            curves[name] = sorted(curve)
    if not curves:
        return None
    y = axes.share("risk, answers that are wrong", [0.0, *(risk for c in curves.values() for _, risk in c)])
    plot = _curve_plot("Risk and coverage", axes.unit("coverage, questions answered"), y, curves, evaluation)
    now = [
        Dot(
            plot.across(at["coverage"]),
            plot.up(at["risk"]),
            4.5,
            series.colour,
            f"{series.name}: as it is set",
        )
        for series in plot.legend
        if known((at := answers[series.name].get("abstention") or {}).get("coverage"))
        and known(at.get("risk"))
    ]
    early = [name for name in curves if answers[name]["risk_coverage"].get("complete") is False]
    notes = (
        "The dot is where the system is set to refuse." if now else "",
        f"Of the answered questions only: {', '.join(early)}." if early else "",
        plot.note,
    )
    return replace(plot, dots=tuple(now), note=" ".join(filter(None, notes)))


def latency_quality(evaluation: Evaluation) -> Plot | None:
    """One point a system: median latency against nDCG@10, with p95 and the 95 % interval as whiskers."""
    found = {
        name: values
        for name, values in _modes(evaluation).items()
        if known(values.get("latency_p50_ms")) and known(values.get(HEADLINE))
    }
    if not found:
        return None
    slow = {
        name: _or(values.get("latency_p95_ms"), values["latency_p50_ms"]) for name, values in found.items()
    }
    spread = {
        name: (values.get("intervals") or {}).get(HEADLINE) or [values[HEADLINE]] * 2
        for name, values in found.items()
    }
    x = axes.times("latency, ms", [*(v["latency_p50_ms"] for v in found.values()), *slow.values()])
    y = axes.share(measure_name(HEADLINE), [bound for bounds in spread.values() for bound in bounds])
    legend, rest = _legend(evaluation, found)
    plot = Plot("Latency against quality", x, y, legend=legend)
    lines, dots = [], []
    for series in (*rest, *legend):
        values = found[series.name]
        left, level = plot.across(values["latency_p50_ms"]), plot.up(values[HEADLINE])
        low, high = map(plot.up, spread[series.name])
        lines += [
            Line(f"{left},{level} {plot.across(slow[series.name])},{level}", series.colour, "whisker"),
            Line(f"{left},{low} {left},{high}", series.colour, "whisker"),
        ]
        text = f"{series.name}: {decimal(values['latency_p50_ms'], 1)} ms, {decimal(values[HEADLINE])}"
        dots.append(Dot(left, level, 4.5, series.colour, text))
    note = "Dot: median. Whiskers: up to p95, and the 95 % interval. Best is top left."
    return replace(
        plot, lines=tuple(lines), dots=tuple(dots), note=f"{note} {_left_out(rest, 'grey')}".strip()
    )


def _curve_plot(
    title: str,
    x: Axis,
    y: Axis,
    curves: Mapping[str, list[tuple[float, float]]],
    evaluation: Evaluation,
    *,
    dotted: bool = False,
) -> Plot:
    legend, rest = _legend(evaluation, curves)
    plot = Plot(title, x, y, legend=legend, note=_left_out(rest, "not drawn"))
    lines, dots = [], []
    for series in legend:
        places = [(plot.across(at), plot.up(value)) for at, value in curves[series.name]]
        lines.append(Line(" ".join(f"{across},{up}" for across, up in places), series.colour))
        if dotted:
            dots += [
                Dot(across, up, 2.5, series.colour, f"{series.name}, {at:g}: {decimal(value)}")
                for (across, up), (at, value) in zip(places, curves[series.name], strict=True)
            ]
    return replace(plot, lines=tuple(lines), dots=tuple(dots))


def _curves(evaluation: Evaluation, key: str) -> dict[str, list[tuple[float, float]]]:
    found = {
        name: sorted((float(at), value) for at, value in (values.get(key) or {}).items() if known(value))
        for name, values in _modes(evaluation).items()
    }
    return {name: curve for name, curve in found.items() if curve}


def _legend(evaluation: Evaluation, names: Iterable[str]) -> tuple[tuple[Series, ...], tuple[Series, ...]]:
    """The systems that get a colour, and the rest: with more than there are colours, the best by nDCG@10."""
    modes = _modes(evaluation)
    best = sorted(modes, key=lambda name: -_or(modes[name].get(HEADLINE), 0.0))[:COLOURS]
    coloured = {name: place for place, name in enumerate(each for each in modes if each in best)}
    kept = tuple(Series(name, coloured[name]) for name in names if name in coloured)
    return kept, tuple(Series(name, COLOURS) for name in names if name not in coloured)


def _left_out(rest: tuple[Series, ...], how: str) -> str:
    return f"The {COLOURS} systems with the highest nDCG@10; {len(rest)} more {how}." if rest else ""


def _or(value: Any, instead: float) -> float:
    return float(value) if known(value) else instead


def _modes(evaluation: Evaluation) -> Mapping[str, Mapping[str, Any]]:
    return evaluation.get("modes") or {}
