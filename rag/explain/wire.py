"""An explanation as one JSON object, the same from the terminal and from the service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rag.explain.arithmetic import Scored
from rag.explain.expected import Found
from rag.explain.explanation import Expected, Explanation
from rag.wire import hit_json


def explained_json(explanation: Explanation) -> dict[str, Any]:
    """The hits as a search gives them, and why."""
    return {
        "generation": explanation.generation,
        "question": explanation.asked.question,
        "hits": [hit_json(each.hit) for each in explanation.hits],
        "explanation": explanation_json(explanation),
    }


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Keys as in docs/retrieval.md; the hits in the order of the result, without their texts."""
    asked, tuning = explanation.asked, explanation.tuning
    return {
        "read_as": asked.read_as,
        "terms": [{"term": term, "origin": origin, "known": known} for term, origin, known in asked.terms],
        "added": [asdict(each) for each in asked.added],
        "weight": {
            "dense": asked.weight,
            "dense_weight": asked.dense_weight,
            "trusted": asked.trusted,
            "readable": asked.readable,
            "embedded": asked.embedded or None,
        },
        "mode": asked.mode,
        "k": asked.k,
        "depth": tuning.depth,
        "fusion": tuning.fusion,
        "document_weight": tuning.document_weight,
        "duplicates": tuning.shape.duplicates,
        "per_document": tuning.shape.per_document,
        "candidates": explanation.candidates,
        "looked_at": explanation.looked_at,
        "hits": [_hit(each) for each in explanation.hits],
        "expected": [_expected(each) for each in explanation.expected],
        "notes": list(explanation.notes),
    }


def _hit(scored: Scored) -> dict[str, Any]:
    chunk = scored.hit.chunk
    terms = None
    if scored.terms is not None:
        terms = [asdict(part) | {"score": part.score} for part in scored.terms]
    return {
        "document": chunk.document_id,
        "start": chunk.start,
        "end": chunk.end,
        "legs": [asdict(leg) for leg in scored.legs],
        "terms": terms,
        "fused": scored.fused,
        "support": scored.support,
        "found": scored.found,
        "reranked": scored.hit.reranked,
        "score": scored.final,
    }


def _expected(expected: Expected) -> dict[str, Any]:
    came = isinstance(expected.outcome, Found)
    return {
        "path": expected.asked_for.path,
        "quote": expected.asked_for.quote or None,
        "came": came,
        "rank": expected.outcome.rank if isinstance(expected.outcome, Found) else None,
        "stage": None if isinstance(expected.outcome, Found) else expected.outcome.stage,
        "detail": None if isinstance(expected.outcome, Found) else expected.outcome.detail,
        "changes": [asdict(change) for change in expected.changes],
    }
