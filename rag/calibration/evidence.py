"""What speaks for an answer's standing in its quotes, as a few numbers, and their weighted sum.

The features are old ones (Rajpurkar, Jia and Liang, ACL 2018, on what makes a question unanswerable; the
idf is Lucene's): is all of the question there, are its names and numbers, does one sentence hold it,
does the quote deny what the question does not, does it bring the kind of words asked for, and do both
legs of the search agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import TypeAlias

from rag import text
from rag.facts.expected import brings, expected
from rag.prompt import Language
from rag.types import Hit

# The language of a question, and whether the dense leg took part: each group has weights of its own.
Group: TypeAlias = tuple[Language, bool]
Quote: TypeAlias = tuple[int, str]  # marker, text

VERSION = "2"  # changes whenever the features or their weights do: calibrations of another are not used
# Fitted by maximum likelihood, each weight held to the sign it must have, on SciFact's training claims
# (with their documents, without them, and with a phrase swapped or denied) and on questions made from
# passages of an encyclopedia as `rag.calibration.questions` makes them; then rounded. Fitted without
# vectors, Chinese training questions of DRCD give weights like the English ones, names aside.
WEIGHTS = (1.4, 0.25, -0.5, -0.4, 0.3, -1.9, 1.6, 0.2, 0.5, 1.4)
_MOST_MISSING = 3.0
_NUMBER = re.compile(r"\d[\d,.]*")
# Abbreviations are no names: people write them out, or use them where the documents write them out.
_NAME = re.compile(r"(?<![\w'’-])[A-Z][a-z]+(?![\w-])")
_DENIAL = re.compile(
    r"\b(?:not|never|no|without|cannot|neither|nor|none)\b|n['’]t\b|[不没沒未無无]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`quoted` and `around`: the share of the question's terms, by idf, that the first quote shows, and
    that some quote shows with the sentences beside it. `names` and `numbers` of the question that are
    missing there and in the passage, up to three. `kind`: 1 or -1 where the first quote brings, or not,
    the kind of words asked for, else 0. `denied`: 1 where only the question denies. `ranked` and
    `strength`: 1 / rank of its passage in the sparse leg, and ln(1 + score). `agreed` and `near`: 1 / rank
    of its passage in the dense leg, and the cosine of question and quote; 0 without that leg.
    """

    quoted: float
    around: float
    names: float
    numbers: float
    kind: float
    denied: float
    ranked: float
    strength: float
    agreed: float
    near: float


def evidence(question: str, hits: Sequence[Hit], quotes: Sequence[Quote], near: float) -> Evidence:
    """The evidence for an answer that quotes `hits`, best quote first; there must be a quote.

    `near` is the cosine of question and first quote, 0 where the dense leg took no part.
    """
    asked = text.asked(question) or [frozenset([term]) for term in text.terms(question)]
    pieces = [hit.chunk.text[a:b] for hit in hits for a, b in text.sentences(hit.chunk.text)]
    rarity = _rarity(asked, [frozenset(text.terms(piece)) for piece in pieces])
    beside = [frozenset(text.terms(_beside(hits[marker - 1], quote))) for marker, quote in quotes]
    marker, first = quotes[0]
    kind = expected(question)
    cited = hits[marker - 1]
    numbers = {each.strip(".,") for each in _NUMBER.findall(question)}
    dense = cited.dense if near else None
    return Evidence(
        quoted=_share(asked, rarity, frozenset(text.terms(first))),
        around=max(_share(asked, rarity, own) for own in beside),
        names=_counted(term not in beside[0] for term in _names(question)),
        numbers=_counted(each not in cited.chunk.indexed_text for each in numbers),
        kind=0.0 if kind is None else 1.0 if brings(kind, first, question) else -1.0,
        denied=float(bool(_DENIAL.search(question)) and not _DENIAL.search(first)),
        ranked=1 / cited.sparse.rank if cited.sparse is not None else 0.0,
        strength=math.log1p(max(0.0, cited.sparse.score)) if cited.sparse is not None else 0.0,
        agreed=1 / dense.rank if dense is not None else 0.0,
        near=near,
    )


def score(found: Evidence) -> float:
    """The weighted sum of the evidence; scores compare within one group of questions only."""
    return math.fsum(weight * value for weight, value in zip(WEIGHTS, astuple(found), strict=True))


def _counted(missing: Iterable[bool]) -> float:
    return min(_MOST_MISSING, float(sum(missing)))


def _rarity(asked: Sequence[frozenset[str]], pieces: Sequence[frozenset[str]]) -> list[float]:
    counts = [sum(not each.isdisjoint(piece) for piece in pieces) for each in asked]
    return [math.log(1 + (len(pieces) - count + 0.5) / (count + 0.5)) for count in counts]


def _share(asked: Sequence[frozenset[str]], rarity: Sequence[float], held: frozenset[str]) -> float:
    total = math.fsum(rarity)
    shown = math.fsum(weight for each, weight in zip(asked, rarity, strict=True) if not each.isdisjoint(held))
    return shown / total if total else 0.0


def _beside(hit: Hit, quote: str) -> str:
    """The quote with the sentences next to it and the passage's headings."""
    passage = hit.chunk.text
    start = max(0, passage.find(quote))
    end = start + len(quote)
    places = text.sentences(passage)
    before = [place for place in places if place[1] <= start][-1:]
    after = [place for place in places if place[0] >= end][:1]
    return "\n".join(
        [*hit.chunk.heading, *(passage[a:b] for a, b in before), quote, *(passage[a:b] for a, b in after)]
    )


def _names(question: str) -> set[str]:
    """Terms of the words with a capital, the first word aside: it always has one."""
    found = [each.group() for each in _NAME.finditer(question) if each.start()]
    return {term for word in found if word.casefold() not in text.STOP_WORDS for term in text.terms(word)}
