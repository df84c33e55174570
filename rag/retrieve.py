"""The retriever behind every answer and every measurement: sparse, dense, or both fused.

Rows are numbered by the order in which segments were published, so they never decide anything: equal
scores share a rank, and are put in order, also where the list is cut, by document id and position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from threading import Event

import numpy as np

from rag.config import DictionaryName, FusionName, SpellingName
from rag.expansion.dictionary import find_dictionary
from rag.expansion.spelling import corrected
from rag.expansion.variants import Expander, joined, mean_vector
from rag.expansion.wording import Wording, word
from rag.fusion import Evidence, fuse, support, trust
from rag.hits.shape import AS_RANKED, Shape, shaped_from, within_share
from rag.protocols import Embedder, Index
from rag.rerank import Reranking
from rag.trace import Legs, Trace
from rag.types import EVERYTHING, Filter, Hit, Leg, Mask, Mode, Ranking, Rows, Variants, Vectors

# Over how many of a leg's best scores they are standardised. Words match much that is indifferent, and a
# wider look at it sets the scale better; everything has a vector, and more of that changes little.
_SPARSE_SAMPLE = 300
_DENSE_SAMPLE = 100
_FEW_TIES = 32  # rows that tie for the last place: of more, only those that come first are read
_NOTHING = Ranking(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of `[retriever]` by their names there; `dictionary`: whether one is used."""

    depth: int
    dense_weight: float
    document_weight: float
    fusion: FusionName
    dictionary: bool
    shape: Shape
    reranking: Reranking | None
    spelling: SpellingName


