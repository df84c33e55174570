"""Questions made from the documents themselves: known items, and near misses that nothing answers.

A known item asks after one thing that a sentence says, in some of its other words; a share of these is
replaced by other words, for people do not ask in the documents' own. A near miss is one of three: the
same question while its document is withheld; one in which a name or phrase was swapped for another of
the documents; one that denies what its sentence affirms, or the other way round. So annotators wrote
unanswerable questions (Rajpurkar, Jia and Liang, "Know What You Don't Know", ACL 2018, table 2), as far
as that can be done without a language model.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from rag.calibration import chinese, english
from rag.calibration.prose import Sentence, Source, sections
from rag.prompt import Language

Kind: TypeAlias = Literal["known", "withheld", "swapped", "denied"]
KINDS: tuple[Kind, ...] = ("known", "withheld", "swapped", "denied")

# The share of a known item's phrases that are replaced by other words.
OTHER_WORDS: Mapping[Language, float] = {"en": 0.35, "zh": 0.3}
_PHRASES = (3, 6)  # of one question
_A_DOCUMENT = 20  # sentences of one document that are asked after, at most
_CAPITAL = re.compile(r"[A-Z]")
_DATE = re.compile(r"\b(?:1\d{3}|20\d{2})\b|\d年")
_FIGURES = re.compile(r"(?<![\w.,-])\d{1,4}(?![\w.,-]*\d)")
_DENIAL = {"en": re.compile(r"\b(?:not|never|no|cannot|without)\b|n't\b"), "zh": re.compile("不|没|未|無|无")}
_ASK: Mapping[Language, Mapping[str, str]] = {
    "en": {"date": "When", "number": "How many", "name": "Who", "thing": "What"},
    "zh": {"date": "是哪一年", "number": "有多少", "name": "是谁", "thing": "是什么"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question made from `text[start:end]` of a document, which answers it if it is a known item."""

    kind: Kind
    language: Language
    text: str
    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Item:
    """A sentence that can be asked after: its phrases without the one that is asked for."""

    document: str
    sentence: Sentence
    phrases: tuple[str, ...]
    wanted: str
    number: str


def questions(sources: Sequence[Source], items: int, seed: int = 0) -> list[Asked]:
    """Up to `items` known items of each language and as many near misses, a third of each kind.

    Sentences are drawn evenly from the documents. A function of its arguments alone.
    """
    chance = np.random.default_rng(seed)
    found: dict[Language, list[_Item]] = {}
    for item in _items(sources, chance):
        found.setdefault(item.sentence.language, []).append(item)
    made: list[Asked] = []
    for spoken in sorted(found):
        pool = found[spoken]
        for at, item in enumerate(_evenly(pool, items)):
            made.append(_asked("known", item, pool, chance))
            made.append(_asked(KINDS[1 + at % 3], item, pool, chance))
    return made


def _items(sources: Sequence[Source], chance: np.random.Generator) -> Iterator[_Item]:
    read = [(source, [s for section in sections(source) for s in section.sentences]) for source in sources]
    finder = chinese.Phrases(s.plain for _, own in read for s in own if s.language == "zh")
    for source, own in read:
        for sentence in own:
            if not sentence.fit or _leans(sentence):
                continue
            phrases = _phrases(sentence, finder)
            wanted, left = _wanted(sentence, phrases, chance)
            if len(left) >= _PHRASES[0]:
                numbers = _FIGURES.findall(sentence.plain)
                # One that is not asked for is part of the question.
                number = numbers[-1] if len(numbers) > 1 else ""
                yield _Item(source.path, sentence, left, wanted, number)


def _leans(sentence: Sentence) -> bool:
    return chinese.leans(sentence.plain) if sentence.language == "zh" else english.leans(sentence.plain)


def _phrases(sentence: Sentence, finder: chinese.Phrases) -> list[str]:
    find = finder.phrases if sentence.language == "zh" else english.phrases
    return list(dict.fromkeys(find(sentence.plain, sentence.code)))


def _wanted(
    sentence: Sentence, phrases: Sequence[str], chance: np.random.Generator
) -> tuple[str, tuple[str, ...]]:
    """What kind of thing is asked for, and the phrases that do not tell it."""
    if _DATE.search(sentence.plain):
        return "date", tuple(phrases)
    if _FIGURES.search(sentence.plain):
        return "number", tuple(phrases)
    if not phrases:
        return "thing", ()
    names = [at for at, each in enumerate(phrases) if at and _CAPITAL.match(each)]
    at = int(chance.choice(names)) if names else int(chance.integers(len(phrases)))
    return "name" if names else "thing", (*phrases[:at], *phrases[at + 1 :])


def _evenly(pool: Sequence[_Item], wanted: int) -> list[_Item]:
    """Items of each document in turn."""
    by_document: dict[str, list[_Item]] = defaultdict(list)
    for item in pool:
        by_document[item.document].append(item)
    turns = [own[turn] for turn in range(_A_DOCUMENT) for own in by_document.values() if turn < len(own)]
    return turns[:wanted]


def _asked(kind: Kind, item: _Item, pool: Sequence[_Item], chance: np.random.Generator) -> Asked:
    spoken = item.sentence.language
    size = min(len(item.phrases), int(chance.integers(_PHRASES[0], _PHRASES[1] + 1)))
    kept = sorted(chance.choice(len(item.phrases), size, replace=False).tolist())
    phrases = [item.phrases[at] for at in kept]
    number = item.number if chance.random() < 0.5 else ""
    if kind == "swapped" and number:
        number = str(int(number) + int(chance.integers(1, 20)))
    elif kind == "swapped":
        _swap(phrases, item, pool, chance)
    for at, phrase in enumerate(phrases):
        if not _CAPITAL.match(phrase) and chance.random() < OTHER_WORDS[spoken]:
            phrases[at] = _other(phrase, pool, chance)
    phrases += [number] if number else []
    denied = bool(_DENIAL[spoken].search(item.sentence.plain)) != (kind == "denied")
    written = _written(spoken, phrases, item.wanted, denied=denied)
    place = (item.document, item.sentence.start, item.sentence.end)
    return Asked(kind, spoken, written, *place)


def _swap(phrases: list[str], item: _Item, pool: Sequence[_Item], chance: np.random.Generator) -> None:
    """Put a phrase of another sentence, of the same document if that has one, in the place of one."""
    names = [at for at, each in enumerate(phrases) if _CAPITAL.match(each)]
    at = int(chance.choice(names)) if names else int(chance.integers(len(phrases)))
    near = [each for each in pool if each.document == item.document and each is not item]
    for others in (near, pool):
        shaped = [
            phrase
            for other in others
            for phrase in other.phrases
            if bool(_CAPITAL.match(phrase)) == bool(names) and phrase not in item.sentence.plain
        ]
        if shaped:
            phrases[at] = shaped[int(chance.integers(len(shaped)))]
            return


def _other(phrase: str, pool: Sequence[_Item], chance: np.random.Generator) -> str:
    """A common phrase from anywhere."""
    for _ in range(8):
        other = pool[int(chance.integers(len(pool)))].phrases
        found = other[int(chance.integers(len(other)))]
        if not _CAPITAL.match(found):
            return found
    return phrase


def _written(spoken: Language, phrases: Sequence[str], wanted: str, *, denied: bool) -> str:
    ask = _ASK[spoken][wanted]
    if spoken == "zh":
        return f"{'，'.join(phrases)}{'没有' if denied else ''}{ask}？"
    return f"{ask} {'not ' if denied else ''}{', '.join(phrases)}?"
