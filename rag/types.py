"""The nouns every package shares: plain, frozen records without behaviour of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Mode: TypeAlias = Literal["sparse", "dense", "hybrid"]
MODES: tuple[Mode, ...] = ("sparse", "dense", "hybrid")

Vectors: TypeAlias = npt.NDArray[np.float32]
Rows: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paged document: `document.text[start:end]` is its text, possibly empty."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A title that stands beside the text, as in a PDF file's outline: where it points to, level from 1."""

    offset: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know of a document that was nevertheless read."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a loader read from one file; `text` is normalised (`rag.text.normalise`)."""

    text: str
    pages: tuple[Page, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One source: `id` is its path relative to the ingested root, `digest` names its content.

    `headings`, in order of place, are for the splitter; a stored document has them in its chunks alone.
    """

    id: str
    text: str
    digest: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: `document.text[start:end] == text`, always.

    `embedded` is what the indexes see instead of `text` where the two differ, without the headings: a
    piece of a table under the table's header, a paragraph without the addresses of its links.
    """

    document_id: str
    ordinal: int
    text: str
    start: int
    end: int
    heading: tuple[str, ...] = ()
    page: int | None = None
    embedded: str | None = None

    @property
    def indexed_text(self) -> str:
        """What both indexes see: the passage under those of its headings it does not itself contain."""
        seen = self.text if self.embedded is None else self.embedded
        path = " > ".join(title for title in self.heading if title not in seen)
        return f"{path}\n{seen}" if path else seen


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One immutable part of an index: the folder of its files, how many rows it has, which are deleted.

    `deleted` is ascending. The rows of several segments are numbered through in the segments' order,
    deleted ones counted.
    """

    folder: Path
    rows: int
    deleted: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which chunks a search may find; what is empty or None lets everything through.

    `paths`: any of these document ids, folders ("notes/2024") or patterns ("*.pdf", "notes/*/todo.md";
    * stands for any characters). `pages`: the first and the last page, of paged documents alone.
    `metadata`: each of these (name, value) pairs, as front matter gives them.
    """

    paths: tuple[str, ...] = ()
    pages: tuple[int, int] | None = None
    metadata: tuple[tuple[str, str], ...] = ()


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Ranking:
    """One leg's result: chunk rows of one generation, best first, and their scores (same length).

    Equal scores are in ascending row order, so that a ranking is a function of its inputs alone.
    """

    rows: Rows
    scores: Vectors


@dataclass(frozen=True, slots=True)
class Leg:
    """Where one leg ranked a hit (1 = best) and with what score; scores compare within a leg only."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where the words of a hit stand as well, exactly or nearly: characters `start` to `end`."""

    document: str
    start: int
    end: int
    page: int | None = None
    heading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk with its final score and what each leg said of it (None: not among its best).

    `also` are the places of hits that say the same and are not shown themselves. A reranker's score is
    `reranked`, and the final one unless it is added to the fused one; `fused` is what the hit was before.
    Both None without a reranker.
    """

    chunk: Chunk
    score: float
    sparse: Leg | None = None
    dense: Leg | None = None
    also: tuple[Place, ...] = ()
    reranked: float | None = None
    fused: Leg | None = None


@dataclass(frozen=True, slots=True)
class Variants:
    """What a language model made of a question for the search alone: the same asked in other words, and
    passages as they might stand in a document that answers it.
    """

    questions: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement stands: `document.text[start:end] == quote`. `marker` is the n of [n]."""

    marker: int
    document: str
    page: int | None
    heading: tuple[str, ...]
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A generator's answer before its citations are checked; markers [n] count hits from 1.

    `quotes` are (marker, exact text of that hit's chunk) pairs; a generator that cannot point at
    exact words leaves it empty and the citation check finds them. `generator` names who wrote it where
    that may be another than the one that was asked.
    """

    text: str
    quotes: tuple[tuple[int, str], ...] = ()
    abstained: bool = False
    reason: str | None = None
    confidence: float | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    generator: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a question. `timings` are in milliseconds; `generation` names the index state.

    `standing_question` is what a follow-up was understood to ask; empty where the question stood alone.
    `variants` were searched for as well; `notes` say what was searched for in place of or beside what was
    asked, and what the search could not do as it was set.
    """

    id: str
    question: str
    text: str
    abstained: bool
    reason: str | None
    confidence: float | None
    citations: tuple[Citation, ...]
    passages: tuple[Hit, ...]
    generator: str
    timings: Mapping[str, float]
    usage: Mapping[str, int]
    generation: str
    standing_question: str = ""
    variants: Variants = Variants()
    notes: tuple[str, ...] = ()