class Repeated:
    """In place of a language model: what it wrote for this question before."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    def serves(self, mode: Mode) -> bool:  # noqa: ARG002
        """Whether there is anything to repeat."""
        return self._variants != Variants()

    def expand(self, question: str, cancelled: Event | None = None) -> tuple[Variants, str]:  # noqa: ARG002
        """The variants again."""
        return self._variants, ""


class Retriever:
    """Finds chunks in one generation.

    Results are a function of question and living chunks, save what the dense leg misses in large segments.
    """

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        *,
        depth: int,
        dense_weight: float,
        fusion: FusionName = "standardised",
        dictionary: DictionaryName = "auto",
        shape: Shape = AS_RANKED,
        context: Callable[[Sequence[Hit]], list[Hit]] = list,
        document_weight: float = 0.0,
        spelling: SpellingName = "off",
        expander: Expander | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        """`context` widens hits for the generator. Raises SettingError for a dictionary that is not there."""
        self._index = index
        self._embedder = embedder
        self._depth = depth
        self._dense_weight = dense_weight
        self._fusion: FusionName = fusion
        self._dictionary = find_dictionary(dictionary)
        self._shape = shape
        self.in_context = context
        self._expander: Expander | Repeated | None = expander
        self._reranking = reranking
        self._document_weight = document_weight
        self._spelling: SpellingName = spelling

    @property
    def tuning(self) -> Tuning:
        """The settings that one question may be searched with differently."""
        return Tuning(
            self._depth,
            self._dense_weight,
            self._document_weight,
            self._fusion,
            self._dictionary is not None,
            self._shape,
            self._reranking,
            self._spelling,
        )

    def varied(self, tuning: Tuning, variants: Variants | None = None) -> Retriever:
        """One over the same index that differs in these settings: to try what a setting would do.

        `variants` are searched for as well, in place of what a language model would write.
        Raises SettingError for a dictionary that is not there.
        """
        other = copy(self)
        dictionary = self._dictionary or find_dictionary("auto") if tuning.dictionary else None
        repeated = Repeated(variants) if variants not in (None, Variants()) else None
        expander = self._expander if variants is None else repeated
        vars(other).update(
            _depth=tuning.depth,
            _dense_weight=tuning.dense_weight,
            _document_weight=tuning.document_weight,
            _fusion=tuning.fusion,
            _dictionary=dictionary,
            _shape=tuning.shape,
            _reranking=tuning.reranking,
            _expander=expander,
            _spelling=tuning.spelling,
        )
        return other

    @property
    def index(self) -> Index:
        """The generation searched, opened."""
        return self._index

    @property
    def embedder(self) -> Embedder:
        """What makes a question's vector."""
        return self._embedder

    @property
    def generation(self) -> str:
        """The generation searched."""
        return self._index.generation

    def search(
        self,
        question: str,
        *,
        k: int = 8,
        mode: Mode = "hybrid",
        depth: int | None = None,
        chosen: Filter = EVERYTHING,
        trace: Trace | None = None,
        cancelled: Event | None = None,
    ) -> list[Hit]:
        """At most `k` hits that `chosen` lets through, best first; equal scores by document and position.

        `depth` results of each leg are fused: as set, or `k` if that is more. Within `chosen` both legs
        search; their scores are those of the whole collection. What is done is noted in `trace`.
        Raises Cancelled, and GeneratorError and SettingError of the reranker's.
        """
        variants, notes = Variants(), []
        if self._expander is not None and self._expander.serves(mode):
            variants, note = self._expander.expand(question, cancelled)
            notes.append(note)
        read = max(k, self._reranking.depth) if self._reranking else k
        wanted = max(read, self._depth) if variants.questions else read
        hits = joined(
            [
                self._found(each, wanted, mode, depth, chosen, None if number else trace, variants.passages)
                for number, each in enumerate((question, *variants.questions))
            ]
        )
        if self._reranking is not None:
            hits, note = self._reranking.rerank(question, hits[:read])
            notes.append(note)
        if trace is not None:
            trace.reranked = hits if self._reranking else ()
            trace.variants, trace.notes = variants, [note for note in notes if note]
        return within_share(hits, k, self._shape.per_document) if self._reorders else hits[:k]

    @property
    def _reorders(self) -> bool:
        """Whether hits get another order once they are found: a document's share is taken then."""
        return self._reranking is not None or self._expander is not None

    def _found(
        self,
        question: str,
        k: int,
        mode: Mode,
        depth: int | None,
        chosen: Filter,
        trace: Trace | None,
        passages: Sequence[str],
    ) -> list[Hit]:
        """The best `k` of both legs; the vector searched with leans towards `passages`."""
        wording = word(self._spelt(question), self._dictionary, self._knows)
        among = self._index.among(chosen)
        if trace is not None:
            trace.wording, trace.among = wording, among
        if mode == "sparse":
            return self._sparse_alone(wording, k, among, trace)
        embedded, trusted = wording.for_embedder(self._embedder)
        if trace is not None:
            trace.embedded, trace.trusted = embedded, trusted
        if mode == "dense":
            return self._dense_alone(self._vector(embedded, passages), k, among, trace)
        weight = self._dense_weight * trusted
        if not weight:
            return self._words_alone(wording, k, depth or max(k, self._depth), among, trace)
        vector = self._vector(embedded, passages)
        return self._hybrid(wording, vector, weight, k, depth or max(k, self._depth), among, trace)

    def warm(self) -> None:
        """Load what later questions would otherwise wait for."""
        self._index.sparse.warm()

    def _vector(self, embedded: str, passages: Sequence[str]) -> Vectors:
        vector = self._embedder.encode_query(embedded)
        readable = [passage for passage in passages if trust(self._embedder.readable(passage)) > 0]
        return mean_vector(vector, self._embedder.encode_few(readable)) if readable else vector

    def _knows(self, term: str) -> bool:
        return bool(self._index.sparse.frequencies([term])[0])

    def _spelt(self, question: str) -> str:
        """The question without its spelling slips. What the embedder has as one token is a word."""
        if self._spelling == "off":
            return question
        return corrected(
            question, self._index.sparse.frequencies, lambda word: self._embedder.count_tokens(word) == 1
        )

    def _sparse(self, wording: Wording, depth: int, among: Mask | None, sample: int = 0) -> Ranking:
        return _complete(
            lambda wanted: self._index.sparse.search(wording.terms, wanted, among), depth, sample
        )

    def _dense(self, vector: Vectors, depth: int, among: Mask | None, sample: int = 0) -> Ranking:
        return _complete(lambda wanted: self._index.dense.search(vector, wanted, among), depth, sample)

    def _sparse_alone(self, wording: Wording, k: int, among: Mask | None, trace: Trace | None) -> list[Hit]:
        found = self._sparse(wording, self._looked_at(k), among)
        return self._hits(found.rows, found.scores, k, found, _NOTHING, trace)

    def _words_alone(
        self, wording: Wording, k: int, depth: int, among: Mask | None, trace: Trace | None
    ) -> list[Hit]:
        """Hybrid search without a dense leg: what the sparse leg found, and what its documents add."""
        if not self._document_weight:
            return self._sparse_alone(wording, k, among, trace)
        found = self._sparse(wording, max(k, depth), among, _SPARSE_SAMPLE)
        best = np.arange(len(_best(found, max(k, depth))))
        rows, scores = found.rows[best], found.scores[best]
        floor = float(np.mean(found.scores[:_SPARSE_SAMPLE])) if len(rows) else 0.0
        scores = scores + self._support(rows, scores, floor, trace)
        return self._hits(rows, scores, k, found, _NOTHING, trace)

    def _support(self, rows: Rows, scores: Vectors, floor: float, trace: Trace | None) -> Vectors:
        """What the other candidates of its document add to each, float32 (len(rows),)."""
        if not self._document_weight:
            return np.zeros_like(scores)
        added = support(scores, self._index.documents(rows), self._document_weight, floor)
        if trace is not None:
            trace.support = added
        return added

    def _dense_alone(self, vector: Vectors, k: int, among: Mask | None, trace: Trace | None) -> list[Hit]:
        found = self._dense(vector, self._looked_at(k), among)
        if trace is not None:
            trace.vector = vector
        return self._hits(found.rows, found.scores, k, _NOTHING, found, trace)

    def _looked_at(self, k: int) -> int:
        """How deep a leg that is alone is searched: hits that are folded or passed over need others."""
        return k if self._shape == AS_RANKED else max(k, self._depth)

    def _hybrid(
        self,
        wording: Wording,
        vector: Vectors,
        weight: float,
        k: int,
        depth: int,
        among: Mask | None,
        trace: Trace | None,
    ) -> list[Hit]:
        sparse = self._sparse(wording, depth, among, _SPARSE_SAMPLE)
        dense = self._dense(vector, depth, among, _DENSE_SAMPLE)
        rows = np.union1d(_best(sparse, depth), _best(dense, depth))
        by_words = _evidence(
            rows, sparse, _SPARSE_SAMPLE, lambda more: self._index.sparse.score(wording.terms, more)
        )
        by_meaning = _evidence(rows, dense, _DENSE_SAMPLE, lambda more: self._index.dense.score(vector, more))
        scores = fuse(self._fusion, by_words, by_meaning, weight)
        if trace is not None:
            trace.vector = vector
            trace.legs = Legs(rows, by_words, by_meaning, self._fusion, weight, depth)
        scores = scores + self._support(rows, scores, 0.0, trace)
        return self._hits(rows, scores, k, sparse, dense, trace)

    def _hits(
        self,
        rows: Rows,
        scores: Vectors,
        k: int,
        sparse: Ranking,
        dense: Ranking,
        trace: Trace | None,
    ) -> list[Hit]:
        """The best `k`, shaped."""
        shape = replace(self._shape, per_document=0) if self._reorders else self._shape
        found = shaped_from(lambda most: self._ranked(rows, scores, most, sparse, dense), k, shape)
        if trace is not None:
            trace.rows, trace.scores, trace.sparse, trace.dense = rows, scores, sparse, dense
            trace.shaped = found
        return list(found.hits)

    def _ranked(self, rows: Rows, scores: Vectors, k: int, sparse: Ranking, dense: Ranking) -> list[Hit]:
        """The best `k`. Chunks of all rows that tie for the last place are read to tell which come first."""
        if len(rows) > k:
            least = np.partition(scores, -k)[-k]
            better, tied = rows[scores > least], rows[scores == least]
            if len(better) + len(tied) > k + _FEW_TIES:
                tied = self._index.first(tied, k - len(better))
            kept = np.isin(rows, np.concatenate([better, tied]))
            rows, scores = rows[kept], scores[kept]
        chunks = self._index.chunks(rows.tolist())
        legs = _legs(rows, sparse), _legs(rows, dense)
        hits = [Hit(*each) for each in zip(chunks, scores.tolist(), *legs, strict=True)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.document_id, hit.chunk.ordinal))[:k]


