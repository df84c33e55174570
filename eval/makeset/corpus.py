"""What is known of the whole corpus: how rare terms are, what stands where, and which words are names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from math import log

from rag.calibration.prose import Section, Source, sections
from rag.prompt import Language, language
from rag.text import fold, sentences, terms

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
# Components of a path that tell translations of one document apart: docs/en/x.md, x.zh.md, x_origin.md.
_CODES = (
    "en|eng|english|zh|cn|zh-cn|zh-hans|zh-hant|zh-tw|chinese|ja|ko|de|fr|es|pt|pt-br|ru|orig|origin|original"
)
_CODE_FOLDER = re.compile(rf"(?:^|/)(?:{_CODES})(?=/)", re.IGNORECASE)
_CODE_SUFFIX = re.compile(rf"[._-](?:{_CODES})(?=\.[^./]+$)", re.IGNORECASE)


class Corpus:
    """All documents with the counts that choosing needs; read-only once made.

    A unit is a sentence of the text or a chunk: the least that may hold an answer. Everything in a
    document counts here, code and tables too, whereas questions are made of its prose alone.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = {source.path: source for source in sources}
        self.sections: dict[str, list[Section]] = {source.path: sections(source) for source in sources}
        self.words: Counter[str] = Counter()
        self._term_frequency: dict[str, Counter[str]] = {}
        self._document_frequency: Counter[str] = Counter()
        self._units: list[tuple[str, int, int]] = []
        self._is_chunk: list[bool] = []
        self._postings: dict[str, list[int]] = defaultdict(list)
        self._flat = {source.path: _flat(source.text) for source in sources}
        for source in sources:
            self._count(source)

    def _count(self, source: Source) -> None:
        seen: set[str] = set()
        text = source.text
        for places, chunk in ((sentences(text), False), (source.chunks, True)):
            for start, end in places:
                found = set(terms(text[start:end]))
                seen |= found
                for term in found:
                    self._postings[term].append(len(self._units))
                self._units.append((source.path, start, end))
                self._is_chunk.append(chunk)
        self._document_frequency.update(seen)
        frequency = self._term_frequency[source.path] = Counter[str]()
        for section in self.sections[source.path]:
            for sentence in section.sentences:
                frequency.update(terms(sentence.plain))
                self.words.update(_WORD.findall(sentence.plain)[1:])

    def language(self, path: str) -> Language:
        """What most of the document's prose is written in."""
        spoken = Counter(s.language for section in self.sections[path] for s in section.sentences)
        return max(spoken, key=lambda each: (spoken[each], each)) if spoken else language(path)

    def salience(self, path: str, words: str) -> float:
        """Mean over the terms of `words` of (1 + ln tf) * ln((1 + N) / df): how much they say of a document.

        tf counts the term in the document's prose, df the documents that hold it (Manning, Raghavan and
        Schütze, Introduction to Information Retrieval, sections 6.2 and 6.4). 0 without terms.
        """
        found = terms(words)
        frequency, count = self._term_frequency[path], 1 + len(self.sources)
        return sum(
            (1 + log(max(1, frequency[term]))) * log(count / max(1, self._document_frequency[term]))
            for term in found
        ) / max(1, len(found))

    def unique(self, quote: str) -> bool:
        """Whether the words of `quote` stand once in all documents, however lines are broken."""
        wanted = _flat(quote)
        return sum(text.count(wanted) for text in self._flat.values()) == 1

    def holders(
        self, asked: Collection[str], share: float, *, chunk_share: float, leave_out: Collection[str] = ()
    ) -> list[tuple[str, int, int]]:
        """Units that hold at least `share` (a chunk: `chunk_share`) of these terms.

        (path, start, end) each; those of the documents `leave_out` are passed over.
        """
        held: Counter[int] = Counter()
        for term in set(asked):
            held.update(self._postings.get(term, ()))
        least, least_chunk = share * len(set(asked)), chunk_share * len(set(asked))
        return [
            self._units[unit]
            for unit, count in held.items()
            if count >= (least_chunk if self._is_chunk[unit] else least) - 1e-9
            and self._units[unit][0] not in leave_out
        ]

    def shared(self, asked: Collection[str], withheld: Collection[str]) -> float:
        """Share of these terms that stand in a document that is kept."""
        kept = [
            any(self._units[unit][0] not in withheld for unit in self._postings.get(term, ()))
            for term in set(asked)
        ]
        return sum(kept) / (len(kept) or 1)

    def families(self) -> dict[str, tuple[str, ...]]:
        """For each path, the paths of the documents that are translations of it, itself among them."""
        grouped: dict[str, list[str]] = defaultdict(list)
        for path in self.sources:
            grouped[family(path)].append(path)
        return {path: tuple(group) for group in grouped.values() for path in group}


def family(path: str) -> str:
    """The path without what names a language: translations of one document share it."""
    return fold(_CODE_SUFFIX.sub("", _CODE_FOLDER.sub("", path))).lstrip("/")


def distinct(text: Iterable[str]) -> frozenset[str]:
    """The index terms of several pieces, each for itself: no pair straddles two of them."""
    return frozenset(term for piece in text for term in terms(piece))


def _flat(text: str) -> str:
    return "".join(text.split())
