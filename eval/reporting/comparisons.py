"""Two systems against each other: the verdict in words, the figures behind it, the questions lost most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from eval.reporting.tables import Evaluation
from eval.reporting.words import ABSENT, decimal, interval, known, measure_name, probability, signed

Verdict: TypeAlias = Literal["better", "worse", "no difference shown"]
ALPHA = 0.05
HEADLINE = "ndcg@10"


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one system found for a question: (id, whether it is relevant), best first."""

    system: str
    value: str
    results: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Loser:
    """A question on which the first system does worse; `missed`: relevant, listed by neither."""

    query: str
    text: str
    rankings: tuple[Ranking, Ranking]
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first system, `a`, against the second; every figure as written."""

    a: str
    b: str
    measure: str
    verdict: Verdict
    means: tuple[str, str]
    difference: str
    interval: str
    p: str
    p_holm: str
    counts: str
    minimum_detectable: str
    losers: tuple[Loser, ...]

    @property
    def sentence(self) -> str:
        """The verdict in plain words."""
        if self.verdict == "no difference shown":
            return f"no difference shown between {self.a} and {self.b}"
        return f"{self.a} is {self.verdict} than {self.b}"


def comparisons(evaluation: Evaluation) -> list[Comparison]:
    """The comparisons of an evaluation, in their order."""
    alpha = evaluation.get("alpha", ALPHA)
    return [_comparison(found, alpha) for found in evaluation.get("comparisons") or ()]


def verdict(found: Mapping[str, Any], alpha: float) -> Verdict:
    """Better or worse where the p value, corrected for the number of comparisons, is at most alpha."""
    p = found.get("p") if found.get("p_holm") is None else found.get("p_holm")
    difference = found.get("difference")
    if p is None or not known(p) or not known(difference) or p > alpha or not difference:
        return "no difference shown"
    return "better" if difference is not None and difference > 0 else "worse"


def below_best(evaluation: Evaluation, measure: str = HEADLINE) -> frozenset[str]:
    """The systems that a comparison shows to be worse than the one with the highest mean."""
    means = {name: values.get(measure) for name, values in (evaluation.get("modes") or {}).items()}
    shown = {name: value for name, value in means.items() if value is not None and known(value)}
    if not shown:
        return frozenset()
    best = max(shown, key=lambda name: shown[name])
    alpha = evaluation.get("alpha", ALPHA)
    worse = set()
    for found in evaluation.get("comparisons") or ():
        said = verdict(found, alpha) if found.get("measure") == measure else "no difference shown"
        if said == "worse" and found.get("b") == best:
            worse.add(found["a"])
        if said == "better" and found.get("a") == best:
            worse.add(found["b"])
    return frozenset(worse)


def _comparison(found: Mapping[str, Any], alpha: float) -> Comparison:
    counts = [found.get(key) for key in ("wins", "ties", "losses")]
    return Comparison(
        a=str(found.get("a", "")),
        b=str(found.get("b", "")),
        measure=measure_name(str(found.get("measure", ""))),
        verdict=verdict(found, alpha),
        means=(decimal(found.get("mean_a")), decimal(found.get("mean_b"))),
        difference=signed(found.get("difference")),
        interval=interval(found.get("interval"), sign=True),
        p=probability(found.get("p")),
        p_holm=probability(found.get("p_holm")),
        counts=" / ".join(decimal(count, 0) for count in counts) if any(map(known, counts)) else ABSENT,
        minimum_detectable=decimal(found.get("minimum_detectable")),
        losers=tuple(_loser(found, lost) for lost in found.get("losers") or ()),
    )


def _loser(found: Mapping[str, Any], lost: Mapping[str, Any]) -> Loser:
    relevant = [str(each) for each in lost.get("relevant") or ()]
    a, b = (
        Ranking(
            str(found.get(side, "")), decimal(lost.get(side)), _marked(lost.get(f"{side}_results"), relevant)
        )
        for side in ("a", "b")
    )
    listed = {each for ranking in (a, b) for each, _ in ranking.results}
    missed = tuple(each for each in relevant if each not in listed)
    return Loser(str(lost.get("query", "")), str(lost.get("text") or ""), (a, b), missed)


def _marked(results: Sequence[Any] | None, relevant: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    return tuple((str(each), str(each) in relevant) for each in results or ())
