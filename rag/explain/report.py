"""An explanation as lines for a terminal."""

from __future__ import annotations

from collections import Counter

from rag.explain.arithmetic import LegPart, Scored
from rag.explain.expected import Found, Stage
from rag.explain.explanation import Asked, Expected, Explanation
from rag.protocols.legs import TermPart
from rag.wire import heading_path

_STAGES: dict[Stage, str] = {
    "index": "it is not in the index",
    "quote": "no passage holds these words",
    "filter": "the filter left it out",
    "legs": "no leg had it among its best",
    "cut": "it is below the cut",
    "folded": "it was folded into another hit",
    "capped": "its document has its share of hits",
    "reranker": "the reranker put it lower",
    "wordings": "other wordings put it lower",
}
_SHOWN_CHANGES = 4


def explanation_lines(explanation: Explanation) -> list[str]:
    """The question, each hit with its sum, and what became of expected passages."""
    lines = [*_asked(explanation.asked), _searched(explanation)]
    lines += [f"note: {note}" for note in explanation.notes]
    for rank, hit in enumerate(explanation.hits, 1):
        lines += ["", *_hit(rank, hit)]
    if not explanation.hits:
        lines += ["", "Nothing found."]
    for each in explanation.expected:
        lines += ["", *_expected(each)]
    return lines


def _asked(asked: Asked) -> list[str]:
    counts = Counter(asked.terms)
    terms = [
        term
        + (f" ×{times}" if times > 1 else "")
        + ("" if origin == "question" else f" ({origin})")
        + ("" if known else " (in no passage)")
        for (term, origin, known), times in counts.items()
    ]
    lines = [f"question: {asked.question}"]
    if asked.read_as != asked.question:
        lines.append(f"read as:  {asked.read_as}")
    lines.append(f"terms:    {', '.join(terms) or 'none'}")
    lines += [f"added:    {', '.join(each.terms)}, counting {each.weight:.3f}" for each in asked.added]
    if asked.embedded not in ("", asked.read_as):
        lines.append(f"embedded: {asked.embedded}")
    if asked.mode == "hybrid":
        what = "the question" if asked.embedded == asked.read_as else "the gloss, which counts for less"
        read = f"the embedder reads {asked.readable or 0:.0%} of {what}"
        lines.append(
            f"weight:   dense {asked.weight:.3f} = {asked.dense_weight:.3f} (retriever.dense_weight) × "
            f"{asked.trusted:.3f} ({read})"
        )
    return lines


def _searched(explanation: Explanation) -> str:
    tuning, asked = explanation.tuning, explanation.asked
    how = f", fusion {tuning.fusion}" if asked.mode == "hybrid" else ""
    return (
        f"search:   {asked.mode}{how}, depth {tuning.depth}, {explanation.candidates} candidates, "
        f"{explanation.looked_at} of them looked at for {asked.k} hits"
    )


def _hit(rank: int, scored: Scored) -> list[str]:
    chunk = scored.hit.chunk
    page = f"page {chunk.page}" if chunk.page is not None else ""
    place = ", ".join(part for part in (chunk.document_id, page, heading_path(chunk.heading)) if part)
    lines = [f"{rank}. {place} ({chunk.start}-{chunk.end})  {scored.final:.3f}"]
    if not scored.legs:
        lines.append("   found by another wording of the question alone")
    for leg in scored.legs:
        lines.append(f"   {_leg(leg)}")
        if leg.leg == "sparse" and scored.terms:
            lines += [f"       {_term(part)}" for part in scored.terms]
    if len(scored.legs) > 1 or scored.support:
        parts = [leg.part for leg in scored.legs] + ([scored.support] if scored.support else [])
        helped = ", the last from other passages of its document" if scored.support else ""
        digits = 5 if any(leg.mean is None for leg in scored.legs) else 3
        lines.append(f"   sum     {_sum(parts, digits)} = {scored.found:.{digits}f}{helped}")
    if scored.hit.reranked is not None:
        alone = scored.final == scored.hit.reranked
        how = "decides the order" if alone else f"and the fused score together are {scored.final:.3f}"
        lines.append(f"   reranker {scored.hit.reranked:.3f} {how}")
    elif scored.legs and abs(scored.final - scored.found) > 1e-6:
        lines.append(f"   with the question's other wordings {scored.final:.3f}")
    also = [f"   also    {each.document} ({each.start}-{each.end})" for each in scored.hit.also]
    return [*lines, *also]


def _leg(leg: LegPart) -> str:
    rank = f"#{leg.rank}" if leg.rank else "not among its best"
    head = f"{leg.leg:<7} {rank}, score {leg.score:.3f}"
    if leg.mean is not None and leg.unit is not None:
        head += f", ({leg.score:.3f} - {leg.mean:.3f}) / {leg.unit:.3f} = {leg.comparable:.3f}"
    elif leg.comparable != leg.score:
        head += f", by its rank {leg.comparable:.5f}"
    if leg.weight != 1.0 or leg.comparable != leg.score:
        head += f", × {leg.weight:.3f} = {leg.part:.{3 if leg.mean is not None else 5}f}"
    return head


def _term(part: TermPart) -> str:
    return (
        f"{part.term}  {part.score:.3f} = {part.frequency:.3f} frequency + {part.similarity:.3f} similarity"
    )


def _sum(parts: list[float], digits: int) -> str:
    first, *others = (f"{part:.{digits}f}" for part in parts)
    return first + "".join(f" - {part[1:]}" if part.startswith("-") else f" + {part}" for part in others)


def _expected(expected: Expected) -> list[str]:
    asked = expected.asked_for
    name = f"expected {asked.path}" + (f" “{asked.quote}”" if asked.quote else "")
    if isinstance(expected.outcome, Found):
        return [f"{name}: came as number {expected.outcome.rank}"]
    lines = [f"{name}: did not come", f"   {_STAGES[expected.outcome.stage]}: {expected.outcome.detail}"]
    if expected.outcome.stage in ("index", "quote"):
        return lines
    if not expected.changes:
        return [*lines, "   no change of one setting brings it"]
    said = [
        f"{change.setting}: {change.before} to {change.after} makes it number {change.rank}"
        for change in expected.changes[:_SHOWN_CHANGES]
    ]
    return [*lines, f"   smallest change: {said[0]}", *(f"   or {each}" for each in said[1:])]
