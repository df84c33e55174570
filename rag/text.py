"""The one analyser: normalisation and index terms for English, Chinese and code.

The two sides of the sparse index use `document_terms` and `query_terms`; what holds two texts against
each other uses `terms`; the extractive generator, the citation check and the answer measures use
`sentences`. Nothing here needs a download or a dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rag.language.characters import CJK_CHARACTER, UNSPACED, run_asked, run_characters, run_terms, simplify
from rag.language.sentences import sentences
from rag.language.words import STOP_WORDS, WORD, stem, word_terms
from rag.types import Chunk

__all__ = [
    "CJK_CHARACTER",
    "HEADING_COPIES",
    "STOP_WORDS",
    "VERSION",
    "asked",
    "document_terms",
    "fold",
    "normalise",
    "query_terms",
    "sentences",
    "stem",
    "terms",
]

# Changes whenever `terms`, `query_terms` or `document_terms` does: an index made by another analyser is
# made anew from the record.
VERSION = "2"
# How often the words of a chunk's title or heading path count beyond those in its indexed text. Found on
# scifact's train queries and on sentences taken out of titled passages, as the largest number by which no
# set of either kind loses significantly: 1 lifts nDCG@10 on scifact's from .693 to .699 and on sections of
# technical documentation by .004 to .011; 2 begins to cost on passages that share their title.
HEADING_COPIES = 1

_TOKEN = re.compile(f"[{UNSPACED}]+|{WORD}")
_RUN = re.compile(f"[{UNSPACED}]")
# Full-width marks that only part words, and what NFKC would make words grow together by.
_MARKS = "，！？：；（）～…\u3000\xa0"
# Where the characters stand that NFKC replaces; what it replaces elsewhere is rare.
_COMPATIBILITY = re.compile(
    "[\u00aa-\u00be\u2033-\u20a8\u2100-\u218b\u2460-\u24ff\u3200-\u33ff\uf900-\ufb4f\ufe10-\uffef]+"
)


def normalise(text: str) -> str:
    """Text as every document is stored: NFC, line feeds only, no control or half characters.

    Applied once, by the loader's caller; character offsets count in what this returns. It is
    idempotent: `normalise(normalise(t)) == normalise(t)`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(character for character in text if _keep(character))
    return unicodedata.normalize("NFC", text.lstrip("\ufeff"))


def _keep(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs")


def fold(text: str) -> str:
    """Full-width forms, ligatures and case folded away: what comparison sees, never what is shown."""
    return unicodedata.normalize("NFKC", text).casefold()


def terms(text: str) -> list[str]:
    """What a text says, as terms, repeats kept: those of words in their order, then those of Chinese.

    English words are stemmed and stop words dropped; identifiers, versions and paths are kept whole
    and in parts; a run of Chinese gives its overlapping pairs, in Simplified form.
    """
    return list(_terms(text))


@lru_cache(maxsize=1024)  # an answer asks for the same sentences several times
def _terms(text: str) -> tuple[str, ...]:
    words, runs = _split(text)
    return tuple(words + run_terms(runs) if runs else words)


def query_terms(text: str) -> list[str]:
    """What the sparse index is asked for, and holds: `terms` and each Chinese character by itself."""
    words, runs = _split(text)
    return words + run_terms(runs) + run_characters(runs) if runs else words


def document_terms(chunk: Chunk) -> list[str]:
    """Index terms of a chunk: those of its indexed text, and of its headings `HEADING_COPIES` times more."""
    return query_terms(chunk.indexed_text) + HEADING_COPIES * query_terms(" ".join(chunk.heading))


def _split(text: str) -> tuple[list[str], list[str]]:
    """The terms of words, and the runs of characters without spaces between words, simplified."""
    found: list[str] = []
    runs: list[str] = []
    for piece in _TOKEN.findall(_folded(text)):
        # Most tokens are below the unspaced scripts: a comparison is cheaper than a match.
        if piece < "\u0e00" or not _RUN.match(piece):
            found += word_terms(piece)
        else:
            runs.append(piece)
    return found, simplify("\n".join(runs)).split("\n") if runs else runs


def _folded(text: str) -> str:
    """`text` in NFKC, and marks between clauses as spaces. What needs it is replaced where it stands:
    that, and a check of the rest, costs a fifth of normalising all of a Chinese text.
    """
    if text.isascii():
        return text
    for mark in _MARKS:
        text = text.replace(mark, " ")
    text = _COMPATIBILITY.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def asked(question: str) -> list[frozenset[str]]:
    """What a question asks after, one entry each: the index terms any of which shows it in a passage.

    An English word or part of an identifier stands for itself; a CJK character shows in any of the
    question's pairs it belongs to, so that pairs which merely straddle two words are not missed.
    """
    found: list[frozenset[str]] = []
    for token in _TOKEN.findall(_folded(question)):
        if _RUN.match(token):
            found += run_asked(token)
        else:
            own = [term for term in word_terms(token) if len(term) > 1 or term.isdigit()]
            found += [frozenset([term]) for term in own]
    return list(dict.fromkeys(found))
