"""Puts queries to the retriever, and questions to the engine, that answer people; one after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from eval.journal import Journal
from eval.progress import progress
from eval.spans import chunk_id
from eval.types import Found, Run, Span
from rag.types import Answer, Hit, Mode

# recall@100 needs a hundred results of every query.
DEPTH = 100
# The first queries of a process pay for lazy loading; a server's user does not.
WARM_UP = 5


class Searches(Protocol):
    """What is evaluated: the retriever, by what is used of it."""

    def search(self, question: str, *, k: int, mode: Mode, depth: int | None) -> list[Hit]: ...


class Asks(Protocol):
    """The engine, by what is used of it."""

    def ask(self, question: str, k: int | None = None, mode: Mode | None = None) -> Answer: ...


def run_mode(
    retriever: Searches,
    queries: Mapping[str, str],
    mode: Mode,
    *,
    depth: int | None = None,
    whole_documents: bool = True,
    journal: Journal | None = None,
) -> Run:
    """Every query's results in this mode, timed after a short warm-up.

    `depth` results of each leg are fused, however many are asked for here: what people are answered
    from. A result's id is its document, or "path#start-end" unless whole documents are judged. Queries
    that the journal holds are not put again, and another process's times are no part of the run.
    """
    journal = journal or Journal(None)
    asked = {query: text for query, text in queries.items() if text}
    left = {query: text for query, text in asked.items() if query not in journal.done}
    for text in list(left.values())[:WARM_UP]:
        retriever.search(text, k=DEPTH, mode=mode, depth=depth)
    milliseconds = {}
    for query, text in progress(left.items(), len(left), f"{mode} queries"):
        began = time.perf_counter()
        hits = retriever.search(text, k=DEPTH, mode=mode, depth=depth)
        milliseconds[query] = (time.perf_counter() - began) * 1000
        journal.add(query, [row for hit in hits for row in _rows(hit)][:DEPTH])
    found = {
        query: _found(journal.done[query], whole_documents) if text else () for query, text in queries.items()
    }
    return Run(found, milliseconds)


def _rows(hit: Hit) -> list[list[Any]]:
    """The hit, and the other places that are shown with it: whoever reads it has found those as well."""
    chunk = hit.chunk
    places = [[place.document, place.start, place.end, hit.score] for place in hit.also]
    return [[chunk.document_id, chunk.start, chunk.end, hit.score], *places]


def _found(rows: list[list[Any]], whole_documents: bool) -> tuple[Found, ...]:
    spans = [Span(document, start, end) for document, start, end, _ in rows]
    return tuple(
        Found(span.document if whole_documents else chunk_id(span), span, score)
        for span, (*_, score) in zip(spans, rows, strict=True)
    )
