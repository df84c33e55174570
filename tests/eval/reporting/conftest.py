"""An evaluation with every optional part, and one whose every text tries to be markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

Make: TypeAlias = Callable[..., dict[str, Any]]
HOSTILE = "<script>alert(\"1\")</script> 'x' & {{ 7 * 7 }} | `y` [z](javascript:1) https://evil.example"
MEASURES = {
    "ndcg@10": 0.7123,
    "recall@1": 0.5,
    "recall@10": 0.8,
    "mrr@10": 0.66,
    "precision@5": 0.2,
    "hit@1": 0.5,
}


def _mode(shift: float) -> dict[str, Any]:
    measures = {name: value + shift for name, value in MEASURES.items()}
    return {
        **measures,
        "latency_p50_ms": 12.34 + 100 * shift,
        "latency_p95_ms": 15.67,
        "latency_p99_ms": None,
        "queries": 4,
        "unjudged": 1,
        "unanswerable": 0,
        "empty_queries": 0,
        "intervals": {name: [value - 0.031, value + 0.029] for name, value in measures.items()},
        "recall_by_k": {"1": 0.5 + shift, "2": 0.61, "10": 0.8, "100": 0.93},
        "precision_at_recall": {"0.0": 0.91, "0.5": 0.62 + shift, "1.0": 0.31},
    }


def _answers() -> dict[str, Any]:
    return {
        "generator": "extractive",
        "questions": 40,
        "exact_match": 0.412,
        "f1": 0.533,
        "quotes": 2.31,
        "intervals": {"f1": [0.507, 0.561]},
        "abstention": {
            "answered_right": 21,
            "answered_wrong": 9,
            "rightly_refused": 7,
            "wrongly_refused": 3,
            "coverage": 0.75,
            "risk": 0.3,
        },
        "risk_coverage": {
            "points": [[0.25, 0.1, 0.9], [0.5, 0.2, 0.7], [1.0, 0.3456, 0.2]],
            "area": 0.217,
            "complete": False,
        },
    }


def _comparison() -> dict[str, Any]:
    return {
        "measure": "ndcg@10",
        "a": "hybrid",
        "b": "sparse",
        "mean_a": 0.7423,
        "mean_b": 0.7123,
        "difference": 0.0304,
        "interval": [-0.0021, 0.0613],
        "p": 0.0123,
        "p_holm": 0.0369,
        "wins": 31,
        "ties": 52,
        "losses": 17,
        "queries": 100,
        "minimum_detectable": 0.0417,
        "losers": [
            {
                "query": "q3",
                "text": "服务默认监听哪个地址？",
                "a": 0.387,
                "b": 1.0,
                "a_results": ["guide/a.md#1-9", "指南.md#5-80"],
                "b_results": ["指南.md#5-80"],
                "relevant": ["指南.md#5-80", "nowhere.md#0-7"],
            }
        ],
    }


def _evaluation(name: str = "handbook") -> dict[str, Any]:
    systems = {"sparse": _mode(0.0), "hybrid": {**_mode(0.03), "answers": _answers()}}
    queries = {f"q{n}": {"ndcg@10": n / 4, "latency_ms": 1.5, "results": ["a"]} for n in range(4)}
    return {
        "dataset": name,
        "kind": "spans",
        "digest": "9df66917",
        "synthetic": True,
        "settings": {"retriever": {"depth": 137, "dense_weight": 0.5}},
        "seed": 11,
        "trials": 10000,
        "alpha": 0.05,
        "modes": systems,
        "systems": {
            each: {"mode": each, "set": {}, "chunks_per_second": 45.67, "index_bytes": 2**21}
            for each in systems
        },
        "comparisons": [_comparison()],
        "labels": {
            "labels": 79,
            "stale": [
                {"query": "q2", "document": "old.md", "quote": "a sentence that went", "place": "labels:12"}
            ],
            "ambiguous": 0,
        },
        "per_query": dict.fromkeys(systems, queries),
        "k": 100,
        "generation": "3ef4cdd1",
        "embedder": "a-model@0a1b",
        "device": "cpu",
        "documents": 38,
        "empty_documents": 0,
        "index_seconds": 8.9,
        "versions": {"python": "3.11.7", "absent": None},
        "machine": {"system": "Linux", "cpus": 2},
        "code": "81c7e1a6",
    }


def _hostile() -> dict[str, Any]:
    found = _evaluation(HOSTILE)
    found["modes"] = {f"{HOSTILE} {name}": values for name, values in found["modes"].items()}
    found["systems"] = {f"{HOSTILE} {name}": {"set": {"x": HOSTILE}} for name in ("sparse", "hybrid")}
    found["per_query"] = {f"{HOSTILE} {name}": values for name, values in found["per_query"].items()}
    compared = found["comparisons"][0]
    compared |= {"a": f"{HOSTILE} hybrid", "b": f"{HOSTILE} sparse"}
    compared["losers"][0] |= {
        "query": HOSTILE,
        "text": HOSTILE,
        "a_results": [HOSTILE],
        "relevant": [HOSTILE],
    }
    found["labels"]["stale"] = [dict.fromkeys(("query", "document", "quote", "place"), HOSTILE)]
    return found | dict.fromkeys(("kind", "digest", "embedder", "generation", "device", "code"), HOSTILE)


@pytest.fixture
def evaluation() -> Make:
    """Makes a fresh evaluation of the dataset named: sparse and hybrid, hybrid better and with answers."""
    return _evaluation


@pytest.fixture
def hostile() -> dict[str, Any]:
    return _hostile()
