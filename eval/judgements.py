"""What is right for each query, on the index at hand: given for passages, found by quotes for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from eval.metrics import Qrels, per_query
from eval.spans import TokenRanges, chunk_id, locate, relevant, span_values, tokens, within
from eval.types import Label, PassageSet, Run, Span, SpanSet, TestSet
from rag.config import Settings
from rag.errors import DocumentError
from rag.text import normalise


@dataclass(frozen=True, slots=True)
class Judgements:
    """The queries that are measured, with what is relevant to each; `gold` spans and `labels` (the
    report on them) only where files were labelled.
    """

    queries: Mapping[str, str]
    qrels: Qrels
    gold: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    labels: Mapping[str, Any] | None = None
    token_ranges: Callable[[str], TokenRanges] | None = None
    chunks: Sequence[Span] = ()

    def by_chunk(self, run: Run) -> Run:
        """The run with each result under the name of the chunk that it shows, or a part of which."""
        if not self.chunks:
            return run
        spans = [each.span for found in run.found.values() for each in found]
        whole = iter(within(spans, self.chunks))
        named = {
            query: tuple(replace(each, id=chunk_id(next(whole))) for each in found)
            for query, found in run.found.items()
        }
        return replace(run, found=named)

    def ranks(self, run: Run) -> bool:
        """Whether relevance is known of what the run lists: not where it cuts files in another way."""
        known = {chunk_id(each) for each in self.chunks}
        return not known or all(each.id in known for found in run.found.values() for each in found)

    def values(self, run: Run) -> dict[str, dict[str, float]]:
        """{query: {measure: value}} of a run over these queries."""
        values = per_query(self.qrels, run.ids)
        if self.token_ranges is not None:
            for query, gold in self.gold.items():
                spans = [each.span for each in run.found.get(query, ())]
                values[query] |= span_values(gold, spans, self.token_ranges)
        return values


def judgements(test_set: TestSet, settings: Settings) -> Judgements:
    """Those of a test set; `settings.index` holds it. Raises DocumentError if nothing can be judged."""
    if isinstance(test_set, PassageSet):
        return of_passages(test_set)
    return _of_spans(test_set, settings)


def of_passages(test_set: PassageSet) -> Judgements:
    """The given judgements, less those of questions that have no answer."""
    queries = _answerable(test_set, test_set.qrels)
    if not queries:
        raise DocumentError(
            f"{test_set.name}: no judged query has an answer; judge some that have one, retrieval is "
            "measured on these"
        )
    qrels = {query: test_set.qrels[query] for query in queries}
    if not any(grade > 0 for judged in qrels.values() for grade in judged.values()):
        raise DocumentError(f"{test_set.name}: no document is judged relevant; a score above 0 says it is")
    return Judgements(queries, qrels)


def _of_spans(test_set: SpanSet, settings: Settings) -> Judgements:
    from rag.build import build_store

    store = build_store(settings, read_only=True)
    unread: set[str] = set()

    @cache
    def text_of(document: str) -> str | None:
        if found := store.document(document):
            return found.text
        if not (test_set.folder / document).is_file():
            return None
        # A file that could not be read is a miss and no stale label: its quotes stand in for it.
        unread.add(document)
        return "\n".join(_quotes(test_set, document))

    @cache
    def token_ranges(document: str) -> TokenRanges:
        return tokens(text_of(document) or "")

    located = locate(test_set.labels, text_of)
    queries = _answerable(test_set, located.gold)
    if not queries:
        raise DocumentError(_nothing_to_measure(test_set, located.stale))
    gold = {query: located.gold[query] for query in queries}
    chunks = [Span(each.chunk.document_id, each.chunk.start, each.chunk.end) for each in store.chunks()]
    labels = {
        "labels": _count(test_set.labels),
        "stale": [
            {"query": query, "document": label.document, "quote": label.quote, "place": label.place}
            for query, label in located.stale
        ],
        "ambiguous": located.ambiguous,
        "unread": sorted(unread),
    }
    return Judgements(queries, relevant(gold, chunks), gold, labels, token_ranges, chunks)


def _nothing_to_measure(test_set: SpanSet, stale: Sequence[tuple[str, Label]]) -> str:
    if not stale:
        return f"{test_set.name}: no question has an answer; add some with their quotes to measure retrieval"
    first = stale[0][1]
    return (
        f"{first.place}: {first.quote[:60]!r} does not stand in {first.document}, nor does any other of the "
        f"{len(stale)} quotes where it should; --corpus names their folder, --index an index of it"
    )


def _quotes(test_set: SpanSet, document: str) -> list[str]:
    labels = (label for labelled in test_set.labels.values() for label in labelled)
    return [normalise(label.quote) for label in labels if label.document == document]


def _answerable(test_set: TestSet, judged: Mapping[str, object]) -> dict[str, str]:
    """The texts of the judged queries that have an answer, in the order of their file."""
    return {
        name: query.text for name, query in test_set.queries.items() if query.answerable and name in judged
    }


def _count(labels: Mapping[str, Sequence[object]]) -> int:
    return sum(len(each) for each in labels.values())
