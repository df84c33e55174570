"""The tables of a report: which figures stand where, as written text, for the page and its Markdown twin.

An evaluation is the JSON object of one dataset. Whatever it lacks is left out: a column that no system
fills, a table without columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from eval.reporting.words import ABSENT, decimal, interval, known, measure_name, megabytes

Evaluation: TypeAlias = Mapping[str, Any]
Values: TypeAlias = Mapping[str, Any]

RANKING = ("ndcg@10", "ndcg@5", "mrr@10", "map@100", "recall@1", "recall@5", "recall@10", "recall@100")
AT_K = ("precision@1", "precision@5", "precision@10", "hit@1", "hit@5", "hit@10")
LONG = 24
MARKS = (
    "With each value its 95 % interval, by bootstrap over the questions. Bold: the best of its column; "
    "whether a difference counts is for the comparisons to say."
)
ANSWERS = (
    "exact_match",
    "f1",
    "gold_in_quotes",
    "gold_in_first_quote",
    "citation_precision",
    "citation_recall",
    "statements_supported",
)
ABSTENTION = ("answered_right", "answered_wrong", "rightly_refused", "wrongly_refused")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as written, with its interval below it if it has one; `best` of its column."""

    text: str
    detail: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are (name, one cell a column)."""

    title: str
    first: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    note: str = ""

    @property
    def wide(self) -> bool:
        """Whether the names of the rows need room, as those of a sweep do."""
        return any(len(name) > LONG for name, _ in self.rows)

    @property
    def tall(self) -> bool:
        """Whether the names of the columns do."""
        return any(len(name) > LONG for name in self.columns)


@dataclass(frozen=True, slots=True)
class Column:
    """How a figure is found and written. `direction` is 1 where more is better, -1 where less, 0: neither."""

    name: str
    key: str
    write: Callable[[Any], str]
    direction: int = 0


def measure_tables(evaluation: Evaluation) -> list[Table]:
    """Systems as rows, measures as columns; ranking, then cuts at k, then spans and whatever else."""
    modes = _modes(evaluation)
    cuts = list(dict.fromkeys(key for values in modes.values() for key in values if "@" in key))
    spans = [key for key in cuts if key.startswith("span_")]
    named = {*RANKING, *AT_K, *spans}
    tokens = "“1000t” is the first 1000 tokens of the results, “5” the first five."
    groups = (
        ("Ranking", RANKING, MARKS),
        ("Precision and hits", AT_K, ""),
        ("Spans", spans, tokens),
        ("Other measures", [key for key in cuts if key not in named], ""),
    )
    made = (
        table(title, "system", modes, [_measure(key) for key in keys], note=note)
        for title, keys, note in groups
    )
    return [each for each in made if each]


def cost_table(evaluation: Evaluation) -> Table | None:
    """What each system costs: time a question takes, and what its index took and takes."""
    systems = evaluation.get("systems") or {}
    costs = {name: {**values, **(systems.get(name) or {})} for name, values in _modes(evaluation).items()}
    columns = [
        Column("p50 ms", "latency_p50_ms", lambda value: decimal(value, 1), -1),
        Column("p95 ms", "latency_p95_ms", lambda value: decimal(value, 1), -1),
        Column("p99 ms", "latency_p99_ms", lambda value: decimal(value, 1), -1),
        Column("chunks", "chunks", lambda value: decimal(value, 0)),
        Column("chunks/s", "chunks_per_second", lambda value: decimal(value, 1), 1),
        Column("indexing s", "index_seconds", lambda value: decimal(value, 1), -1),
        Column("indexing peak MB", "index_peak_mb", lambda value: decimal(value, 0), -1),
        Column("searching peak MB", "peak_mb", lambda value: decimal(value, 0), -1),
        Column("index MB", "index_bytes", megabytes, -1),
        Column("bytes/chunk", "bytes_per_chunk", lambda value: decimal(value, 0), -1),
    ]
    return table("Cost", "system", costs, columns)


def answer_tables(evaluation: Evaluation) -> list[Table]:
    """How good the answers are, and how well the system knows when to refuse."""
    answers = {
        name: values["answers"] for name, values in _modes(evaluation).items() if values.get("answers")
    }
    refusals = {
        name: {**(found.get("abstention") or {}), "area": (found.get("risk_coverage") or {}).get("area")}
        for name, found in answers.items()
    }
    quality = [
        Column("generator", "generator", str),
        Column("questions", "questions", lambda value: decimal(value, 0)),
        Column("unanswerable", "unanswerable", lambda value: decimal(value, 0)),
        *map(_measure, ANSWERS),
        Column("quotes", "quotes", lambda value: decimal(value, 1)),
        Column("characters quoted", "quote_characters", lambda value: decimal(value, 0)),
        Column("p50 ms", "latency_p50_ms", lambda value: decimal(value, 1), -1),
        Column("p95 ms", "latency_p95_ms", lambda value: decimal(value, 1), -1),
    ]
    refusing = [
        *(Column(key.replace("_", " "), key, lambda value: decimal(value, 0)) for key in ABSTENTION),
        Column("coverage", "coverage", decimal),
        Column("risk", "risk", decimal, -1),
        Column("area under risk-coverage", "area", decimal, -1),
    ]
    note = (
        "Coverage: share of the questions answered. Risk: share of the answers given that are wrong, "
        "as any answer is to a question without one."
    )
    made = (
        table("Answers", "system", answers, quality),
        table("Answering and refusing", "system", refusals, refusing, note=note),
    )
    return [each for each in made if each]


def table(
    title: str,
    first: str,
    rows: Mapping[str, Values],
    columns: Sequence[Column],
    *,
    note: str = "",
) -> Table | None:
    """A table of the columns that at least one row fills; None where there is none."""
    filled = [
        column for column in columns if any(values.get(column.key) is not None for values in rows.values())
    ]
    if not filled:
        return None
    best = {column.key: _best(column, rows.values()) for column in filled}
    body = tuple(
        (name, tuple(_cell(column, values, best[column.key]) for column in filled))
        for name, values in rows.items()
    )
    return Table(title, first, tuple(column.name for column in filled), body, note)


def _measure(key: str) -> Column:
    return Column(measure_name(key), key, decimal, 1)


def _cell(column: Column, values: Values, best: str) -> Cell:
    value = values.get(column.key)
    text = ABSENT if value is None else column.write(value)
    detail = interval((values.get("intervals") or {}).get(column.key))
    return Cell(text, detail, best=bool(best) and text == best)


def _best(column: Column, rows: Any) -> str:
    """The best value as written; "" where there is nothing to choose between."""
    values = [values[column.key] for values in rows if known(values.get(column.key))]
    if not column.direction or len({column.write(value) for value in values}) < 2:
        return ""
    return column.write(max(values, key=lambda value: column.direction * value))


def _modes(evaluation: Evaluation) -> Mapping[str, Values]:
    return evaluation.get("modes") or {}
