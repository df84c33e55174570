"""Why a question found what it found: the search done once more with its stages noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.expansion.wording import Added, Wording
from rag.explain.arithmetic import Scored, scored
from rag.explain.changes import Change, smallest_changes
from rag.explain.expected import Expectation, Found, Lost, expected_rows, fate
from rag.retrieve import Retriever
from rag.search.trace import Trace
from rag.search.tuning import Tuning
from rag.text import query_terms
from rag.types import EVERYTHING, Filter, Hit, Mode


@dataclass(frozen=True, slots=True)
class Asked:
    """How the question was put: `read_as`, its spelling slips mended. `terms`: each with where it comes from,
    "question", "spelling", "dictionary", "glossary" or "feedback", and whether the collection holds it; those
    of the last two are `added`, as questions of their own with a weight. `weight` is the dense
    leg's: `dense_weight`, the setting, times `trusted`, which the share `readable` of what was `embedded`
    decides (`rag.fusion.trust`).
    """

    question: str
    read_as: str
    mode: Mode
    k: int
    terms: tuple[tuple[str, str, bool], ...]
    added: tuple[Added, ...]
    embedded: str
    readable: float | None
    trusted: float
    dense_weight: float
    weight: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What became of an expected passage; `changes` of one setting each bring it, the smallest first."""

    asked_for: Expectation
    outcome: Found | Lost
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that decided a result. `candidates` were ranked, `looked_at` of them shaped into hits."""

    generation: str
    asked: Asked
    tuning: Tuning
    candidates: int
    looked_at: int
    hits: tuple[Scored, ...]
    expected: tuple[Expected, ...]
    notes: tuple[str, ...]

    @property
    def came(self) -> bool:
        """Whether every expected passage did."""
        return all(isinstance(each.outcome, Found) for each in self.expected)


def explain(
    retriever: Retriever,
    question: str,
    *,
    k: int,
    mode: Mode,
    chosen: Filter = EVERYTHING,
    expected: Sequence[str] = (),
) -> Explanation:
    """Search, and say why. `expected` are documents, folders or patterns, each with ":quote" or without.

    Raises as `Retriever.search` does.
    """
    trace = Trace()
    hits = retriever.search(question, k=k, mode=mode, chosen=chosen, trace=trace)
    rows = {
        (chunk.document_id, chunk.ordinal): int(row)
        for row, chunk in zip(trace.rows, retriever.index.chunks(trace.rows.tolist()), strict=True)
    }
    return Explanation(
        retriever.generation,
        _asked(retriever, question, mode, k, trace),
        retriever.tuning,
        len(trace.rows),
        len(trace.shaped.ranked) if trace.shaped else 0,
        tuple(scored(hit, rows.get(_place(hit)), trace, retriever.index.sparse) for hit in hits),
        tuple(_expected(each, retriever, question, k, mode, chosen, hits, trace) for each in expected),
        tuple(trace.notes),
    )


def _expected(
    named: str,
    retriever: Retriever,
    question: str,
    k: int,
    mode: Mode,
    chosen: Filter,
    hits: Sequence[Hit],
    trace: Trace,
) -> Expected:
    asked_for, passages = expected_rows(retriever, question, named)
    outcome = fate(asked_for, passages, retriever, chosen, hits, trace)
    if isinstance(outcome, Found) or not passages:
        return Expected(asked_for, outcome)
    places = {(chunk.document_id, chunk.ordinal) for chunk in passages.values()}
    changes = smallest_changes(retriever, question, k, mode, chosen, places, trace.variants)
    return Expected(asked_for, outcome, changes)


def _asked(retriever: Retriever, question: str, mode: Mode, k: int, trace: Trace) -> Asked:
    wording = trace.wording or Wording(question, ())
    terms, origins = _terms(question, wording)
    held = retriever.index.sparse.frequencies(terms).tolist() if terms else []
    readable = retriever.embedder.readable(trace.embedded) if trace.embedded else None
    weight = trace.legs.weight if trace.legs else (1.0 if mode == "dense" else 0.0)
    return Asked(
        question=question,
        read_as=wording.question,
        mode=mode,
        k=k,
        terms=tuple((term, origin, df > 0) for term, origin, df in zip(terms, origins, held, strict=True)),
        added=wording.added,
        embedded=trace.embedded,
        readable=readable,
        trusted=trace.trusted if mode != "sparse" else 0.0,
        dense_weight=retriever.tuning.dense_weight,
        weight=weight,
    )


def _terms(question: str, wording: Wording) -> tuple[list[str], list[str]]:
    """What is searched for, and where each of it comes from."""
    glossed = wording.gloss.terms if wording.gloss else ()
    own = len(wording.terms) - len(glossed)
    asked = set(query_terms(question))
    origins = ["question" if term in asked else "spelling" for term in wording.terms[:own]]
    origins += ["dictionary"] * len(glossed)
    origins += [each.origin for each in wording.added for _ in each.terms]
    return [*wording.terms, *(term for each in wording.added for term in each.terms)], origins


def _place(hit: Hit) -> tuple[str, int]:
    return hit.chunk.document_id, hit.chunk.ordinal
