"""What the regression gate found: its cases, what had changed beside the figures, and how it is printed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eval.changes import Change
from eval.compare import aligned
from eval.stats import Paired


@dataclass(frozen=True, slots=True)
class Case:
    """One system's measure on one test set, now (a) against the baseline's system `against` (b).

    `p_holm` is corrected over all cases of the verdict. `left_out` are queries that have the measure on
    one side only: both ran, but one gave no answer that could be measured.
    """

    dataset: str
    system: str
    against: str
    measure: str
    paired: Paired
    left_out: int
    p_holm: float
    fell: bool

    @property
    def label(self) -> str:
        """The system: hybrid, or hybrid against sparse."""
        return self.system if self.system == self.against else f"{self.system} against {self.against}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The cases, what changed since the baseline, and what one side has and the other has not."""

    cases: tuple[Case, ...]
    changes: tuple[Change, ...]
    not_compared: tuple[str, ...]
    threshold: float
    alpha: float

    @property
    def fell(self) -> tuple[Case, ...]:
        """The cases that lost more than the threshold, and more than chance explains."""
        return tuple(case for case in self.cases if case.fell)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The test sets compared, in their order."""
        return tuple(dict.fromkeys(case.dataset for case in self.cases))


def verdict_text(verdict: Verdict) -> list[str]:
    """Lines for the terminal: what changed, a table of the cases, one line of conclusion."""
    lines = ["Changed since the baseline:", *(f"  {line}" for line in _changes(verdict))]
    if not verdict.changes:
        lines = ["Changed since the baseline: nothing that is recorded"]
    lines += [f"Not compared: {line}" for line in verdict.not_compared]
    return [*lines, "", *_table(verdict), "", _conclusion(verdict)]


def case_text(case: Case) -> str:
    """A case's figures in one line."""
    numbers = case.paired
    low, high = numbers.interval
    return (
        f"{case.measure} {numbers.mean_b:.4f} -> {numbers.mean_a:.4f}, difference "
        f"{numbers.difference:+.4f} [{low:+.4f}, {high:+.4f}], p {numbers.p:.4f} (Holm {case.p_holm:.4f}), "
        f"{numbers.wins} better, {numbers.ties} equal, {numbers.losses} worse of {numbers.queries} queries"
        f"{_left_out(case)}"
    )


def _changes(verdict: Verdict) -> list[str]:
    """A change that all test sets share is said once, any other with the names of its sets."""
    where: dict[str, list[str]] = {}
    for change in verdict.changes:
        where.setdefault(str(change), []).append(change.dataset)
    everywhere = len(verdict.datasets)
    return [
        line if len(names) == everywhere else f"{', '.join(names)}: {line}" for line, names in where.items()
    ]


def _table(verdict: Verdict) -> list[str]:
    header = (
        "dataset|system|measure|before|now|difference|95 % interval|p|Holm|better|equal|worse|detectable|"
    )
    rows = [header.split("|")]
    for case in verdict.cases:
        numbers = case.paired
        low, high = numbers.interval
        detectable = numbers.minimum_detectable
        rows.append(
            [
                case.dataset,
                case.label,
                case.measure,
                f"{numbers.mean_b:.4f}",
                f"{numbers.mean_a:.4f}",
                f"{numbers.difference:+.4f}",
                f"[{low:+.4f}, {high:+.4f}]",
                f"{numbers.p:.4f}",
                f"{case.p_holm:.4f}",
                *map(str, (numbers.wins, numbers.ties, numbers.losses)),
                "-" if detectable is None else f"{detectable:.4f}",
                ("FELL" if case.fell else "") + _left_out(case),
            ]
        )
    return aligned(rows, left=(0, 1, 2, len(rows[0]) - 1))


def _detectable(numbers: Paired, alpha: float) -> float:
    """Without any difference the least would show; of a few queries nothing ever does: though all lose, two
    of the 2^n ways to swap them are as extreme.
    """
    return math.inf if 2.0 ** (1 - numbers.queries) > alpha else numbers.minimum_detectable or 0.0


def _left_out(case: Case) -> str:
    return f"; left out {case.left_out} measured on one side only" if case.left_out else ""


def _conclusion(verdict: Verdict) -> str:
    rule = f"a loss above {verdict.threshold:g} with Holm's p at most {verdict.alpha:g}"
    alpha = verdict.alpha / max(1, len(verdict.cases))
    blind = sum(_detectable(case.paired, alpha) > verdict.threshold for case in verdict.cases)
    if verdict.fell:
        return f"{len(verdict.fell)} of {len(verdict.cases)} cases fell: {rule}."
    unseen = f"; {blind} of them need a larger loss than that to show: see detectable" if blind else ""
    return f"None of {len(verdict.cases)} cases fell: {rule}{unseen}."
