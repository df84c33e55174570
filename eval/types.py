"""The nouns of evaluation: test sets, what a system found, and what it replied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Query:
    """A question. `answers` are the accepted ones, if known; `answerable` is False where the corpus
    holds none: such a question is left out of retrieval measures and asks for a refusal.

    `text` is normalised and may be empty: published collections hold such lines.
    """

    text: str
    answers: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a passage set: the unit that is retrieved. Title and text are normalised."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """The words that answer a question: `quote` as it stands in the document at this path.

    `start` is where the quote began when the label was written, if that was written down; `place` is
    "file:line" of the label itself.
    """

    document: str
    quote: str
    start: int | None
    place: str


@dataclass(frozen=True, slots=True)
class PassageSet:
    """A test collection whose passages are given. `digest` names its content.

    `qrels[query][document]` is the judged relevance; every id in it is in the corpus or the queries.
    """

    name: str
    digest: str
    queries: Mapping[str, Query]
    corpus: tuple[Entry, ...]
    qrels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class SpanSet:
    """A test collection over a folder of files, labelled by quotes: it outlives every splitter.

    `withheld` are paths under `folder` that must not be indexed: they hold the answers of questions
    that are meant to have none. `synthetic` says that a program wrote the questions.
    """

    name: str
    digest: str
    queries: Mapping[str, Query]
    folder: Path
    labels: Mapping[str, tuple[Label, ...]]
    withheld: frozenset[str] = frozenset()
    synthetic: bool = False


TestSet: TypeAlias = PassageSet | SpanSet


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a document's text: characters from `start` up to, not including, `end`."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """One result of a query. `id` is what relevance is judged by: the document of a passage set,
    "path#start-end" of a span set.
    """

    id: str
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a system found for each query, best first, and how long each took in milliseconds.

    An empty query is never put to the retriever: it has no results and no time.
    """

    found: Mapping[str, tuple[Found, ...]]
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def ids(self) -> dict[str, list[str]]:
        """{query: ids, best first}"""
        return {query: [each.id for each in found] for query, found in self.found.items()}
