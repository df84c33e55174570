"""Systems compared pair by pair on the same queries: how large, how certain, and where one loses most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from eval.stats import ALPHA, TIE, TRIALS, corrected, paired

PerQuery: TypeAlias = Mapping[str, Mapping[str, float]]  # {query: {measure: value}}
Rankings: TypeAlias = Mapping[str, Sequence[str]]  # {query: ids, best first}
_Shared: TypeAlias = tuple[list[str], list[float], list[float]]  # queries, a's values, b's

_SHOWN = 10  # places of a ranking that a loser shows


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison needs of one system: every query's measures, its ranking, and what is relevant."""

    values: PerQuery
    ids: Rankings
    qrels: Mapping[str, Mapping[str, int]]


def compare(
    systems: Mapping[str, Compared],
    pairs: Iterable[tuple[str, str, str]],
    *,
    texts: Mapping[str, str],
    seed: int,
    trials: int = TRIALS,
    alpha: float = ALPHA,
    worst: int = 5,
) -> list[dict[str, Any]]:
    """The "comparisons" of an evaluation, for each (a, b, measure) of `pairs`.

    "difference" is a - b in the measure's units, "interval" its 95 % bootstrap interval, "p" of the
    paired randomisation test, "p_holm" corrected over all that is compared here. "losers" are at most
    `worst` queries where a loses most against b, never one where it does not lose. The queries compared
    are those for which both systems have the measure; "minimum_detectable" is None where no difference
    was seen. Raises ValueError if there is no such query.
    """
    chosen = list(pairs)
    shared = [_shared(systems[a].values, systems[b].values, measure) for a, b, measure in chosen]
    numbers = [paired(*values, seed=seed, trials=trials, alpha=alpha) for _, *values in shared]
    return [
        {
            "measure": measure,
            "a": a,
            "b": b,
            **asdict(each),
            "interval": list(each.interval),
            "p_holm": p,
            "losers": _losers(systems[a], systems[b], values, texts, worst),
        }
        for (a, b, measure), values, (each, p) in zip(chosen, shared, corrected(numbers, alpha), strict=True)
    ]


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


def _shared(a: PerQuery, b: PerQuery, measure: str) -> _Shared:
    """The queries for which both have the measure, sorted, and either's values: the figures do not
    depend on the order in which the queries were put.
    """
    queries = sorted(query for query in a.keys() & b.keys() if measure in a[query] and measure in b[query])
    if not queries:
        raise ValueError(f"no query has {measure} on both sides")
    return queries, [a[query][measure] for query in queries], [b[query][measure] for query in queries]


def _losers(
    a: Compared, b: Compared, shared: _Shared, texts: Mapping[str, str], worst: int
) -> list[dict[str, Any]]:
    """The queries where a falls furthest behind, the largest loss first, then by name."""
    lost = [(theirs - ours, query, ours, theirs) for query, ours, theirs in zip(*shared, strict=True)]
    chosen = sorted((each for each in lost if each[0] > TIE), key=lambda each: (-each[0], each[1]))[:worst]
    return [
        {
            "query": query,
            "text": texts.get(query, ""),
            "a": ours,
            "b": theirs,
            "a_results": list(a.ids.get(query, ())[:_SHOWN]),
            "b_results": list(b.ids.get(query, ())[:_SHOWN]),
            "relevant": _relevant({**b.qrels.get(query, {}), **a.qrels.get(query, {})}),
        }
        for _, query, ours, theirs in chosen
    ]


def _relevant(judged: Mapping[str, int]) -> list[str]:
    """The relevant documents, the most relevant first."""
    return sorted(
        (document for document, grade in judged.items() if grade > 0), key=lambda d: (-judged[d], d)
    )
