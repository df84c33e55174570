"""Asks every question whose right answer is known, and measures the answers."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.answers import answer_values, summary
from eval.code import code_digest
from eval.cost import CALIBRATED_BY
from eval.indexing import NOTE
from eval.journal import Journal
from eval.judgements import Judgements
from eval.metrics import latency
from eval.progress import progress, say
from eval.runner import Asks
from eval.systems import System
from eval.types import Query, TestSet
from rag.config import Settings
from rag.types import Answer

# The option with which a generator refuses, for those that have one.
_THRESHOLD = "threshold"
# The answers that a calibration rests on are made by all of it.
_CALIBRATING = ("rag",)


def calibrated(system: System) -> tuple[System, dict[str, Any] | None]:
    """The system as its users have it, and what was promised them: None where nothing is calibrated.

    An index that the evaluation made is calibrated as an ingest would do it, unless an earlier run of this
    very code did so, but for the time: all questions that are made are asked, so that the figures are
    those of any machine; one that people use is left as it is. "seconds" are what that took, None where it
    was done before.
    Without `calibration.at_ingest` the generator's fixed threshold holds, whatever the index was
    calibrated to. Raises RagError.
    """
    from rag.calibration.describe import described
    from rag.calibration.stored import read_calibration
    from rag.models import calibrated_with
    from rag.recalibrate import due, recalibrate

    settings = system.settings
    if not settings.calibration.at_ingest:
        return replace(system, settings=_with_threshold(settings, None) or settings), None
    seconds, made_with = None, calibrated_with(settings)
    ours = made_with and (settings.index / NOTE).exists()
    if ours and (due(settings) or not _by_this_code(settings.index)):
        began = time.perf_counter()
        recalibrate(_without_haste(settings))
        (settings.index / CALIBRATED_BY).write_text(code_digest(_CALIBRATING), encoding="ascii")
        seconds = round(time.perf_counter() - began, 1)
        say(f"calibrated in {seconds:.1f} s")
    found = read_calibration(settings.index)
    if found is None or found.made_with != made_with:
        return system, None
    return system, {**described(found, settings.calibration.risk), "seconds": seconds}


def _by_this_code(index: Path) -> bool:
    """Whether what the index was calibrated to is what this code makes of it."""
    note = index / CALIBRATED_BY
    return note.exists() and note.read_text(encoding="ascii") == code_digest(_CALIBRATING)


def questions_with_known_truth(test_set: TestSet, judged: Judgements) -> dict[str, Query]:
    """The questions that can be marked: by an answer, a quote, or by having none."""
    return {
        name: query
        for name, query in test_set.queries.items()
        if query.text and (query.answers or not query.answerable or name in judged.gold)
    }


def measure_answers(
    test_set: TestSet, judged: Judgements, system: System, journal: Journal, *, seed: int, trials: int
) -> tuple[dict[str, Any], dict[str, dict[str, float]], dict[str, float | None]]:
    """The "answers" of an evaluation, every question's own values, and its confidence.

    Questions that were refused are asked once more with the refusal switched off, if the generator
    has such a setting: what it would have said tells what other thresholds would give.
    """
    from rag.build import build_engine

    engine, unrefusing = build_engine(system.settings), _without_refusal(system.settings)
    questions = questions_with_known_truth(test_set, judged)
    left = {name: query for name, query in questions.items() if name not in journal.done}
    engine.warm()
    milliseconds = []
    for name, query in progress(left.items(), len(left), f"{system.mode} answers"):
        began = time.perf_counter()
        answer = engine.ask(query.text, mode=system.mode)
        milliseconds.append((time.perf_counter() - began) * 1000)
        journal.add(name, _marked(answer, unrefusing, system, query, judged.gold.get(name, ())))
    records = {name: journal.done[name] for name in questions}
    values = {name: record["values"] for name, record in records.items()}
    confidences = {name: record["confidence"] for name, record in records.items()}
    found = summary(
        questions,
        values,
        confidences,
        {name: record["would_be_right"] for name, record in records.items()},
        seed=seed,
        trials=trials,
    )
    told = {"generator": system.settings.generator.name, **found, **latency(milliseconds)}
    return told, values, confidences


def _marked(
    answer: Answer, unrefusing: Asks | None, system: System, query: Query, gold: Any
) -> dict[str, Any]:
    values = answer_values(query, answer, gold)
    right: float | None = values.get("right")
    if answer.abstained:
        said = unrefusing.ask(query.text, mode=system.mode) if unrefusing else None
        right = _would_be_right(query, said, gold)
    return {"values": values, "confidence": answer.confidence, "would_be_right": right}


def _would_be_right(query: Query, said: Any, gold: Any) -> float | None:
    """Whether the answer given without the refusal is right; None if there is no way to know."""
    if not query.answerable:
        return 0.0
    if said is None:
        return None
    return 0.0 if said.abstained else answer_values(query, said, gold)["right"]


def _without_refusal(settings: Settings) -> Asks | None:
    """The same engine, refusing nothing, if its generator can be told so."""
    from rag.build import build_engine

    generous = _with_threshold(settings, 0.0)
    return build_engine(generous) if generous is not None else None


def _without_haste(settings: Settings) -> Settings:
    unbounded = settings.calibration.model_copy(update={"seconds": math.inf})
    return settings.model_copy(update={"calibration": unbounded})


def _with_threshold(settings: Settings, threshold: float | None) -> Settings | None:
    """The settings with this threshold, or the one that holds (None); None if there is no such option."""
    from rag.backends import check

    build, _ = check("generator", "rag.generators", settings.generator)
    option = inspect.signature(build).parameters.get(_THRESHOLD)
    if option is None:
        return None
    options = settings.generator.model_dump()
    holds = options.get(_THRESHOLD, option.default) if threshold is None else threshold
    chosen: Mapping[str, Any] = {**options, _THRESHOLD: holds}
    generator = type(settings.generator).model_validate(chosen)
    return settings.model_copy(update={"generator": generator})
