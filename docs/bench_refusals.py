"""How well calibrated refusals tell right answers from wrong ones, on test sets with known answers.

    python docs/bench_refusals.py SET [SET ...] [--work DIR] [--questions 500] [--seconds 60]

Each set is indexed and calibrated as an ingest would do it: on questions made from its own passages,
never on the set's. Then its questions are asked. "Never refusing" answers everything; "calibrated" from
the confidence on that the calibration promises for the accepted risk. The area under the risk-coverage
curve is given for the calibrated confidence and, from the same answers, for the uncalibrated one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.abstention import Attempt, area_interval, risk_coverage
from eval.datasets import read_test_set
from eval.indexing import prepare
from eval.squad_text import holds
from eval.types import TestSet
from rag.build import build_retriever
from rag.calibration.curve import probability
from rag.calibration.stored import Calibration, Fitted
from rag.config import Settings, load_settings
from rag.generators._calibrated import scored
from rag.models import build_generous, plain_embedder
from rag.recalibrate import recalibrate
from rag.types import Draft

_TRIALS = 1000
_RISKS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class _Told:
    """One question: the calibrated and the uncalibrated confidence, whether its answer is right."""

    confidence: float
    plain: float
    right: bool
    answerable: bool


def main() -> None:
    """Print a table over the sets, and one of what each accepted risk comes to."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-refusals-") as made:
        work = options.work or Path(made)
        rows, risks, curves = [], [], []
        for folder in options.sets:
            test_set = read_test_set(folder)
            settings = load_settings(
                {"index": str(work / test_set.name), "calibration.seconds": options.seconds}
            )
            prepare(test_set, settings, ours=True)
            found = recalibrate(settings)
            if found is None or not found.groups:
                print(
                    f"{test_set.name}: nothing could be calibrated: {found and found.short}", file=sys.stderr
                )
                continue
            told, fitted = _asked(test_set, settings, found, options.questions)
            rows.append(_row(test_set.name, told, fitted, settings.calibration.risk))
            risks += [_at_risk(test_set.name, told, fitted, risk) for risk in _RISKS]
            curves.append(_curve(test_set.name, told))
            print("\n".join([rows[-1], curves[-1], *risks[-len(_RISKS) :]]), file=sys.stderr, flush=True)
    print("\n".join([_HEAD, *rows, "", _CURVE_HEAD, *curves, "", _RISK_HEAD, *risks]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure calibrated refusals.")
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, help="keep the indexes there and use them again")
    parser.add_argument("--seconds", type=float, default=60.0, help="for the calibration of one set")
    parser.add_argument("--questions", type=int, default=500, help="asked of one set, at most")
    return parser.parse_args()


def _asked(
    test_set: TestSet, settings: Settings, found: Calibration, most: int
) -> tuple[list[_Told], Fitted]:
    """Every answer with its confidences, and the group of most questions' calibration."""
    retriever, generous, embedder = (
        build_retriever(settings),
        build_generous(settings),
        plain_embedder(settings),
    )
    groups = {each.group: each for each in found.groups}
    known = [
        each for each in test_set.queries.values() if each.text and (each.answers or not each.answerable)
    ]
    chosen = np.random.default_rng(0).permutation(len(known))[:most]
    told: list[_Told] = []
    used: list[Fitted] = []
    for at in sorted(chosen.tolist()):
        query = known[at]
        hits = retriever.search(query.text, k=settings.retriever.k)
        draft = generous.generate(query.text, retriever.in_context(hits)) if hits else Draft("")
        if draft.quotes:
            group, score = scored(query.text, hits, draft, embedder)
            if group in groups:
                own = groups[group]
                confidence = probability(score, own.slope, own.intercept)
                right = query.answerable and _right(draft, query.answers)
                told.append(_Told(confidence, draft.confidence or 0.0, right, query.answerable))
                used.append(own)
    return told, max(groups.values(), key=used.count)


def _right(draft: Draft, answers: Sequence[str]) -> bool:
    return any(holds(quote, answers) for _, quote in draft.quotes)


_HEAD = (
    "| set | questions | near misses | never refusing: wrong | calibrated: wrong | answered | near misses "
    "answered | area, calibrated | area, before |\n|---|---|---|---|---|---|---|---|---|"
)


def _row(name: str, told: Sequence[_Told], fitted: Fitted, risk: float) -> str:
    made = fitted.threshold(risk)
    given = [each for each in told if made is not None and each.confidence >= made.confidence]
    misses = [each for each in told if not each.answerable]
    missed = [each for each in given if not each.answerable]
    return " | ".join(
        [
            f"| {name}",
            str(len(told)),
            str(len(misses)),
            _with_interval([not each.right for each in told]),
            _with_interval([not each.right for each in given]),
            f"{len(given) / len(told):.3f}",
            f"{len(missed) / len(misses):.3f}" if misses else "-",
            _area([(each.confidence, each.right) for each in told]),
            _area([(each.plain, each.right) for each in told]) + " |",
        ]
    )


_RISK_HEAD = (
    "| set | accepted risk | confidence | made questions: answered | wrong | bound | the set's: answered | "
    "wrong |\n|---|---|---|---|---|---|---|---|"
)


def _at_risk(name: str, told: Sequence[_Told], fitted: Fitted, risk: float) -> str:
    made = fitted.promise(risk)
    if made is None:
        return f"| {name} | {risk:.2f} | nothing promised | | | | | |"
    given = [each for each in told if each.confidence >= made.confidence]
    wrong = sum(not each.right for each in given) / len(given) if given else 0.0
    return (
        f"| {name} | {risk:.2f} | {made.confidence:.2f} | {made.coverage:.2f} | {made.risk:.3f} | "
        f"{made.upper:.3f} | {len(given) / len(told):.3f} | {wrong:.3f} |"
    )


_CURVE_HEAD = (
    "| set, wrong at coverage | .1 | .2 | .3 | .4 | .6 | .8 | 1 |\n|---|---|---|---|---|---|---|---|"
)


def _curve(name: str, told: Sequence[_Told]) -> str:
    ranked = sorted(told, key=lambda each: -each.confidence)
    risks = []
    for coverage in (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0):
        given = ranked[: max(1, round(coverage * len(ranked)))]
        risks.append(f"{sum(not each.right for each in given) / len(given):.3f}")
    return f"| {name} | {' | '.join(risks)} |"


def _with_interval(wrong: Sequence[bool]) -> str:
    if not wrong:
        return "-"
    draws = np.random.default_rng(0).choice(np.array(wrong, dtype=float), (_TRIALS, len(wrong))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{sum(wrong) / len(wrong):.3f} [{low:.3f}, {high:.3f}]"


def _area(pairs: Sequence[tuple[float, bool]]) -> str:
    """Area under the risk-coverage curve with its 95 % bootstrap interval over the questions."""
    attempts = [Attempt(*each) for each in pairs]
    curve = risk_coverage(attempts, len(attempts))
    low, high = area_interval(attempts, seed=0, trials=_TRIALS)
    return f"{curve['area'] if curve else 0.0:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
