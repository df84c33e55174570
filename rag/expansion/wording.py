"""How one question is put to the two legs: index terms for words, a text for the embedder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag import text
from rag.expansion.brackets import plain
from rag.expansion.dictionary import Dictionary
from rag.expansion.gloss import Gloss, gloss, is_foreign
from rag.expansion.glossary import Frequencies, Pair
from rag.expansion.outward import chinese_terms, is_outward
from rag.fusion import trust
from rag.protocols.models import Embedder

# Where a term comes from that was not asked.
Origin: TypeAlias = Literal["glossary", "feedback"]

# What a gloss that the embedder reads wholly is worth against a question in the embedder's language.
_GLOSS_TRUST = 0.75
# What the other form of a term counts against the one that is asked, see docs/retrieval.md.
_PAIR_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Added:
    """Terms that are searched for beside the question's as a question of their own, with `weight`."""

    terms: tuple[str, ...]
    weight: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as it is searched for, its index terms, and its gloss where the collection is in another
    language. `pairs` are those of `added`.
    """

    question: str
    terms: tuple[str, ...]
    gloss: Gloss | None = None
    added: tuple[Added, ...] = ()
    pairs: tuple[Pair, ...] = ()

    def for_embedder(self, embedder: Embedder) -> tuple[str, float]:
        """The text to embed and how far its vector counts, in [0, 1].

        A gloss stands in where it is worth as much as what the embedder can read of the question itself.
        """
        trusted = trust(embedder.readable(self.question))
        if self.gloss is not None:
            glossed = _GLOSS_TRUST * trust(embedder.readable(self.gloss.text))
            if glossed and glossed >= trusted:
                return self.gloss.text, glossed
        return self.question, trusted


def word(
    question: str, dictionary: Dictionary | None, frequencies: Frequencies, pairs: Sequence[Pair] = ()
) -> Wording:
    """The question's wording over a collection of which `frequencies` says in how many passages terms are.

    `pairs` give other forms of its terms.
    """

    def knows(term: str) -> bool:
        return bool(frequencies([term])[0])

    terms = tuple(text.query_terms(question))
    added = tuple(_added(pair) for pair in pairs)
    if dictionary is not None and is_outward(question, frequencies):
        found = Gloss(chinese_terms(question, dictionary, frequencies), "")
        return Wording(question, (*terms, *found.terms), found, added, tuple(pairs))
    if dictionary is None or not is_foreign(question, text.terms(question), knows):
        return Wording(question, terms, None, added, tuple(pairs))
    found = gloss(question, dictionary, knows)
    if pairs:  # the collection's own translation of a term is better than the dictionary's
        found = Gloss(found.terms, gloss(_in_other_forms(question, pairs), dictionary, knows).text)
    return Wording(question, (*terms, *found.terms), found, added, tuple(pairs))


def _added(pair: Pair) -> Added:
    """The other form, which in all counts for a share of the one that is asked: terms differ in number."""
    asked, other = text.query_terms(pair.asked), text.query_terms(pair.other)
    return Added(tuple(other), _PAIR_WEIGHT * len(asked) / len(other), "glossary")


def _in_other_forms(question: str, pairs: Sequence[Pair]) -> str:
    replaced = plain(question)
    for pair in sorted(pairs, key=lambda each: -len(each.asked)):
        replaced = replaced.replace(pair.asked, f" {pair.other} ")
    return replaced
