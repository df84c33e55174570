"""The JSON shapes that scripts rely on: the same from the terminal and from the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.types import Answer, Citation, Hit, Leg, Place, Variants

HEADING_SEPARATOR = " > "


def heading_path(heading: tuple[str, ...]) -> str:
    """A heading path as people read it: "Install > On Windows"."""
    return HEADING_SEPARATOR.join(heading)


def hit_json(hit: Hit) -> dict[str, Any]:
    """One retrieved passage; a leg that did not find it is null."""
    chunk = hit.chunk
    return {
        "document": chunk.document_id,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "heading": heading_path(chunk.heading),
        "text": chunk.text,
        "score": hit.score,
        "sparse": _leg(hit.sparse),
        "dense": _leg(hit.dense),
        "also": [_place(place) for place in hit.also],
        "reranked": hit.reranked,
        "fused": _leg(hit.fused),
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "document": place.document,
        "start": place.start,
        "end": place.end,
        "page": place.page,
        "heading": heading_path(place.heading),
    }


def _leg(leg: Leg | None) -> dict[str, float] | None:
    return None if leg is None else {"rank": leg.rank, "score": leg.score}


def searched_json(variants: Variants, notes: Sequence[str]) -> dict[str, Any]:
    """What was searched for beside the question, and what the search could not do as it was set."""
    return {
        "variants": {"questions": list(variants.questions), "passages": list(variants.passages)},
        "notes": list(notes),
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    """One verified quotation and its place."""
    return {
        "marker": citation.marker,
        "document": citation.document,
        "page": citation.page,
        "heading": heading_path(citation.heading),
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
    }


def answer_json(answer: Answer) -> dict[str, Any]:
    """The whole reply to a question."""
    return {
        "id": answer.id,
        "question": answer.question,
        "answer": answer.text,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "confidence": answer.confidence,
        "citations": [citation_json(citation) for citation in answer.citations],
        "passages": [hit_json(hit) for hit in answer.passages],
        "generator": answer.generator,
        "timings": dict(answer.timings),
        "usage": dict(answer.usage),
        "generation": answer.generation,
        "standing_question": answer.standing_question or None,
        **searched_json(answer.variants, answer.notes),
    }
