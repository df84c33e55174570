"""The regression gate: did a system get worse than a stored baseline says it was?

A case is one system's measure on one test set. It falls only if its mean loss exceeds a threshold and
the paired randomisation test, corrected by Holm over all cases, says that chance does not explain it.
Everything but the test set may differ between the two: those differences are what is judged, and listed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from eval.changes import Change, changes
from eval.stats import Paired, corrected, paired
from eval.verdict import Case, Verdict
from rag.errors import SettingError

_ANSWER = "answer"  # where a query's row keeps the measures of its answer
_NOT_QUALITY = ("answered", "quotes", "quote_characters", "confidence")  # fewer or less is not worse
_ROUNDING = 1e-12
_ANEW = "to go on from here, save a new baseline with --save-baseline"

_Evaluation: TypeAlias = Mapping[str, Any]
_Rows: TypeAlias = Mapping[str, Mapping[str, float]]  # {query: {measure: value}}


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A case before Holm's correction, which needs all of them."""

    dataset: str
    system: str
    against: str
    measure: str
    paired: Paired
    left_out: int


@dataclass(slots=True)
class _Found:
    """What the test sets add up to."""

    numbers: list[_Numbers] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)
    measures: dict[str, None] = field(default_factory=dict)  # those that could have been asked for


@dataclass(frozen=True, slots=True)
class _Test:
    """How a case is tested."""

    alpha: float
    trials: int
    seed: int


def judge(
    now: Sequence[_Evaluation],
    before: Sequence[_Evaluation],
    *,
    threshold: float,
    alpha: float,
    trials: int,
    seed: int,
) -> Verdict:
    """Judge evaluations with "per_query" against a baseline's, each by its own "measures"; `threshold` is
    in the measures' units. With no real loss, at most alpha / 2 of such verdicts fall: the test is
    two-sided and a gain never falls.

    Systems are compared by equal names; if both sides have just one, these two whatever their names.
    Raises SettingError where the two cannot be compared: a test set changed or is not in the baseline, no
    system is in both, the sides have different queries, a measure is not among their figures, or so few
    trials that nothing could ever fall; and ValueError for no evaluation or no measure.
    """
    measures = list(dict.fromkeys(name for each in now for name in each["measures"]))
    if not measures:
        raise ValueError("there is nothing to judge")
    found = _Found()
    test = _Test(alpha, trials, seed)
    for evaluation in now:
        stored = counterpart(evaluation["dataset"], evaluation["digest"], before)
        _compare(evaluation, stored, test, found)
    for name in measures:
        if all(numbers.measure != name for numbers in found.numbers):
            valid = ", ".join(found.measures)
            raise SettingError(f"--measure {name}: not among the figures compared; valid: {valid}")
    measured = {evaluation["dataset"] for evaluation in now}
    found.not_compared += [
        f"{each['dataset']}: only in the baseline" for each in before if each["dataset"] not in measured
    ]
    if len(found.numbers) / (trials + 1) > alpha:
        least = math.ceil(len(found.numbers) / alpha)
        raise SettingError(
            f"--trials {trials}: too few to tell {len(found.numbers)} cases apart; take {least}"
        )
    cases = _corrected(found.numbers, threshold, alpha)
    return Verdict(cases, tuple(found.changes), tuple(found.not_compared), threshold, alpha)


def _compare(now: _Evaluation, before: _Evaluation, test: _Test, found: _Found) -> None:
    """Add one test set's cases to `found`."""
    dataset = now["dataset"]
    systems = _systems(now, before)
    found.changes += changes(dataset, now, before, systems)
    sides = [("only now", now, 0), ("only in the baseline", before, 1)]
    found.not_compared += [
        f"{dataset}: {name}, {where}"
        for where, side, place in sides
        for name in side["per_query"]
        if name not in {pair[place] for pair in systems}
    ]
    for system, against in systems:
        ours, theirs = _figures(now["per_query"][system]), _figures(before["per_query"][against])
        _check_queries(dataset, now["per_query"][system], before["per_query"][against])
        found.measures |= dict.fromkeys(name for row in ours.values() for name in row)
        for measure in dict.fromkeys(now["measures"]):
            numbers = _numbers((dataset, system, against, measure), ours, theirs, test)
            if numbers is None:
                found.not_compared.append(f"{dataset}: {system} has no {measure}")
            else:
                found.numbers.append(numbers)


