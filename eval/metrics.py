"""The measures of retrieval quality and of speed.

Quality is computed by ir-measures under its names nDCG@k, R@k and RR@k. "recall@k" is the share of a
query's relevant documents among the first k; "mrr@10" is the mean of one over the place of the first
relevant one, 0 beyond place 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MEASURES = {
    "ndcg@10": "nDCG@10",
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "recall@100": "R@100",
    "mrr@10": "RR@10",
}


def per_query(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """{query: {measure: value}} for every query in `qrels`, each measure in [0, 1].

    `run[query]` holds document ids, best first. A judged query that is missing from the run, or has
    no results, counts as zero in every measure; a query without judgements is ignored.
    """
    import ir_measures

    names = {ir_measures.parse_measure(symbol): name for name, symbol in MEASURES.items()}
    values = {query: dict.fromkeys(MEASURES, 0.0) for query in qrels}
    scored = {query: _scored(ids) for query, ids in run.items() if ids and query in qrels}
    if not scored:
        return values
    plain = {query: dict(judged) for query, judged in qrels.items()}
    for metric in ir_measures.iter_calc(list(names), plain, scored):
        values[metric.query_id][names[metric.measure]] = float(metric.value)
    return values


def mean(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Each measure averaged over the queries (all weigh the same); raises ValueError without queries."""
    if not values:
        raise ValueError("no queries to average over")
    return {name: sum(query[name] for query in values.values()) / len(values) for name in MEASURES}


def latency(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """The median and the 95th percentile of wall times, all in milliseconds; None without any."""
    import numpy as np

    if not milliseconds:
        return {"latency_p50_ms": None, "latency_p95_ms": None}
    p50, p95 = np.percentile(np.asarray(milliseconds, dtype=np.float64), [50, 95])
    return {"latency_p50_ms": float(p50), "latency_p95_ms": float(p95)}


def _scored(ids: Sequence[str]) -> dict[str, float]:
    """Scores that fall with the place: tools that break ties by id then keep the retriever's order."""
    return {identifier: float(len(ids) - place) for place, identifier in enumerate(ids)}
