"""What is right for each query, on the index at hand: given for passages, found by quotes for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eval.metrics import Qrels, per_query
from eval.spans import TokenRanges, locate, relevant, span_values, tokens
from eval.types import PassageSet, Run, Span, SpanSet, TestSet
from rag.config import Settings
from rag.errors import DocumentError


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
        raise DocumentError(f"{test_set.name}: no judged query has an answer; nothing to measure")
    return Judgements(queries, {query: test_set.qrels[query] for query in queries})


def _of_spans(test_set: SpanSet, settings: Settings) -> Judgements:
    from rag.build import build_store

    store = build_store(settings, read_only=True)

    @cache
    def text_of(document: str) -> str | None:
        found = store.document(document)
        return found.text if found else None

    @cache
    def token_ranges(document: str) -> TokenRanges:
        return tokens(text_of(document) or "")

    located = locate(test_set.labels, text_of)
    queries = _answerable(test_set, located.gold)
    if not queries:
        raise DocumentError(
            f"{test_set.folder}: none of the {_count(test_set.labels)} quotes of {test_set.name} is there: "
            "name the folder that they speak of with --corpus"
        )
    gold = {query: located.gold[query] for query in queries}
    chunks = [Span(each.chunk.document_id, each.chunk.start, each.chunk.end) for each in store.chunks()]
    labels = {
        "labels": _count(test_set.labels),
        "stale": [
            {"query": query, "document": label.document, "quote": label.quote, "place": label.place}
            for query, label in located.stale
        ],
        "ambiguous": located.ambiguous,
    }
    return Judgements(queries, relevant(gold, chunks), gold, labels, token_ranges)


def _answerable(test_set: TestSet, judged: Mapping[str, object]) -> dict[str, str]:
    """The texts of the judged queries that have an answer, in the order of their file."""
    return {
        name: query.text for name, query in test_set.queries.items() if query.answerable and name in judged
    }


def _count(labels: Mapping[str, Sequence[object]]) -> int:
    return sum(len(each) for each in labels.values())
