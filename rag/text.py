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


# Characters that ask or connect and name nothing: no passage has to contain them to be an answer.
_CJK_ASKING = _CJK_STOP | frozenset(
    "谁誰几幾多少哪里裡么麼样樣何吗嗎呢有没沒能可以会會要把被对對从從到于於应應该該需得为為个個们們"
)


def asked(question: str) -> list[frozenset[str]]:
    """What a question asks after, one entry each: the index terms any of which shows it in a passage.

    An English word or part of an identifier stands for itself; a CJK character shows in any of the
    question's pairs it belongs to, so that pairs which merely straddle two words are not missed.
    """
    found: list[frozenset[str]] = []
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", question)):
        if CJK_CHARACTER.match(token):
            found += _characters(token)
        else:
            terms_of = [term for term in _expand(token) if len(term) > 1 or term.isdigit()]
            found += [frozenset([term]) for term in terms_of]
    return list(dict.fromkeys(found))


def _characters(run: str) -> Iterator[frozenset[str]]:
    for at, character in enumerate(run):
        if character not in _CJK_ASKING:
            pairs = {run[max(0, at - 1) : at + 1], run[at : at + 2]}
            yield frozenset(pair for pair in pairs if len(pair) == 2 or len(run) == 1)


# A sentence ends at a Chinese stop or at an English one before white space; closing quotes and
# brackets stay with it. Initials and common abbreviations are no ends.
_END = re.compile(
    r"""[。！？；…]+[”’」』）】]*
    |(?<![A-Z])(?<!\b[A-Za-z]\.[A-Za-z])(?<!\b(?:[DdMm]r|[Ee]g|[Ii]e|vs|cf|al|no|No|St))[.!?]+["'”’)\]*_]*(?=\s|$)""",
    re.VERBOSE,
)
# Lines are units of their own where the next begins a block (heading, list item, table row, fence,
# quotation, admonition) or this one is of a kind that does not run on (heading, table row).
_BLOCK = re.compile(r"\s*(?:[#>|+*:/-]|```|~~~|\d+[.)、]\s|$)")
_ALONE = re.compile(r"\s*(?:#{1,6}\s|\||```|~~~|[:/]{3})")


def sentences(text: str) -> list[tuple[int, int]]:
    """Character ranges of the sentences of `text`, in order, without surrounding white space.

    A line break inside a paragraph does not end a sentence: PDF pages and wrapped Markdown have one
    on every line.
    """
    found = []
    for start, end in _paragraphs(text):
        at = start
        for stop in [match.end() for match in _END.finditer(text, start, end)] + [end]:
            piece = text[at:stop]
            if bare := piece.strip():
                first = at + piece.index(bare)
                found.append((first, first + len(bare)))
            at = stop
    return found


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of lines that run on into each other."""
    start = at = 0
    alone = True
    for line in text.splitlines(keepends=True):
        if at > start and (alone or _BLOCK.match(line)):
            yield start, at
            start = at
        alone = bool(_ALONE.match(line)) or not line.strip()
        at += len(line)
    if at > start:
        yield start, at
