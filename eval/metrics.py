"""The measures of retrieval quality, computed by ir-measures (trec_eval's own code), and of speed.

"recall@k" is the share of a query's relevant documents among the first k, "precision@k" the share of
the first k places that hold one, "hit@k" whether any of them does; "mrr@10" is one over the place of
the first relevant one, 0 beyond place 10; "map@100" the mean of the precisions at the places of the
relevant ones; "ndcg@k" as trec_eval has it (Jarvelin and Kekalainen 2002, linear gain). A grade below 0,
as TREC's web tracks give to spam, is worth as little as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
Ranked: TypeAlias = Mapping[str, Sequence[str]]

MEASURES = {
    "ndcg@5": "nDCG@5",
    "ndcg@10": "nDCG@10",
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "recall@100": "R@100",
    "precision@1": "P@1",
    "precision@5": "P@5",
    "precision@10": "P@10",
    "hit@1": "Success@1",
    "hit@5": "Success@5",
    "hit@10": "Success@10",
    "mrr@10": "RR@10",
    "map@100": "AP@100",
}
LATENCIES = {"latency_p50_ms": 50, "latency_p95_ms": 95, "latency_p99_ms": 99}
_CUTOFFS = (1, 2, 3, 5, 10, 20, 50, 100)
_RECALLS = tuple(tenth / 10 for tenth in range(11))


def per_query(qrels: Qrels, ranked: Ranked) -> dict[str, dict[str, float]]:
    """{query: {measure: value}} for every query in `qrels`, each measure in [0, 1].

    `ranked[query]` holds document ids, best first. A judged query that is missing from it, or has no
    results, counts as zero in every measure; a query without judgements is ignored. An id that stands
    twice in a ranking counts at its first place, and those behind the second move up.
    """
    return _calculated(qrels, ranked, {symbol: name for name, symbol in MEASURES.items()})


def curves(qrels: Qrels, ranked: Ranked) -> dict[str, dict[str, float]]:
    """Means over the judged queries: "recall_by_k", by k, and "precision_at_recall", interpolated as
    trec_eval does, by recall. Raises ValueError without queries.
    """
    recall = {f"R@{k}": str(k) for k in _CUTOFFS}
    precision = {f"IPrec@{level}": str(level) for level in _RECALLS}
    means = mean(_calculated(qrels, ranked, {symbol: symbol for symbol in (*recall, *precision)}))
    return {
        "recall_by_k": {k: means[symbol] for symbol, k in recall.items()},
        "precision_at_recall": {level: means[symbol] for symbol, level in precision.items()},
    }


def mean(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Each measure averaged over the queries (all weigh the same); raises ValueError without queries."""
    if not values:
        raise ValueError("no queries to average over")
    names = next(iter(values.values()))
    return {name: sum(query[name] for query in values.values()) / len(values) for name in names}


def latency(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """The median, 95th and 99th percentile of wall times, all in milliseconds; None without any."""
    import numpy as np

    if not milliseconds:
        return dict.fromkeys(LATENCIES)
    found = np.percentile(np.asarray(milliseconds, dtype=np.float64), list(LATENCIES.values()))
    return {name: float(value) for name, value in zip(LATENCIES, found, strict=True)}


def _calculated(qrels: Qrels, ranked: Ranked, names: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Every query's value of each measure; `names` maps ir-measures' symbols to ours."""
    import ir_measures

    values = {query: dict.fromkeys(names.values(), 0.0) for query in qrels}
    scored = {query: _scored(ids) for query, ids in ranked.items() if ids and query in qrels}
    if not scored:
        return values
    measures: dict[Any, str] = {ir_measures.parse_measure(symbol): name for symbol, name in names.items()}
    # trec_eval writes outside its tables, and may crash, where a grade is below -1.
    plain = {
        query: {each: max(0, grade) for each, grade in judged.items()} for query, judged in qrels.items()
    }
    for metric in ir_measures.iter_calc(list(measures), plain, scored):
        values[metric.query_id][measures[metric.measure]] = float(metric.value)
    return values


def _scored(ids: Sequence[str]) -> dict[str, float]:
    """Scores that fall with the place: tools that break ties by id then keep the retriever's order."""
    return {identifier: float(len(ids) - place) for place, identifier in enumerate(dict.fromkeys(ids))}
