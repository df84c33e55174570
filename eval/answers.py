"""The measures of an answer, question by question and on average, where the right answer is known.

Right answers are known as strings, as character ranges of documents (labels), or as there being none.
Exact match and F1 compare with the answer's whole text (see `eval.squad_text`): fair to a generator
that answers in words of its own, low by design for one that quotes whole sentences, which is what
"gold_in_quotes" is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.abstention import Attempt, area_interval, calibration_text, counts, risk_coverage
from eval.squad_text import exact_match, f1, holds
from eval.stats import bootstrap_interval
from eval.support import citation_values, unmarked
from eval.types import Query, Span
from rag.types import Answer, Citation

SHARES = (
    "right",
    "exact_match",
    "f1",
    "gold_in_quotes",
    "gold_in_first_quote",
    "citation_precision",
    "citation_recall",
    "statements_supported",
)
AMOUNTS = ("quotes", "quote_characters")

_COVERED = 0.5  # the share of a labelled range that must be quoted


def answer_values(query: Query, answer: Answer, gold: Sequence[Span] = ()) -> dict[str, float]:
    """{measure: value} of one question; a measure that is not defined for it is absent.

    "answered"             1, or 0 for a refusal
    "right"                1 for a right answer or a right refusal, else 0; needs the truth to be known
    "exact_match", "f1"    against the answer strings; 0 for a refusal (answerable questions only)
    "gold_in_quotes"       1 if a cited quote holds an answer string, or if the cited ranges cover half of
                           a range in `gold` (characters other than white space); 0 for a refusal
                           (answerable questions only)
    "gold_in_first_quote"  the same of the first citation; quotes of a generator come best first
    "quotes", "quote_characters", "citation_precision", "citation_recall", "statements_supported"
                           of answers only

    An answer is right that has the gold in its quotes or, as strings, in its own text. An answer to a
    question that has none is wrong.
    """
    values = {"answered": float(not answer.abstained), **_cited(answer)}
    if not query.answerable:
        return values | {"right": float(answer.abstained)}
    if query.answers:
        said = "" if answer.abstained else unmarked(answer)
        values["exact_match"] = 0.0 if answer.abstained else exact_match(said, query.answers)
        values["f1"] = 0.0 if answer.abstained else f1(said, query.answers)
    if query.answers or gold:
        quoted = () if answer.abstained else answer.citations
        values["gold_in_quotes"] = float(_has_gold(quoted, query.answers, gold, answer))
        values["gold_in_first_quote"] = float(_has_gold(quoted[:1], query.answers, gold, answer))
        values["right"] = float(_is_right(values, query, answer))
    return values


def summary(
    questions: Mapping[str, Query],
    values: Mapping[str, Mapping[str, float]],
    confidences: Mapping[str, float | None],
    would_be_right: Mapping[str, float | None],
    *,
    seed: int,
    trials: int,
) -> dict[str, Any]:
    """The "answers" of an evaluation without its latencies: means, intervals, abstention and its curve.

    All mappings are by question. `values` are those of `answer_values`; each mean is over the questions
    that have the measure, and a measure that no question has is left out. `would_be_right` says of a
    refused question whether the answer is right that it gets with the refusal switched off, None if
    there is no way to know; of an answered one it is its "right". "risk_coverage" is None for a generator
    that tells no confidence. Intervals are 95 % bootstrap intervals of the means, and of the curve's
    "area".
    """
    known = {name: own for name, own in values.items() if "right" in own}
    columns = {
        measure: [own[measure] for own in values.values() if measure in own]
        for measure in (*SHARES, *AMOUNTS)
    }
    columns = {measure: column for measure, column in columns.items() if column}
    attempts = _attempts(list(known), confidences, would_be_right)
    return {
        "questions": len(values),
        "unanswerable": sum(not questions[name].answerable for name in values),
        **{measure: sum(column) / len(column) for measure, column in columns.items()},
        "intervals": {
            **{
                measure: list(bootstrap_interval(column, level=0.95, trials=trials, seed=seed))
                for measure, column in columns.items()
                if measure in SHARES
            },
            **({"area": list(area_interval(attempts, seed=seed, trials=trials))} if attempts else {}),
        },
        "abstention": counts(known.values()),
        "risk_coverage": risk_coverage(attempts, len(known)),
    }


def answers_text(answers: Mapping[str, Any]) -> list[str]:
    """The "answers" of an evaluation as lines for the terminal."""
    intervals = answers["intervals"]
    lines = [
        f"{measure.replace('_', ' '):<21}{answers[measure]:.3f}  "
        f"[{intervals[measure][0]:.3f}, {intervals[measure][1]:.3f}]"
        for measure in SHARES
        if measure in answers
    ]
    if "quotes" in answers:
        characters = answers["quote_characters"]
        lines.append(f"an answer has {answers['quotes']:.1f} quotes of together {characters:.0f} characters")
    return [*lines, *_refusing_text(answers), *calibration_text(answers.get("calibration"))]


def _refusing_text(answers: Mapping[str, Any]) -> list[str]:
    found, curve = answers["abstention"], answers["risk_coverage"]
    if found["coverage"] is None:
        return []
    risk = "" if found["risk"] is None else f", risk {found['risk']:.3f}"
    answered = f"answered {found['answered_right']} right, {found['answered_wrong']} wrong"
    refused = f"refused {found['rightly_refused']} rightly, {found['wrongly_refused']} wrongly"
    lines = [f"{answered}; {refused}", f"coverage {found['coverage']:.3f}{risk}"]
    if curve:
        part = "" if curve["complete"] else " (of the answered questions only)"
        low, high = answers["intervals"]["area"]
        lines.append(f"area under the risk-coverage curve {curve['area']:.3f}  [{low:.3f}, {high:.3f}]{part}")
    return lines


def _cited(answer: Answer) -> dict[str, float]:
    if answer.abstained:
        return {}
    characters = sum(len(citation.quote) for citation in answer.citations)
    return {
        "quotes": float(len(answer.citations)),
        "quote_characters": float(characters),
        **citation_values(answer),
    }


def _is_right(values: Mapping[str, float], query: Query, answer: Answer) -> bool:
    if answer.abstained:
        return False
    quoted = values["gold_in_quotes"] == 1 or values.get("exact_match") == 1
    return quoted or holds(unmarked(answer), query.answers)


def _has_gold(
    quoted: Sequence[Citation], answers: Sequence[str], gold: Sequence[Span], answer: Answer
) -> bool:
    if any(holds(citation.quote, answers) for citation in quoted):
        return True
    return any(_covers(quoted, span, answer) for span in gold)


def _covers(quoted: Sequence[Citation], span: Span, answer: Answer) -> bool:
    """Whether the quotes together cover half of the range; what no passage shows counts as not covered."""
    wanted = set(range(span.start, span.end)) - _blanks(span.document, answer)
    covered = {
        at
        for citation in quoted
        if citation.document == span.document
        for at in range(max(citation.start, span.start), min(citation.end, span.end))
    }
    return bool(wanted) and len(wanted & covered) >= _COVERED * len(wanted)


def _blanks(document: str, answer: Answer) -> set[int]:
    """Where white space stands in the document, as far as the answer's passages show it."""
    chunks = (hit.chunk for hit in answer.passages if hit.chunk.document_id == document)
    return {chunk.start + at for chunk in chunks for at, each in enumerate(chunk.text) if each.isspace()}


def _attempts(
    names: Sequence[str],
    confidences: Mapping[str, float | None],
    would_be_right: Mapping[str, float | None],
) -> list[Attempt]:
    """Where confidence is told at all, a question without one found nothing to be confident of: 0."""
    if all(confidences.get(name) is None for name in names):
        return []
    outcomes = [(confidences.get(name) or 0.0, would_be_right.get(name)) for name in names]
    return [Attempt(confidence, right == 1) for confidence, right in outcomes if right is not None]
