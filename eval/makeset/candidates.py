"""Every question that could be asked of a corpus, each with the quote that answers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eval.makeset.corpus import Corpus, distinct
from rag.calibration import chinese, english
from rag.calibration.prose import Section, Sentence
from rag.prompt import Language
from rag.text import CJK_CHARACTER, fold

Kind: TypeAlias = Literal["heading", "definition", "sentence"]
# The rarest first: a sentence that two kinds could quote goes to it.
KINDS: tuple[Kind, ...] = ("definition", "heading", "sentence")

# The label of a section is how it begins: this many of its sentences, this many characters at most.
_OPENING_SENTENCES, _OPENING_CHARACTERS, _TRIED = 2, 300, 3
_WORDS = {"en": (4, 6), "zh": (3, 4)}
_LONGEST_QUESTION = 110
_LEAST_TERMS = 3
# Two words that stand together name a thing more often than one does.
_LONG = 1.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question whose answer is `text[start:end]` of the document at `path`.

    `asked` are the index terms of what it asks for; `term` is the defined term, else ""; `score` says
    how much its words tell of the document, and compares within one kind only.
    """

    kind: Kind
    language: Language
    question: str
    path: str
    start: int
    end: int
    asked: frozenset[str]
    term: str = ""
    score: float = 0.0


def candidates(corpus: Corpus) -> dict[str, list[Candidate]]:
    """The candidates of each document, in the order of their text."""
    titles = Counter(fold(s.titles[-1]) for found in corpus.sections.values() for s in found if s.titles)
    defined = _defined(corpus)
    finder = chinese.Phrases(
        s.plain for found in corpus.sections.values() for section in found for s in section.sentences
    )
    result = {}
    for path, found in corpus.sections.items():
        made = []
        for section in found:
            if section.titles and titles[fold(section.titles[-1])] == 1:
                made += list(_of_heading(path, section))
            for sentence in section.sentences:
                if sentence.fit:
                    made += list(_of_definition(corpus, defined, path, sentence))
                    made += list(_of_words(corpus, finder, path, sentence))
        result[path] = [each for each in made if len(each.question) <= _LONGEST_QUESTION]
    return result


def _of_heading(path: str, section: Section) -> Iterator[Candidate]:
    opening = _opening(section)
    if opening is None:
        return
    first, last = opening
    title = section.titles[-1]
    parent = next((outer for outer in reversed(section.titles[:-1]) if outer), "")
    ask = chinese.heading_question if first.language == "zh" else english.heading_question
    question = ask(title, parent)
    if question is None or chinese.is_generic(title) or english.is_generic(title):
        return
    own = distinct([title])
    asked = own if len(own) >= 2 else own | distinct([parent])
    if len(asked) >= 2:
        yield Candidate("heading", first.language, question, path, first.start, last.end, asked)


def _opening(section: Section) -> tuple[Sentence, Sentence] | None:
    """The first and last sentence of how the section begins; None where that is no prose."""
    tried = 0
    for paragraph in section.paragraphs:
        for at, sentence in enumerate(paragraph):
            if sentence.fit:
                last = sentence
                for following in paragraph[at + 1 : at + _OPENING_SENTENCES]:
                    if following.fit and following.end - sentence.start <= _OPENING_CHARACTERS:
                        last = following
                return sentence, last
            tried += 1
            if tried == _TRIED:
                return None
    return None


def _defined(corpus: Corpus) -> Counter[str]:
    """How many sentences define each term; what is defined twice has no one answer."""
    found: Counter[str] = Counter()
    for sections in corpus.sections.values():
        for section in sections:
            for sentence in section.sentences:
                if term := _defined_term(sentence):
                    found[fold(term)] += 1
    return found


def _defined_term(sentence: Sentence) -> str | None:
    if sentence.language == "zh":
        return chinese.definition(sentence.plain)
    made = english.definition(sentence.plain)
    return made.term if made else None


def _of_definition(
    corpus: Corpus, defined: Counter[str], path: str, sentence: Sentence
) -> Iterator[Candidate]:
    if sentence.language == "zh":
        term = chinese.definition(sentence.plain)
        question = chinese.definition_question(term) if term else ""
    else:
        made = english.definition(sentence.plain)
        term = made.term if made else None
        question = english.definition_question(made, corpus.words, sentence.code) if made else ""
    if term is not None and defined[fold(term)] == 1 and (asked := distinct([term])):
        place = (path, sentence.start, sentence.end)
        yield Candidate("definition", sentence.language, question, *place, asked, term)


def _of_words(corpus: Corpus, finder: chinese.Phrases, path: str, sentence: Sentence) -> Iterator[Candidate]:
    if sentence.language == "zh":
        found = [] if chinese.leans(sentence.plain) else finder.phrases(sentence.plain, sentence.code)
    else:
        found = [] if english.leans(sentence.plain) else english.phrases(sentence.plain, sentence.code)
    chosen = _telling(corpus, path, list(dict.fromkeys(found)), sentence.language)
    asked = distinct(chosen)
    if chosen and len(asked) >= _LEAST_TERMS:
        place = (path, sentence.start, sentence.end)
        score = corpus.salience(path, " ".join(chosen))
        yield Candidate("sentence", sentence.language, " ".join(chosen), *place, asked, score=score)


def _telling(corpus: Corpus, path: str, found: list[str], language: Language) -> list[str]:
    """The phrases that tell most, in reading order, as many as make a question; [] if there are too few."""
    least, most = _WORDS[language]
    long = [
        len(each.split()) > 1 if language == "en" else len(CJK_CHARACTER.findall(each)) > 2 for each in found
    ]
    weight = [corpus.salience(path, each) * (_LONG if long[at] else 1) for at, each in enumerate(found)]
    chosen: set[int] = set()
    size = 0
    for at in sorted(range(len(found)), key=lambda at: (-weight[at], at)):
        words = len(found[at].split()) if language == "en" else 1
        if size + words <= most and not any(_repeats(found[at], found[other]) for other in chosen):
            chosen.add(at)
            size += words
    if language == "en":
        enough = size >= least and 2 * sum(len(found[at].split()) for at in chosen if long[at]) >= size
    else:
        own = [at for at in chosen if CJK_CHARACTER.match(found[at])]
        enough = size >= least and len(own) >= 2 and any(long[at] for at in chosen)
    return [found[at] for at in sorted(chosen)] if enough else []


def _repeats(phrase: str, other: str) -> bool:
    """Whether one of two phrases says all that the other does."""
    if CJK_CHARACTER.search(phrase):
        return phrase in other or other in phrase
    words, others = set(fold(phrase).split()), set(fold(other).split())
    return words <= others or others <= words
