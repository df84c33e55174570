"""The one analyser: normalisation, index terms and sentences for English, Chinese and code.

Both sides of the sparse index use `terms`; the extractive generator, the citation check and the
answer measures use `sentences`. Nothing here needs a download or a dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import Stemmer

# Han, Kana and Hangul are written without spaces (or, for Hangul, inflected at the word's end):
# overlapping pairs of characters find them without a dictionary.
_CJK = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0002ebef\U00030000-\U000323af"
)
CJK_CHARACTER = re.compile(f"[{_CJK}]")
# A token is a run of CJK, or a run of letters and digits that may carry marks inside it as
# identifiers, versions and paths do: torch.compile, v0.6.3, CUDA_VISIBLE_DEVICES, state-of-the-art.
_TOKEN = re.compile(rf"[{_CJK}]+|(?:(?![{_CJK}])\w)+(?:['’.\-/:]+(?:(?![{_CJK}])\w)+)*")
_PART = re.compile(rf"(?:(?![{_CJK}_])\w)+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_POSSESSIVE = re.compile(r"['’]s?$")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")

# Function words of English: they match nearly every passage and say nothing about its subject.
# Changes whenever `terms` does: an index made by another analyser is made anew from the record.
VERSION = "1"

STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing don down during each either else few for from
    further had has have having he her here hers herself him himself his how i if in into is it its
    itself just may me might more most must my myself no nor not now of off on once only or other our
    ours ourselves out over own same shall she should so some such than that the their theirs them
    themselves then there these they this those through to too under until up upon us very was we were
    what when where which while who whom whose why will with would you your yours yourself yourselves
    s t d ll m re ve isn aren wasn weren doesn didn don't hasn haven hadn won wouldn shan shouldn
    mustn couldn can't cannot""".split()
)
# The same for Chinese. A pair is dropped only where both of its characters are in here, so that
# no word with a meaning of its own is lost.
_CJK_STOP = frozenset("的了是在和与及或也都就而且着呢吗吧啊之其这那哪个些什么怎如何为谁請请")

_stemmer = Stemmer.Stemmer("english")


def normalise(text: str) -> str:
    """Text as every document is stored: NFC, line feeds only, no control or half characters.

    Applied once, by the loader's caller; character offsets count in what this returns. It is
    idempotent: `normalise(normalise(t)) == normalise(t)`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(character for character in text if _keep(character))
    return unicodedata.normalize("NFC", text)


def _keep(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs")


def fold(text: str) -> str:
    """Full-width forms, ligatures and case folded away: what comparison sees, never what is shown."""
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Snowball's English stem of a lower-case word (Porter 2); other words come back as they are."""
    return str(_stemmer.stemWord(word)) if _WORD.fullmatch(word) else word


def terms(text: str) -> list[str]:
    """Index terms of a passage or a question, in order, repeats kept.

    English words are stemmed and stop words dropped; identifiers, versions and paths are kept whole
    and in parts; a run of CJK characters gives its overlapping pairs (a lone character gives itself).
    """
    return [term for token in _TOKEN.findall(unicodedata.normalize("NFKC", text)) for term in _expand(token)]


def _expand(token: str) -> Iterator[str]:
    if CJK_CHARACTER.match(token):
        yield from _pairs(token)
        return
    token = _POSSESSIVE.sub("", token)
    parts = [piece for part in _PART.findall(token) for piece in _CAMEL.split(part)]
    folded = token.casefold()
    if len(parts) > 1:
        yield folded
    for part in parts:
        word = part.casefold()
        if word not in STOP_WORDS:
            yield stem(word)


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        if run not in _CJK_STOP:
            yield run
        return
    for first, second in pairwise(run):
        if not (first in _CJK_STOP and second in _CJK_STOP):
            yield first + second


# A sentence ends at a Chinese stop, at an English one before a space, or at the end of its line.
# Closing quotes and brackets stay with the sentence they close.
_SENTENCE = re.compile(
    r"""[^\n]+?(?:[。！？；…]+[”’」』）】]*|(?<![A-Z])(?<!\b[A-Za-z]\.[A-Za-z])(?<!\b(?:[Dd]r|[Mm]r|[Ee]g|[Ii]e|vs|cf|al|no|No|St))[.!?]+["'”’)\]]*(?=\s|$)|(?=\n|$))"""
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Character ranges of the sentences of `text`, in order, without surrounding white space."""
    found = []
    for match in _SENTENCE.finditer(text):
        piece = match.group()
        start = match.start() + len(piece) - len(piece.lstrip())
        end = match.start() + len(piece.rstrip())
        if end > start:
            found.append((start, end))
    return found
