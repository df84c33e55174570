"""How one question is put to the two legs: index terms for words, a text for the embedder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rag import text
from rag.expansion.dictionary import Dictionary
from rag.expansion.gloss import Gloss, gloss, is_foreign
from rag.fusion import trust
from rag.protocols import Embedder

# What a gloss that the embedder reads wholly is worth against a question in the embedder's language.
_GLOSS_TRUST = 0.75


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as it is searched for, its index terms, and its gloss where the collection is in another
    language.
    """

    question: str
    terms: tuple[str, ...]
    gloss: Gloss | None = None

    def for_embedder(self, embedder: Embedder) -> tuple[str, float]:
        """The text to embed and how far its vector counts, in [0, 1].

        A gloss stands in where it is worth more than what the embedder can read of the question itself.
        """
        trusted = trust(embedder.readable(self.question))
        if self.gloss is not None:
            glossed = _GLOSS_TRUST * trust(embedder.readable(self.gloss.text))
            if glossed > trusted:
                return self.gloss.text, glossed
        return self.question, trusted


def word(question: str, dictionary: Dictionary | None, knows: Callable[[str], bool]) -> Wording:
    """The question's wording over a collection of which `knows` says whether it holds a term."""
    terms = text.query_terms(question)
    if dictionary is None or not is_foreign(question, text.terms(question), knows):
        return Wording(question, tuple(terms))
    found = gloss(question, dictionary, knows)
    return Wording(question, (*terms, *found.terms), found)
