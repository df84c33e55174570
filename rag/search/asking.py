"""How a question is put to one index: without its spelling slips, with other forms of its terms, glossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.expansion.dictionary import Dictionary
from rag.expansion.glossary import Pair, mined
from rag.expansion.spelling import corrected, slips
from rag.expansion.wording import Wording, word
from rag.protocols.models import Embedder
from rag.protocols.stores import Index
from rag.search.rankings import best_rows, complete
from rag.search.tuning import Tuning
from rag.types import Filter, Mode

_GLOSSARY_PASSAGES = 16  # that hold rare terms of a question and are read for other forms of them


@dataclass(frozen=True, slots=True)
class Asking:
    """Words questions to `index` as `tuning` says; `dictionary` None for no glosses."""

    index: Index
    embedder: Embedder
    dictionary: Dictionary | None
    tuning: Tuning

    def wording(self, question: str) -> Wording:
        """The question as it is searched for."""
        spelt = self._spelt(question)
        return word(spelt, self.dictionary, self.index.sparse.frequencies, self._pairs(spelt))

    def _spelt(self, question: str) -> str:
        """The question without its spelling slips. What the embedder has as one token is a word."""
        if self.tuning.spelling == "off":
            return question
        return corrected(
            question, self.index.sparse.frequencies, lambda word: self.embedder.count_tokens(word) == 1
        )

    def _pairs(self, question: str) -> tuple[Pair, ...]:
        """Other forms of the question's terms, as passages of the whole collection introduce them."""
        chosen = self.tuning.glossary
        if chosen == "off":
            return ()
        frequencies = self.index.sparse.frequencies
        return mined(question, frequencies, self._holding, abbreviations=chosen == "all")

    def _holding(self, terms: Sequence[str]) -> list[str]:
        """The texts of the best passages that hold any of these terms."""
        most = _GLOSSARY_PASSAGES
        ranking = complete(lambda wanted: self.index.sparse.search(terms, wanted), most, 0)
        rows = best_rows(ranking, most)
        if len(rows) > 2 * most:
            rows = self.index.first(rows, 2 * most)
        return [chunk.text for chunk in self.index.chunks(rows.tolist())]


def notes(question: str, wording: Wording | None, mode: Mode) -> list[str]:
    """What was searched for in place of what was asked, and beside it, a line each."""
    if wording is None:
        return []
    instead = [f'searched for "{new}" instead of "{old}"' for old, new in slips(question, wording.question)]
    beside = wording.pairs if mode != "dense" else ()
    return instead + [f'also searched for "{pair.other}", another form of "{pair.asked}"' for pair in beside]


def filter_note(chosen: Filter) -> str:
    """What to say where nothing was found among what was chosen: most likely a filter matches nothing."""
    hints = {
        "paths": "documents are called as a search without it shows them" if chosen.paths else "",
        "pages": "only documents with pages have any" if chosen.pages else "",
        "metadata": "values are compared whole, a list as `a, b`" if chosen.metadata else "",
    }
    said = "; ".join(f"{name}: {hint}" for name, hint in hints.items() if hint)
    return f"nothing was found among what the filter leaves ({said})" if said else ""
