"""Whether a statement denies what its source affirms, or the other way round.

A denial is known by its word (not, never, 不, 没有) and by the content words near it. Every denial of
the statement needs one in the source about the same words; a denial of the source whose words the
statement says needs one there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rag.text import CJK_CHARACTER, STOP_WORDS, sentences, stem

_ENGLISH = frozenset("not no never cannot without neither nor none nobody nothing nowhere".split())
# Words in which the character denies nothing, and words that deny nothing as a whole.
_NO_DENIAL = re.compile(
    "不[仅僅但同过過断斷久少禁妨惜论論管良错錯得等][^不]?|[无無][论論线線锡錫数數限]|非[常洲但]|未[来來必]|除非|[特区區分性级級个個类類辨]别"
    "|差不多|了不起|对不起|不[列知]颠|要不|莫[斯名扎]|没[收落]|别[墅称的人]|是否|能否|南非|北非|西非|东非"
)
_TOKEN = re.compile(rf"{CJK_CHARACTER.pattern}|[A-Za-z]+(?:['’][A-Za-z]+)?|\d[\d.,]*|[.;:!?。；！？\n，,]")
_CJK_DENIAL = frozenset("不没沒未无無非勿莫别別否")
_STOP = frozenset("的了是在和与及或也都就而且着有这那其之被会會能可要将將，、")
_MOST = 200  # denials of one text that are compared: of more, each with each would take for ever
_NEAR = 5  # content words, or CJK characters, on either side
_BORDERS = frozenset(".;:!?。；！？\n")


@dataclass(frozen=True, slots=True)
class _Denial:
    word: str
    near: frozenset[str]
    next: tuple[str, ...]


def contradicted(statement: str, source: str) -> Iterator[str]:
    """The denials that only one of the two texts has, each as the words it denies.

    A denial of the statement is looked for in that sentence of the source which shares most of the words
    near it: what another sentence denies is something else.
    """
    held = [
        (set(_content(written)), list(islice(_denials(written), _MOST))) for written in _sentences(source)
    ]
    left = [denial for _, denials in held for denial in denials][:_MOST]
    for denial in islice(_denials(statement), _MOST):
        most = max((len(denial.near & words) for words, _ in held), default=0)
        near = [each for words, denials in held if len(denial.near & words) == most for each in denials]
        match = max(
            (each for each in near if each in left),
            key=lambda each: len(denial.near & each.near),
            default=None,
        )
        if match is None or not denial.near & match.near:
            yield " ".join((denial.word, *denial.next))
        else:
            left.remove(match)
    content = set(_content(statement))
    for denial in left:
        if _repeats(content, denial):
            yield " ".join((denial.word, *denial.next))


def _repeats(content: set[str], denial: _Denial) -> bool:
    """Whether what is denied is said: the words after the denial, or all near it where that is one word."""
    wanted = set(denial.next) if len(denial.next) > 1 else denial.near
    return len(wanted) > 1 and content >= wanted


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def _denials(text: str) -> Iterator[_Denial]:
    for clause in _clauses(text):
        content = [word for word, denies in clause if not denies]
        read = 0
        for word, denies in clause:
            if denies:
                before, after = content[max(0, read - _NEAR) : read], content[read : read + _NEAR]
                wanted = 4 if after and CJK_CHARACTER.match(after[0]) else 2
                yield _Denial(word, frozenset(before + after), tuple(after[:wanted]))
            else:
                read += 1


def _content(text: str) -> Iterator[str]:
    return (word for clause in _clauses(text) for word, denies in clause if not denies)


def _clauses(text: str) -> Iterator[list[tuple[str, bool]]]:
    """The content words and denials of each clause."""
    harmless = {at for found in _NO_DENIAL.finditer(text) for at in range(*found.span())}
    clause: list[tuple[str, bool]] = []
    for found in _TOKEN.finditer(text):
        word = found.group().casefold().replace("’", "'")
        if word in _BORDERS:
            yield clause
            clause = []
        elif _denies(word) and found.start() not in harmless:
            clause.append((word, True))
        elif word not in STOP_WORDS and word not in _STOP and word not in "，," and not word.endswith("n't"):
            clause.append((stem(word), False))
    yield clause


def _denies(word: str) -> bool:
    return word in _ENGLISH or word in _CJK_DENIAL or (word.endswith("n't"))
