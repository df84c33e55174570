"""Systems compared pair by pair on the same queries: how large, how certain, and where one loses most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any, TypeAlias

from eval.stats import ALPHA, TIE, TRIALS, holm, paired

PerQuery: TypeAlias = Mapping[str, Mapping[str, float]]  # {query: {measure: value}}
Rankings: TypeAlias = Mapping[str, Sequence[str]]  # {query: ids, best first}

_ALL_PAIRS = 3  # with more systems, all pairs would cost too much in Holm's correction
_SHOWN = 10  # places of a ranking that a loser shows


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """(a, b) to compare, a named after b. Up to three systems: all pairs; more: each with the first."""
    if len(names) > _ALL_PAIRS:
        return [(name, names[0]) for name in names[1:]]
    return [(later, earlier) for earlier, later in combinations(names, 2)]


def compare(
    per_query_by_system: Mapping[str, PerQuery],
    measure: str,
    *,
    seed: int,
    trials: int = TRIALS,
    alpha: float = ALPHA,
    texts: Mapping[str, str],
    ids_by_system: Mapping[str, Rankings],
    qrels: Mapping[str, Mapping[str, int]],
    worst: int = 5,
) -> list[dict[str, Any]]:
    """The "comparisons" of an evaluation for one measure; [] for a single system.

    "difference" is a - b in the measure's units, "interval" its 95 % bootstrap interval, "p" of the
    paired randomisation test, "p_holm" corrected over the pairs of this call. "losers" are at most
    `worst` queries where a loses most against b, never one where it does not lose. A query counts if it
    has the measure; "minimum_detectable" is None where no difference was seen. Raises ValueError if two
    systems do not have the measure for the same queries, or have it for none.
    """
    values = {name: _values(rows, measure) for name, rows in per_query_by_system.items()}
    found: list[dict[str, Any]] = []
    for a, b in pairs(list(values)):
        queries = _shared(values, a, b, measure)
        ours, theirs = ([values[name][query] for query in queries] for name in (a, b))
        numbers = asdict(paired(ours, theirs, seed=seed, trials=trials, alpha=alpha))
        losers = [
            _loser(
                query,
                texts.get(query, ""),
                (values[a][query], values[b][query]),
                (ids_by_system[a].get(query, ()), ids_by_system[b].get(query, ())),
                qrels.get(query, {}),
            )
            for query in _worst(values[a], values[b], worst)
        ]
        numbers["interval"] = list(numbers["interval"])
        found.append({"measure": measure, "a": a, "b": b, **numbers, "p_holm": 1.0, "losers": losers})
    for each, corrected in zip(found, holm([each["p"] for each in found]) if found else [], strict=True):
        each["p_holm"] = corrected
    return found


def compare_text(comparisons: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each of the "comparisons", aligned for the terminal."""
    rows = [
        [
            f"{each['a']} - {each['b']}",
            each["measure"],
            f"{each['difference']:+.3f}",
            "[{:+.3f}, {:+.3f}]".format(*each["interval"]),
            f"p {each['p']:.4f} (Holm {each['p_holm']:.4f})",
            f"{each['wins']} better, {each['ties']} equal, {each['losses']} worse"
            + (f"; detectable {each['minimum_detectable']:.3f}" if each["minimum_detectable"] else ""),
        ]
        for each in comparisons
    ]
    return aligned(rows, left=(0, 1, 5))


def aligned(rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,)) -> list[str]:
    """Rows of equal length as lines; the columns named in `left` stand left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _values(rows: PerQuery, measure: str) -> dict[str, float]:
    return {query: row[measure] for query, row in rows.items() if measure in row}


def _shared(values: Mapping[str, Mapping[str, float]], a: str, b: str, measure: str) -> list[str]:
    """The queries of both systems, sorted: the figures do not depend on the order they were asked in."""
    if lone := sorted(values[a].keys() ^ values[b].keys()):
        has, lacks = (a, b) if lone[0] in values[a] else (b, a)
        raise ValueError(f"{measure} of query {lone[0]!r} is known for {has} and not for {lacks}")
    if not values[a]:
        raise ValueError(f"no query has {measure}")
    return sorted(values[a])


def _worst(ours: Mapping[str, float], theirs: Mapping[str, float], worst: int) -> list[str]:
    """The queries where `ours` falls furthest behind, the largest loss first, then by name."""
    losses = {query: theirs[query] - ours[query] for query in ours if theirs[query] - ours[query] > TIE}
    return sorted(losses, key=lambda query: (-losses[query], query))[:worst]


def _loser(
    query: str,
    text: str,
    values: tuple[float, float],
    rankings: tuple[Sequence[str], Sequence[str]],
    judged: Mapping[str, int],
) -> dict[str, Any]:
    """A query with what both systems made of it, a's before b's."""
    return {
        "query": query,
        "text": text,
        "a": values[0],
        "b": values[1],
        "a_results": list(rankings[0][:_SHOWN]),
        "b_results": list(rankings[1][:_SHOWN]),
        "relevant": _relevant(judged),
    }


def _relevant(judged: Mapping[str, int]) -> list[str]:
    """The relevant documents, the most relevant first."""
    return sorted(
        (document for document, grade in judged.items() if grade > 0), key=lambda d: (-judged[d], d)
    )
