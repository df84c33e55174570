"""Terms of text that is written in words: English, other languages with spaces, numbers and names of code.

Words are folded in case and accents, stop words dropped, English stemmed. What is written like a name
of code, a version, a path or a number is kept as it stands, and found by its parts too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

from rag.language.characters import UNSPACED

# Function words of English: they match nearly every passage and say nothing about its subject.
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
# Before a hyphen these make one word with what follows: pre-training is pretraining.
_PREFIXES = frozenset(
    """aero anti auto bi co counter cross de dis electro extra hydro hyper hypo inter intra macro magneto
    meta micro mid mis mono multi nano neo non out over para photo poly post pre pseudo quasi radio re
    semi sub super supra tele thermo trans tri ultra un under uni""".split()
)
# 512MB is 512 MB. Units of one letter are left out: 4k, 3D and 2D are names.
_UNITS = (
    "[kmgt]i?b|[kmg]bps|[munμ]s|hrs?|min|[kmg]?hz|[nmckuμ]m|[mkunμ]g|[muμ]l|k?da|[mkg]w|[mk]v|"
    "[mk]?pa|bar|psi|db|px|rpm|fps|[nmpuμ]mol"
)

# Marks belong to the letter before them; in the scripts of India \w does not know them.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_LETTER = rf"(?:[^\W{UNSPACED}]|[{_MARKS}])"
# A word, with the marks inside it that identifiers, versions, paths and compounds carry; the dashes of
# an option; the signs of C++ and C#; a number with separators of thousands.
WORD = (
    rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)|\b[A-Za-z](?:\+\+|\#(?!\w))"
    rf"|(?:(?<![\w-])--)?{_LETTER}+(?:['’.\-/:]+{_LETTER}+)*"
)
_PART = re.compile(rf"(?:(?!_){_LETTER})+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_POSSESSIVE = re.compile(r"['’]s?$")
_ENGLISH = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_COMPOUND = re.compile(
    r"[A-Za-z]+(?:(?:(?:['’]|-+)[A-Za-z]+)+|/[A-Za-z]+)"
)  # two words, or more, and no name
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_VERSION = re.compile(r"(v?)((\d+\.\d+)(?:\.\d+)*)")
_MEASURE = re.compile(rf"(\d+(?:\.\d+)?)({_UNITS})")
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]+")

_stemmer = Stemmer.Stemmer("english")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Snowball's English stem of a lower-case word (Porter 2); other words come back as they are."""
    return str(_stemmer.stemWord(word)) if _ENGLISH.fullmatch(word) else word


@lru_cache(maxsize=200_000)
def word_terms(token: str) -> tuple[str, ...]:
    """Index terms of one token that `WORD` matched, in NFKC: the whole where it is a name, then its parts."""
    if token[-1] in "+#":
        return (token.casefold(),)
    if not token.isascii():
        token = _bare(token)
    token = _POSSESSIVE.sub("", token)
    if _NUMBER.fullmatch(token):
        return (token.replace(",", ""),)
    folded = token.casefold()
    if found := _VERSION.fullmatch(folded):
        return tuple(dict.fromkeys((folded, found[2], found[3])))
    if found := _MEASURE.fullmatch(folded):
        return found[1], found[2]
    option, folded = folded.startswith("--"), folded.removeprefix("--")
    parts = [piece.casefold() for part in _PART.findall(token) for piece in _CAMEL.split(part)]
    if len(parts) > 1 and not option and _COMPOUND.fullmatch(token):
        return _stems(_joined(parts) if "-" in token else parts)
    return (folded, *_stems(parts)) if len(parts) > 1 else _stems(parts)


def _stems(words: list[str]) -> tuple[str, ...]:
    return tuple(stem(word) for word in words if word not in STOP_WORDS)


def _joined(parts: list[str]) -> list[str]:
    """Each prefix together with what follows it, which stays a word of its own as well."""
    following = [*parts[1:], ""]
    return [
        part + after if part in _PREFIXES and after not in STOP_WORDS else part
        for part, after in zip(parts, following, strict=True)
    ]


def _bare(token: str) -> str:
    """Without accents and the like: café is cafe."""
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", token)))
