"""The plots that set two systems against each other: differences of means, and question by question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eval.reporting import axes
from eval.reporting.axes import Axis
from eval.reporting.comparisons import ALPHA, HEADLINE, verdict
from eval.reporting.drawing import BOTTOM, GREY, INK, LEFT, RIGHT, TOP, Dot, Label, Line, Plot
from eval.reporting.tables import Evaluation
from eval.reporting.words import apart, known, measure_name, signed
from eval.stats import TIE

ROWS = 6


def differences(evaluation: Evaluation) -> Plot | None:
    """The comparisons of one measure with their intervals around zero, the largest where there are many."""
    compared = [each for each in evaluation.get("comparisons") or () if _has_interval(each)]
    measure = compared[0].get("measure", HEADLINE) if compared else HEADLINE
    same = [each for each in compared if each.get("measure", HEADLINE) == measure]
    largest = sorted(same, key=lambda each: -abs(each["difference"]))[:ROWS]
    shown = [each for each in same if each in largest]
    if not shown:
        return None
    ends = [end for each in shown for end in (*each["interval"], each["difference"])]
    x = axes.differences(f"difference in {measure_name(measure)}", ends)
    plot = Plot("Differences", x, Axis("", len(shown), 0, ()))
    middle = plot.across(0)
    lines, dots, labels = [Line(f"{middle},{BOTTOM} {middle},{TOP}", 0, "guide")], [], []
    for row, each in enumerate(shown):
        at, level = plot.across(each["difference"]), plot.up(row + 0.68)
        low, high = map(plot.across, each["interval"])
        a, b = str(each.get("a", "")), str(each.get("b", ""))
        said = verdict(each, evaluation.get("alpha", ALPHA))
        colour = GREY if said == "no difference shown" else INK
        lines.append(Line(f"{low},{level} {high},{level}", colour, "span"))
        dots.append(Dot(at, level, 4.5, colour, f"{signed(each['difference'])}, {said}"))
        labels.append(Label((LEFT + RIGHT) / 2, level - 9, f"{apart(a, b, 19)} against {apart(b, a, 19)}"))
    left = f" The {ROWS} largest of {len(same)}." if len(same) > ROWS else ""
    note = f"With 95 % intervals. Grey: no difference shown, corrected for the number of comparisons.{left}"
    return replace(plot, lines=tuple(lines), dots=tuple(dots), labels=tuple(labels), note=note)


def per_query_scatter(evaluation: Evaluation) -> Plot | None:
    """Two systems, question by question: the comparison with the largest difference, or the last two."""
    chosen = _pair(evaluation)
    if chosen is None:
        return None
    first, second, measure = chosen
    a, b = (evaluation["per_query"][name] for name in (first, second))
    pairs = [
        (a[query][measure], b[query][measure])
        for query in a
        if query in b and known(a[query].get(measure)) and known(b[query].get(measure))
    ]
    if not pairs:
        return None
    name = measure_name(measure)
    plot = Plot(
        "Question by question",
        axes.padded(f"{apart(first, second, 34)}, {name}"),
        axes.padded(f"{apart(second, first, 34)}, {name}"),
    )
    places = Counter((round(x, 2), round(y, 2)) for x, y in pairs)
    dots = [
        Dot(plot.across(x), plot.up(y), _radius(count, len(pairs)), 0, f"{count} at {x:g}, {y:g}", "bubble")
        for (x, y), count in sorted(places.items(), key=lambda item: (-item[1], item[0]))
    ]
    right, above = sum(x - y > TIE for x, y in pairs), sum(y - x > TIE for x, y in pairs)
    note = (
        f"Below the diagonal {first} is better ({right} questions), above it {second} ({above}); "
        f"{len(pairs) - right - above} equal. The area of a dot is the number of questions."
    )
    guide = Line(f"{plot.across(0)},{plot.up(0)} {plot.across(1)},{plot.up(1)}", 0, "guide")
    return replace(plot, lines=(guide,), dots=tuple(dots), note=note)


def _has_interval(found: Mapping[str, Any]) -> bool:
    bounds = found.get("interval") or ()
    return known(found.get("difference")) and len(bounds) == 2 and all(map(known, bounds))


def _pair(evaluation: Evaluation) -> tuple[str, str, str] | None:
    """(a, b, measure) of the comparison with the largest difference, or of the last two systems."""
    queries = evaluation.get("per_query") or {}
    compared = [
        each
        for each in evaluation.get("comparisons") or ()
        if each.get("a") in queries and each.get("b") in queries and known(each.get("difference"))
    ]
    if compared:
        widest = max(compared, key=lambda each: abs(each["difference"]))
        return widest["a"], widest["b"], widest.get("measure", HEADLINE)
    names = list(queries)[-2:]
    return (names[1], names[0], HEADLINE) if len(names) == 2 else None


def _radius(count: int, of: int) -> float:
    return round(max(2.0, 30 * math.sqrt(count / of) * 0.8), 1)
