"""A passage that should have come: which stage of the search lost it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from rag.retrieve import Retriever
from rag.search import augmented
from rag.search.trace import Trace
from rag.types import EVERYTHING, Chunk, Filter, Hit, Ranking

Stage = Literal["index", "quote", "filter", "legs", "cut", "folded", "capped", "reranker", "wordings"]
_MOST = 100_000  # passages of the expected documents, and ranks that are counted


@dataclass(frozen=True, slots=True)
class Expectation:
    """`path` as filters take it; with `quote` only passages that hold these words."""

    path: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """It came as hit number `rank`."""

    rank: int


@dataclass(frozen=True, slots=True)
class Lost:
    """It did not: `stage` lost it first, and `detail` says how."""

    stage: Stage
    detail: str


def expected_rows(retriever: Retriever, question: str, named: str) -> tuple[Expectation, dict[int, Chunk]]:
    """What "PATH" or "PATH:quote" asks for, and the rows of the index it may mean with their passages.

    A path that is in the index with its colons is taken for a path. Rows are found by the dense leg,
    which has a vector of every passage.
    """
    vector = retriever.embedder.encode_query(question)
    tried = [(named, ""), *((named[:at], named[at + 1 :]) for at in _colons(named))]
    for path, quote in tried:
        found = retriever.index.dense.search(vector, _MOST, retriever.index.among(Filter(paths=(path,))))
        if len(found.rows):
            chunks = dict(zip(found.rows.tolist(), retriever.index.chunks(found.rows.tolist()), strict=True))
            return Expectation(path, quote.strip()), holding(chunks, quote)
    return Expectation(*named.split(":", 1)), {}


def _colons(named: str) -> list[int]:
    return [at for at in range(len(named) - 1, 0, -1) if named[at] == ":"]


def holding(chunks: Mapping[int, Chunk], quote: str) -> dict[int, Chunk]:
    """Those of the passages that hold the quote, white space aside; where it runs from one passage into
    the next, both.
    """
    wanted = _bare(quote)
    found = {row: chunk for row, chunk in chunks.items() if wanted in _bare(chunk.text)}
    if found or not wanted:
        return found
    order = sorted(chunks, key=lambda row: (chunks[row].document_id, chunks[row].ordinal))
    for row, after in pairwise(order):
        same = chunks[row].document_id == chunks[after].document_id
        if same and wanted in _bare(chunks[row].text + chunks[after].text):
            found |= {row: chunks[row], after: chunks[after]}
    return found


def _bare(text: str) -> str:
    return "".join(text.split())


def fate(
    asked_for: Expectation,
    passages: Mapping[int, Chunk],
    retriever: Retriever,
    chosen: Filter,
    hits: Sequence[Hit],
    trace: Trace,
) -> Found | Lost:
    """What became of the passages: that of the one that came furthest."""
    for rank, hit in enumerate(hits, 1):
        if any(_within(chunk, hit.chunk) for chunk in passages.values()):
            return Found(rank)
    if not passages:
        return _missing(asked_for, retriever)
    allowed = _let_through(passages, retriever, chosen, trace)
    if not allowed:
        return Lost("filter", f"{_parts(chosen)} lets no passage of it through")
    candidates = [row for row in allowed if row in trace.rows]
    if not candidates:
        return Lost("legs", _ranks(allowed, retriever, trace))
    return _after_fusion(candidates, passages, hits, trace)


def _within(chunk: Chunk, shown: Chunk) -> bool:
    same = chunk.document_id == shown.document_id
    return same and shown.start <= chunk.start and chunk.end <= shown.end


def _missing(asked_for: Expectation, retriever: Retriever) -> Lost:
    among = retriever.index.among(Filter(paths=(asked_for.path,)))
    vector = retriever.embedder.encode_query(asked_for.path)
    if asked_for.quote and len(retriever.index.dense.search(vector, 1, among).rows):
        return Lost("quote", "the document is in the index, these words are in none of its passages")
    near = retriever.index.dense.search(vector, 1, retriever.index.among(_like(asked_for.path)))
    if len(near.rows):
        there = retriever.index.chunks(near.rows.tolist())[0].document_id
        return Lost("index", f"no document of this name is in the index; there is {there}")
    return Lost("index", "no passage of such a document is in the index: was it ingested, under this path?")


def _like(path: str) -> Filter:
    """Documents of the same file name, wherever they are."""
    return Filter(paths=(f"*{path.rstrip('/').rpartition('/')[2]}*",))


def _let_through(
    passages: Mapping[int, Chunk], retriever: Retriever, chosen: Filter, trace: Trace
) -> list[int]:
    """The rows that the filter lets through."""
    if chosen == EVERYTHING:
        return list(passages)
    vector = trace.vector if trace.vector is not None else retriever.embedder.encode_query("passage")
    through = set(retriever.index.dense.search(vector, _MOST, retriever.index.among(chosen)).rows.tolist())
    return [row for row in passages if row in through]


def _parts(chosen: Filter) -> str:
    named = [f"path {path}" for path in chosen.paths]
    named += [f"pages {chosen.pages[0]}-{chosen.pages[1]}"] if chosen.pages else []
    named += [f"{name}={value}" for name, value in chosen.metadata]
    return f"the filter ({', '.join(named)})"


def _ranks(rows: Sequence[int], retriever: Retriever, trace: Trace) -> str:
    """Where each leg that was searched has the best of the rows, and how deep was looked."""
    said = []
    if trace.sparse is not None and len(trace.sparse.rows) and trace.wording:
        found = augmented.found(retriever.index.sparse, trace.wording, _MOST, trace.among)
        said.append(f"by words {_rank(rows, found, 'it shares no term with the question')}")
    elif trace.sparse is not None and trace.vector is None:
        said.append("by words: no passage shares a term with the question")
    if trace.vector is not None:
        found = retriever.index.dense.search(trace.vector, _MOST, trace.among)
        said.append(f"by meaning {_rank(rows, found, 'it has no vector')}")
    depth = trace.legs.depth if trace.legs else len(trace.rows)
    return f"{', '.join(said)}; the best {depth} of each are candidates"


def _rank(rows: Sequence[int], found: Ranking, none: str) -> str:
    places = np.flatnonzero(np.isin(found.rows, np.asarray(rows)))
    if not len(places):
        return none
    rank = 1 + int((found.scores > found.scores[places[0]]).sum())
    return f"it is number {rank} of {len(found.rows)}"


def _after_fusion(
    candidates: Sequence[int], passages: Mapping[int, Chunk], hits: Sequence[Hit], trace: Trace
) -> Lost:
    """What lost the best of the candidates: folding, a document's share, the cut, or what came later."""
    score, row = max((float(trace.scores[np.flatnonzero(trace.rows == row)[0]]), -row) for row in candidates)
    rank = 1 + int((trace.scores > np.float32(score)).sum())
    at = f"number {rank} of {len(trace.rows)} candidates, with a score of {score:.3f}"
    chunk = passages[-row]
    shaped = trace.shaped
    looked = list(shaped.ranked) if shaped else []
    number = next((n for n, hit in enumerate(looked) if _is(hit.chunk, chunk)), None)
    if shaped is None or number is None:
        return Lost("cut", f"{at}; {_last(hits, trace)}")
    fate = shaped.fate(number)
    if fate == "folded":
        leader = looked[shaped.leaders[number]].chunk
        return Lost("folded", f"{at}; it says what {leader.document_id} says, and is a place of that hit")
    if fate == "capped":
        return Lost("capped", f"{at}; better hits of {chunk.document_id} took its share")
    if fate == "cut":
        return Lost("cut", f"{at}; {_last(hits, trace)}")
    if trace.reranked:
        place = next((n for n, hit in enumerate(trace.reranked, 1) if _is(hit.chunk, chunk)), None)
        return Lost("reranker", f"{at}; the reranker made it number {place or 'none'}")
    return Lost("wordings", f"{at}; the other wordings of the question found it less often")


def _last(hits: Sequence[Hit], trace: Trace) -> str:
    if trace.reranked:
        return f"the reranker is given the best {len(trace.reranked)}"
    return f"the last of {len(hits)} hits has {hits[-1].score:.3f}" if hits else "there is no hit"


def _is(hit: Chunk, chunk: Chunk) -> bool:
    """Whether it is this passage; a hit may have lost what a better one repeats."""
    return (hit.document_id, hit.ordinal) == (chunk.document_id, chunk.ordinal)