def _numbers(case: tuple[str, str, str, str], ours: _Rows, theirs: _Rows, test: _Test) -> _Numbers | None:
    """None where neither side has the measure; one side that lacks it would hide a loss."""
    dataset, system, _, measure = case
    here, there = (
        {query: row[measure] for query, row in rows.items() if measure in row} for rows in (ours, theirs)
    )
    if not here and not there:
        return None
    queries = sorted(here.keys() & there.keys())
    if not queries:
        lacks = "this run" if not here else "the baseline" if not there else "either side for the same query"
        raise SettingError(f"{dataset}: {measure} of {system} is not known in {lacks}; {_ANEW}")
    numbers = paired(
        [here[query] for query in queries],
        [there[query] for query in queries],
        seed=test.seed,
        trials=test.trials,
        alpha=test.alpha,
    )
    return _Numbers(*case, numbers, left_out=len(here.keys() ^ there.keys()))


def _corrected(found: Sequence[_Numbers], threshold: float, alpha: float) -> tuple[Case, ...]:
    tested = corrected([each.paired for each in found], alpha)
    return tuple(
        Case(
            dataset=each.dataset,
            system=each.system,
            against=each.against,
            measure=each.measure,
            paired=numbers,
            left_out=each.left_out,
            p_holm=p,
            fell=-numbers.difference > threshold + _ROUNDING and p <= alpha,
        )
        for each, (numbers, p) in zip(found, tested, strict=True)
    )


def counterpart(name: str, digest: str, before: Sequence[_Evaluation]) -> _Evaluation:
    """The baseline of the same test set, down to its content. Raises SettingError if there is none."""
    stored = [each for each in before if each["dataset"] == name]
    if not stored:
        known = ", ".join(each["dataset"] for each in before)
        raise SettingError(f"the test set {name} is not in the baseline, which holds {known}; {_ANEW}")
    if len(stored) > 1:
        raise SettingError(f"the test set {name} is in the baseline more than once; {_ANEW}")
    if stored[0]["digest"] != digest:
        raise SettingError(
            f"the test set {name} has changed since the baseline was made, so the two cannot be compared "
            f"(digest {stored[0]['digest'][:12]}, now {digest[:12]}); {_ANEW}"
        )
    return stored[0]


def _systems(now: _Evaluation, before: _Evaluation) -> list[tuple[str, str]]:
    """(name now, name before) of what is compared."""
    ours, theirs = list(now["per_query"]), list(before["per_query"])
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    if shared := [(name, name) for name in ours if name in theirs]:
        return shared
    raise SettingError(
        f"{now['dataset']}: no system is in both: now {', '.join(ours)}, in the baseline "
        f"{', '.join(theirs)}; measure one of these, or a single one on both sides"
    )


def _check_queries(dataset: str, ours: _Evaluation, theirs: _Evaluation) -> None:
    """Both sides were judged on the same queries; those that were only asked for an answer are free."""
    here, there = ({query for query, row in rows.items() if _quality(row)} for rows in (ours, theirs))
    if lone := sorted(here ^ there):
        side = "this run" if lone[0] in here else "the baseline"
        raise SettingError(
            f"{dataset}: the sides were not judged on the same queries though the digest is the same: "
            f"{lone[0]!r} only in {side} ({len(lone)} such); {_ANEW}"
        )


def _figures(rows: _Evaluation) -> dict[str, dict[str, float]]:
    """Every query's measures, of what was retrieved and of the answer alike."""
    return {query: {**_quality(row.get(_ANSWER)), **_quality(row)} for query, row in rows.items()}


def _quality(row: Any) -> dict[str, float]:
    """The entries that are measures: finite numbers of which more is better."""
    if not isinstance(row, Mapping):
        return {}
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not name.endswith("_ms") and name not in _NOT_QUALITY
    }
