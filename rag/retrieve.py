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
from rag.expansion.repeated import Repeated
from rag.expansion.variants import Expander, joined, mean_vector
from rag.expansion.wording import Wording
from rag.fusion import trust
from rag.hits.shape import AS_RANKED, Shape, once, within_share
from rag.indexes.vectors import finite
from rag.protocols.models import Embedder
from rag.protocols.stores import Index
from rag.search.asking import Asking, filter_note
from rag.search.asking import notes as worded_notes
from rag.search.legs import LegSearch
from rag.search.rerank import Reranking
from rag.search.trace import Trace
from rag.search.tuning import Tuning
from rag.sections import DictionaryName, FusionName, GlossaryName, SpellingName
from rag.types import EVERYTHING, Filter, Hit, Mode, Variants, Vectors

_SETTING = "retriever.dictionary"
_ANY = "documents"  # a question in English


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
        self._dictionary = find_dictionary(dictionary, _SETTING)
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
        dictionary = self._dictionary or find_dictionary("auto", _SETTING) if tuning.dictionary else None
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
            notes = [*worded_notes(question, trace.wording, mode), *notes]
            notes += [] if hits else [filter_note(chosen)]
            trace.variants, trace.notes = variants, [note for note in notes if note]
        return within_share(hits, k, self._tuning.shape.per_document) if self._reorders else hits[:k]

    def warm(self) -> None:
        """Load what later questions would otherwise wait for."""
        self._index.sparse.warm()
        self._asking.wording(_ANY)  # over Chinese passages the dictionary is read backwards: two seconds

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
        wording = self._asking.wording(question)
        search = LegSearch(self._index, self._tuning, self._reorders, self._index.among(chosen))
        if self._tuning.feedback and mode != "dense":
            first = self._searched(search, wording, self._tuning.feedback, mode, depth, passages)
            read = [hit.chunk for hit in first]
            wording = with_feedback(wording, read, self._index.sparse.frequencies)
        return self._searched(replace(search, trace=trace), wording, k, mode, depth, passages)

    @property
    def _asking(self) -> Asking:
        return Asking(self._index, self._embedder, self._dictionary, self._tuning)

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
        depth = depth or max(k, self._tuning.depth)
        weight = 1.0 if mode == "dense" else self._tuning.dense_weight * trusted
        vector = self._vector(embedded, passages) if weight else None
        if vector is None or not vector.any():  # from a vector of zeros everything is equally far
            return [] if mode == "dense" else search.without_meaning(wording, k, depth)
        if mode == "dense":
            return search.by_meaning(vector, k)
        return search.hybrid(wording, vector, weight, k, depth)

    def _vector(self, embedded: str, passages: Sequence[str]) -> Vectors:
        vector = self._embedder.encode_query(embedded)
        readable = [passage for passage in passages if trust(self._embedder.readable(passage)) > 0]
        if readable:
            vector = mean_vector(vector, self._embedder.encode_few(readable))
        return finite(vector, self._embedder)
