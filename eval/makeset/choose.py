"""Which of the possible questions make the set: balanced, unmistakable, and some without an answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import TypeVar

import numpy as np

from eval.makeset.candidates import KINDS, Candidate
from eval.makeset.corpus import Corpus
from rag.text import fold

_Item = TypeVar("_Item")
# Fewer documents than this are too few to take one away.
LEAST_DOCUMENTS = 8
_WITHHELD_SHARE = 0.1
# A kept sentence, or chunk, that holds this share of what is asked may answer it.
_ANSWERING, _ANSWERING_CHUNK = 0.7, 0.8
_CLOSE = 0.5
# Another sentence with this share of the question's terms makes the question ambiguous.
_AMBIGUOUS = 0.9


@dataclass(slots=True)
class Chosen:
    """The questions of a set, the documents it withholds, and why there are fewer than asked for."""

    answerable: list[Candidate] = field(default_factory=list)
    unanswerable: list[Candidate] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    shortfalls: list[str] = field(default_factory=list)


def choose(
    corpus: Corpus, found: Mapping[str, list[Candidate]], questions: int, share: float, seed: int
) -> Chosen:
    """`questions` of the candidates, the `share` of them without an answer in what is not withheld."""
    random = np.random.default_rng(seed)
    shuffled = {path: _better_first(_shuffled(found[path], random)) for path in sorted(found)}
    order = _shuffled(list(shuffled), random)
    result = Chosen()
    wanted = round(questions * share)
    taken: set[str] = set()
    if wanted and len(found) < LEAST_DOCUMENTS:
        result.shortfalls.append(
            f"no unanswerable questions: there are {len(found)} documents, and with fewer than "
            f"{LEAST_DOCUMENTS} none is withheld"
        )
    elif wanted:
        pools = _withhold(corpus, shuffled, order, wanted, result)
        result.unanswerable = _balanced(pools, order, wanted, _Accept(corpus, taken))
        sources = {each.path for each in result.unanswerable}
        families = corpus.families()
        result.withheld = sorted(p for p in result.withheld if sources.intersection(families[p]))
        if (got := len(result.unanswerable)) < wanted:
            result.shortfalls.append(
                f"{got} unanswerable questions instead of {wanted}: no more could be made from the "
                f"{len(result.withheld)} withheld documents that the others do not answer"
            )
    kept = {path: each for path, each in shuffled.items() if path not in result.withheld}
    asked_for = questions - wanted
    result.answerable = _balanced(kept, order, asked_for, _Accept(corpus, taken))
    if (got := len(result.answerable)) < asked_for:
        result.shortfalls.append(
            f"{got} questions with an answer instead of {asked_for}: the files hold no more headings, "
            "definitions and sentences that point to one place alone"
        )
    return result


def _withhold(
    corpus: Corpus,
    found: Mapping[str, list[Candidate]],
    order: Sequence[str],
    wanted: int,
    result: Chosen,
) -> dict[str, list[Candidate]]:
    """Documents taken from the corpus until they give enough near misses, and these, closest first.

    A document goes together with its translations, which would answer in another language. Adds
    what is withheld to `result`.
    """
    families = corpus.families()
    limit = max(ceil(len(found) * _WITHHELD_SHARE), min(map(len, families.values())))
    a_document = max(3, ceil(2 * wanted / limit))
    pools: dict[str, list[Candidate]] = {}
    for path in _alternating(order, corpus.language):
        group = [each for each in families[path] if each not in result.withheld]
        if len(group) != len(families[path]) or len(result.withheld) + len(group) > limit:
            continue
        gone = {*result.withheld, *group}
        misses = {each: _near_misses(corpus, found[each], gone) for each in group}
        if any(misses.values()):
            result.withheld += group
            pools |= misses
        if sum(min(len(each), a_document) for each in pools.values()) >= 2 * wanted:
            break
    return pools


def _near_misses(corpus: Corpus, found: Sequence[Candidate], withheld: set[str]) -> list[Candidate]:
    """Those that nothing kept answers; first those most of whose terms stand in kept documents too."""
    alone = [each for each in found if not _answered(corpus, each, withheld)]
    closeness = {each: corpus.shared(each.asked, withheld) for each in alone}
    return sorted((each for each in alone if closeness[each] > 0), key=lambda each: closeness[each] < _CLOSE)


def _answered(corpus: Corpus, candidate: Candidate, withheld: set[str]) -> bool:
    if corpus.holders(candidate.asked, _ANSWERING, chunk_share=_ANSWERING_CHUNK, leave_out=withheld):
        return True
    term = fold(candidate.term)
    return bool(term) and any(
        term in fold(section.titles[-1])
        for path, sections in corpus.sections.items()
        if path not in withheld
        for section in sections
        if section.titles
    )


@dataclass(slots=True)
class _Accept:
    """Whether a question may join those already taken: not asked before, one answer, one place."""

    corpus: Corpus
    asked: set[str]
    places: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, candidate: Candidate) -> bool:
        words = fold("".join(candidate.question.split()))
        quote = self.corpus.sources[candidate.path].text[candidate.start : candidate.end]
        places = self.places[candidate.path]
        if (
            words in self.asked
            or words == fold("".join(quote.split()))
            or any(start < candidate.end and candidate.start < end for start, end in places)
            or not self.corpus.unique(quote)
            or (candidate.kind == "sentence" and self._ambiguous(candidate))
        ):
            return False
        self.asked.add(words)
        places.append((candidate.start, candidate.end))
        return True

    def _ambiguous(self, candidate: Candidate) -> bool:
        return any(
            path != candidate.path or end <= candidate.start or candidate.end <= start
            for path, start, end in self.corpus.holders(candidate.asked, _AMBIGUOUS, chunk_share=inf)
        )


def _balanced(
    found: Mapping[str, list[Candidate]],
    order: Sequence[str],
    wanted: int,
    accept: Callable[[Candidate], bool],
) -> list[Candidate]:
    """Up to `wanted` accepted candidates: always of the language, kind and document with fewest so far."""
    rank = {path: at for at, path in enumerate(order)}
    pools: dict[tuple[str, str, str], list[Candidate]] = defaultdict(list)
    for candidates in found.values():
        for each in reversed(candidates):
            pools[each.language, each.kind, each.path].append(each)
    had: Counter[tuple[str, ...]] = Counter()
    chosen: list[Candidate] = []
    while pools and len(chosen) < wanted:
        key = min(
            pools,
            key=lambda key: (
                had[key[:1]],
                had[key[:2]],
                had[("", key[2])],
                rank[key[2]],
                KINDS.index(key[1]),
            ),
        )
        candidate = _first(pools, key, accept)
        if candidate is not None:
            chosen.append(candidate)
            had.update([key[:1], key[:2], ("", key[2])])
    return chosen


def _first(
    pools: dict[tuple[str, str, str], list[Candidate]],
    key: tuple[str, str, str],
    accept: Callable[[Candidate], bool],
) -> Candidate | None:
    """The pool's next accepted candidate; a pool that is used up goes."""
    while pools[key]:
        candidate = pools[key].pop()
        if accept(candidate):
            return candidate
    del pools[key]
    return None


def _alternating(order: Sequence[str], language: Callable[[str], str]) -> Iterable[str]:
    """The paths with their languages taking turns."""
    queues: dict[str, list[str]] = defaultdict(list)
    for path in order:
        queues[language(path)].append(path)
    for turn in range(len(order)):
        for spoken in sorted(queues):
            yield from queues[spoken][turn : turn + 1]


def _better_first(shuffled: list[Candidate]) -> list[Candidate]:
    """Those whose score is above their kind's median in the document before the others."""
    scores: dict[str, list[float]] = defaultdict(list)
    for each in shuffled:
        scores[each.kind].append(each.score)
    middle = {kind: sorted(values)[len(values) // 2] for kind, values in scores.items()}
    return sorted(shuffled, key=lambda each: each.score < middle[each.kind])


def _shuffled(items: Sequence[_Item], random: np.random.Generator) -> list[_Item]:
    return [items[at] for at in random.permutation(len(items))]