def _complete(search: Callable[[int], Ranking], depth: int, sample: int) -> Ranking:
    """At least the best `depth` rows if there are so many, and every row that ties with one of them.

    A leg cuts at a number of rows, and between equal scores by row; so the last score's rows are left
    out, and more are asked for where too few remain.
    """
    wanted = max(depth, sample) + 1
    while True:
        found = search(wanted)
        if len(found.rows) < wanted:
            return found
        whole = int(np.searchsorted(-found.scores, -found.scores[-1]))
        if whole >= depth:
            return Ranking(found.rows[:whole], found.scores[:whole])
        wanted *= 4


def _best(ranking: Ranking, depth: int) -> Rows:
    """Every row that scores at least as much as the one at `depth`."""
    if len(ranking.rows) <= depth:
        return ranking.rows
    rows: Rows = ranking.rows[ranking.scores >= ranking.scores[depth - 1]]
    return rows


def _evidence(rows: Rows, ranking: Ranking, sample: int, score: Callable[[list[int]], Vectors]) -> Evidence:
    """What a leg says of these rows; those that it did not find it is asked to `score`."""
    places = _places(rows, ranking)
    found = places >= 0
    scores = np.zeros(len(rows), dtype=np.float32)
    scores[found] = ranking.scores[places[found]]
    if not found.all():
        scores[~found] = score(rows[~found].tolist())
    return Evidence(scores, _ranks(places, ranking), ranking.scores[:sample])


def _legs(rows: Rows, ranking: Ranking) -> list[Leg | None]:
    """Where the leg ranked each of these rows, and with what score."""
    places = _places(rows, ranking)
    ranks = _ranks(places, ranking)
    return [
        Leg(rank, float(ranking.scores[place])) if rank else None
        for rank, place in zip(ranks.tolist(), places.tolist(), strict=True)
    ]


def _ranks(places: Rows, ranking: Ranking) -> Rows:
    """One more than the number of rows with a higher score, int64; 0 for place -1."""
    ranks = np.zeros(len(places), dtype=np.int64)
    found = places >= 0
    ranks[found] = np.searchsorted(-ranking.scores, -ranking.scores[places[found]]) + 1
    return ranks


def _places(rows: Rows, ranking: Ranking) -> Rows:
    """Where in the ranking each of these rows is, int64; -1 for those that are not in it."""
    if not len(ranking.rows):
        return np.full(len(rows), -1, dtype=np.int64)
    order = np.argsort(ranking.rows)
    places = order[np.searchsorted(ranking.rows, rows, sorter=order).clip(max=len(order) - 1)]
    return np.where(ranking.rows[places] == rows, places, -1)
