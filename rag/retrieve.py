"""The retriever behind every answer and every measurement: sparse, dense, or both fused.

Rows are numbered by the order in which segments were published, so they never decide anything: equal
scores share a rank, and are put in order, also where the list is cut, by document id and position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from threading import Event

from rag.expansion.dictionary import find_dictionary
from rag.expansion.feedback import with_feedback
from rag.expansion.glossary import Pair, mined
from rag.expansion.repeated import Repeated
from rag.expansion.spelling import corrected, slips
from rag.expansion.variants import Expander, joined, mean_vector
from rag.expansion.wording import Wording, word
from rag.fusion import trust
from rag.hits.shape import AS_RANKED, Shape, once, within_share
from rag.protocols.models import Embedder
from rag.protocols.stores import Index
from rag.search.legs import LegSearch
from rag.search.rankings import best_rows, complete
from rag.search.rerank import Reranking
from rag.search.trace import Trace
from rag.search.tuning import Tuning
from rag.sections import DictionaryName, FusionName, GlossaryName, SpellingName
from rag.types import EVERYTHING, Filter, Hit, Mode, Variants, Vectors

_GLOSSARY_PASSAGES = 16  # that hold rare terms of a question and are read for other forms of them


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
        glossary: GlossaryName = "off",
        feedback: int = 0,
        expander: Expander | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        """`context` widens hits for the generator. Raises SettingError for a dictionary that is not there."""
        self._index = index
        self._embedder = embedder
        self.in_context = context
        self._expander: Expander | Repeated | None = expander
        self._dictionary = find_dictionary(dictionary)
        self._tuning = Tuning(
            depth=depth,
            dense_weight=dense_weight,
            document_weight=document_weight,
            fusion=fusion,
            dictionary=self._dictionary is not None,
            shape=shape,
            reranking=reranking,
            spelling=spelling,
            glossary=glossary,
            feedback=feedback,
        )

    @property
    def tuning(self) -> Tuning:
        """The settings that one question may be searched with differently."""
        return self._tuning

    def varied(self, tuning: Tuning, variants: Variants | None = None) -> Retriever:
        """One over the same index that differs in these settings: to try what a setting would do.

        `variants` are searched for as well, in place of what a language model would write.
        Raises SettingError for a dictionary that is not there.
        """
        other = copy(self)
        dictionary = self._dictionary or find_dictionary("auto") if tuning.dictionary else None
        expander = self._expander
        if variants is not None:
            expander = Repeated(variants) if variants != Variants() else None
        vars(other).update(_tuning=tuning, _dictionary=dictionary, _expander=expander)
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
        stage = self._tuning.reranking
        read = max(k, stage.depth) if stage else k
        wanted = max(read, self._tuning.depth) if variants.questions else read
        hits = joined(
            [
                self._found(each, wanted, mode, depth, chosen, None if number else trace, variants.passages)
                for number, each in enumerate((question, *variants.questions))
            ]
        )
        if variants.questions:
            hits = once(hits, self._tuning.shape)
        if stage is not None:
            hits, note = stage.rerank(question, hits[:read])
            notes.append(note)
        if trace is not None:
            trace.reranked = hits if stage else ()
            notes = [*_worded_notes(question, trace.wording, mode), *notes]
            trace.variants, trace.notes = variants, [note for note in notes if note]
        return within_share(hits, k, self._tuning.shape.per_document) if self._reorders else hits[:k]

    def warm(self) -> None:
        """Load what later questions would otherwise wait for."""
        self._index.sparse.warm()

    @property
    def _reorders(self) -> bool:
        """Whether hits get another order once they are found: a document's share is taken then."""
        return self._tuning.reranking is not None or self._expander is not None

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
        wording = self._worded(question)
        search = LegSearch(self._index, self._tuning, self._reorders, self._index.among(chosen))
        if self._tuning.feedback and mode != "dense":
            first = self._searched(search, wording, self._tuning.feedback, mode, depth, passages)
            read = [hit.chunk for hit in first]
            wording = with_feedback(wording, read, self._index.sparse.frequencies)
        return self._searched(replace(search, trace=trace), wording, k, mode, depth, passages)

    def _searched(
        self,
        search: LegSearch,
        wording: Wording,
        k: int,
        mode: Mode,
        depth: int | None,
        passages: Sequence[str],
    ) -> list[Hit]:
        trace = search.trace
        if trace is not None:
            trace.wording, trace.among = wording, search.among
        if mode == "sparse":
            return search.by_words(wording, k)
        embedded, trusted = wording.for_embedder(self._embedder)
        if trace is not None:
            trace.embedded, trace.trusted = embedded, trusted
        if mode == "dense":
            return search.by_meaning(self._vector(embedded, passages), k)
        weight = self._tuning.dense_weight * trusted
        depth = depth or max(k, self._tuning.depth)
        if not weight:
            return search.without_meaning(wording, k, depth)
        return search.hybrid(wording, self._vector(embedded, passages), weight, k, depth)

    def _vector(self, embedded: str, passages: Sequence[str]) -> Vectors:
        vector = self._embedder.encode_query(embedded)
        readable = [passage for passage in passages if trust(self._embedder.readable(passage)) > 0]
        return mean_vector(vector, self._embedder.encode_few(readable)) if readable else vector

    def _worded(self, question: str) -> Wording:
        spelt = self._spelt(question)
        return word(spelt, self._dictionary, self._knows, self._pairs(spelt))

    def _knows(self, term: str) -> bool:
        return bool(self._index.sparse.frequencies([term])[0])

    def _spelt(self, question: str) -> str:
        """The question without its spelling slips. What the embedder has as one token is a word."""
        if self._tuning.spelling == "off":
            return question
        return corrected(
            question, self._index.sparse.frequencies, lambda word: self._embedder.count_tokens(word) == 1
        )

    def _pairs(self, question: str) -> tuple[Pair, ...]:
        """Other forms of the question's terms, as passages of the whole collection introduce them."""
        chosen = self._tuning.glossary
        if chosen == "off":
            return ()
        frequencies = self._index.sparse.frequencies
        return mined(question, frequencies, self._holding, abbreviations=chosen == "all")

    def _holding(self, terms: Sequence[str]) -> list[str]:
        """The texts of the best passages that hold any of these terms."""
        most = _GLOSSARY_PASSAGES
        ranking = complete(lambda wanted: self._index.sparse.search(terms, wanted), most, 0)
        rows = best_rows(ranking, most)
        if len(rows) > 2 * most:
            rows = self._index.first(rows, 2 * most)
        return [chunk.text for chunk in self._index.chunks(rows.tolist())]


def _worded_notes(question: str, wording: Wording | None, mode: Mode) -> list[str]:
    """What was searched for in place of what was asked, and beside it."""
    if wording is None:
        return []
    notes = [f'searched for "{new}" instead of "{old}"' for old, new in slips(question, wording.question)]
    beside = wording.pairs if mode != "dense" else ()
    return notes + [f'also searched for "{pair.other}", another form of "{pair.asked}"' for pair in beside]
