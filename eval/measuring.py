"""Measures a test set under every system asked for: indexes if need be, queries, asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.cost import forget_peak, peak_mb
from eval.formats.trec import check_run, read_run
from eval.indexing import Indexed
from eval.judgements import Judgements, judgements, of_passages
from eval.metrics import MEASURES
from eval.progress import say
from eval.runner import run_mode
from eval.systems import System
from eval.types import PassageSet, Run, SpanSet, TestSet
from eval.workspace import Workspace
from rag.errors import SettingError


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure and how to judge it. `runs` are TREC run files by the name they are given.

    `measures` are those that systems are compared by, none for the usual one of each kind of test set;
    `answers` says whether questions are asked too.
    """

    systems: Sequence[System]
    runs: Mapping[str, Path]
    measures: Sequence[str]
    answers: bool
    seed: int
    trials: int
    alpha: float

    def measures_of(self, test_set: TestSet) -> Sequence[str]:
        """What decides: unless said otherwise nDCG@10, or for labelled files the share of the labelled
        words in the first 1,000 tokens, whose meaning does not depend on how files are cut.
        """
        return self.measures or ["ndcg@10" if isinstance(test_set, PassageSet) else "span_recall@1000t"]


@dataclass(slots=True)
class Measured:
    """One system's results on one test set; `facts` say what was measured and what it cost."""

    judged: Judgements
    run: Run
    values: Mapping[str, Mapping[str, float]]
    facts: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] | None = None
    answer_values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confidences: Mapping[str, float | None] = field(default_factory=dict)


def measure(test_set: TestSet, plan: Plan, workspace: Workspace) -> dict[str, Measured]:
    """Every system's results by its name, run files last."""
    found = {system.name: _measure(test_set, system, plan, workspace) for system in plan.systems}
    judged = next((each.judged for each in found.values()), None)
    return found | {name: _foreign(test_set, path, judged) for name, path in plan.runs.items()}


def check_runs(test_set: TestSet, plan: Plan) -> None:
    """Read the run files before any work is done. Raises DocumentError naming file and line, and
    SettingError for a run over files that nothing else reads.
    """
    for path in plan.runs.values():
        if not plan.systems and not isinstance(test_set, PassageSet):
            raise SettingError(f"--run {path}: {test_set.name} is labelled by quotes; add --mode sparse")
        check_run(read_run(path), test_set, path)


def check_questions(test_set: TestSet, plan: Plan) -> None:
    """Raises SettingError for a question that could not be asked, naming it."""
    limit = min((system.settings.question_limit for system in plan.systems), default=0)
    for name, query in test_set.queries.items() if plan.answers else ():
        labelled = isinstance(test_set, SpanSet) and name in test_set.labels
        if len(query.text) > limit and (labelled or query.answers or not query.answerable):
            raise SettingError(
                f"{test_set.name}: the question {name!r} has {len(query.text)} characters, question_limit is "
                f"{limit}; raise it with --set question_limit={len(query.text)}, or take --no-answers"
            )


def _measure(test_set: TestSet, system: System, plan: Plan, workspace: Workspace) -> Measured:
    """Index if need be, then put every query and, where answers are known, every question."""
    from rag.build import build_retriever

    settings, indexed = workspace.indexed(test_set, system.settings)
    system = System(system.name, system.mode, settings, system.chosen)
    judged = judgements(test_set, settings)
    retriever = build_retriever(settings)
    forget_peak()
    whole = isinstance(test_set, PassageSet)
    with workspace.journal("queries", test_set, system, retriever.generation) as journal:
        run = run_mode(
            retriever,
            judged.queries,
            system.mode,
            depth=settings.retriever.depth,
            whole_documents=whole,
            journal=journal,
        )
    facts = {
        "mode": system.mode,
        "set": dict(system.chosen),
        "generation": retriever.generation,
        "embedder": retriever.embedder.fingerprint,
        "device": retriever.embedder.device,
        **_cost(indexed),
    }
    facts["peak_mb"] = round(peak_mb(), 1)
    run = judged.by_chunk(run)
    found = Measured(judged, run, judged.values(run), facts)
    if plan.answers and system.mode == _answering_mode(plan):
        _ask(test_set, system, found, plan, workspace)
    return found


def _ask(test_set: TestSet, system: System, found: Measured, plan: Plan, workspace: Workspace) -> None:
    from eval.answering import calibrated, measure_answers, questions_with_known_truth

    if not questions_with_known_truth(test_set, found.judged):
        return
    system, calibration = calibrated(system)
    with workspace.journal("answers", test_set, system, found.facts["generation"]) as journal:
        answered = measure_answers(
            test_set, found.judged, system, journal, seed=plan.seed, trials=plan.trials
        )
    found.answers, found.answer_values, found.confidences = answered
    if calibration is not None:
        found.answers["calibration"] = calibration


def _answering_mode(plan: Plan) -> str:
    """Answers are measured in one mode: hybrid, or the last one asked for."""
    modes = [system.mode for system in plan.systems]
    return "hybrid" if "hybrid" in modes else modes[-1]


def _cost(indexed: Indexed) -> dict[str, Any]:
    seconds = indexed.seconds
    return {
        "documents": indexed.documents,
        "empty_documents": indexed.empty,
        "failed": list(indexed.failed),
        "chunks": indexed.chunks,
        "index_seconds": seconds,
        "chunks_per_second": round(indexed.chunks / seconds, 1) if seconds else None,
        "index_peak_mb": None if indexed.peak_mb is None else round(indexed.peak_mb, 1),
        "index_bytes": indexed.bytes,
        "bytes_per_chunk": round(indexed.bytes / indexed.chunks, 1) if indexed.chunks else None,
    }


def _foreign(test_set: TestSet, path: Path, judged: Judgements | None) -> Measured:
    """A ranking that another system made; what is right in files is known once they have been read.

    Of a system that cuts them in another way the text that it found can be measured, and no ranks of chunks.
    """
    if judged is None:
        assert isinstance(test_set, PassageSet)  # noqa: S101 - see check_runs
        judged = of_passages(test_set)
    run = read_run(path)
    values = judged.values(run)
    if not judged.ranks(run):
        say(f"{path}: cuts the files of {test_set.name} in another way, so only its text is measured")
        values = {query: _without_ranks(row) for query, row in values.items()}
    return Measured(judged, run, values)


def _without_ranks(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in MEASURES}
