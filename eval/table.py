"""An evaluation as lines for a terminal: systems as rows, quality and cost as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.compare import aligned, compare_text

QUALITY = ("ndcg@10", "recall@5", "recall@10", "recall@100", "mrr@10")
SPANS = (
    "span_recall@5",
    "span_precision@5",
    "span_iou@5",
    "span_recall@1000t",
    "span_precision@1000t",
    "span_iou@1000t",
)
TIMES = {"latency_p50_ms": "p50 ms", "latency_p95_ms": "p95 ms", "latency_p99_ms": "p99 ms"}
COSTS = {"chunks_per_second": "chunks/s", "index_peak_mb": "peak MB", "bytes_per_chunk": "B/chunk"}


def table(evaluation: Mapping[str, Any]) -> str:
    """Quality beside cost, then spans, answers and comparisons where there are any, and below them
    what the figures stand on.
    """
    modes: Mapping[str, Mapping[str, Any]] = evaluation["modes"]
    blocks = [_quality(evaluation)]
    if any(name in next(iter(modes.values())) for name in SPANS):
        blocks.append(
            aligned([["mode", *SPANS], *([mode, *_measures(row, SPANS)] for mode, row in modes.items())])
        )
    blocks += [_answers(mode, row["answers"]) for mode, row in modes.items() if "answers" in row]
    if evaluation["comparisons"]:
        blocks.append(compare_text(evaluation["comparisons"]))
    return "\n".join(line for block in [*blocks, _footing(evaluation)] for line in [*block, ""]).rstrip()


def _quality(evaluation: Mapping[str, Any]) -> list[str]:
    rows = [["mode", QUALITY[0], "its 95 %", *QUALITY[1:], *TIMES.values(), *COSTS.values()]]
    for mode, row in evaluation["modes"].items():
        interval = row["intervals"].get(QUALITY[0])
        costs = evaluation["systems"].get(mode, {})
        rows.append(
            [
                mode,
                *_measures(row, QUALITY[:1]),
                "-" if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}",
                *_measures(row, QUALITY[1:]),
                *(_number(row[name], 1) for name in TIMES),
                *(_number(costs.get(name), 0) for name in COSTS),
            ]
        )
    return aligned(rows)


def _measures(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [_number(row.get(name), 3) for name in names]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _answers(mode: str, answers: Mapping[str, Any]) -> list[str]:
    from eval.answers import answers_text

    return [f"answers, {mode}, generator {answers['generator']}", *answers_text(answers)]


def _footing(evaluation: Mapping[str, Any]) -> list[str]:
    lines = [f"{evaluation['dataset']}: {_documents(evaluation)}{_queries(evaluation)}{_made(evaluation)}"]
    if evaluation["synthetic"]:
        lines.append("the questions were written by a program: compare settings with them, nothing else")
    failed = dict.fromkeys(file for facts in evaluation["systems"].values() for file in facts["failed"])
    lines += [f"could not be read: {file}" for file in failed]
    lines += _labels(evaluation.get("labels"))
    lines.append(f"digest {evaluation['digest']}")
    if evaluation["generation"]:
        lines += [
            f"generation {evaluation['generation']}",
            f"embedder {evaluation['embedder']} on {evaluation['device']}",
        ]
    shown = "; ".join(f"{name} {_plain(value)}" for name, value in evaluation["settings"].items() if value)
    return [*lines, f"settings: {shown}"] if shown else lines


def _documents(evaluation: Mapping[str, Any]) -> str:
    if evaluation["documents"] is None:
        return ""
    empty = evaluation["empty_documents"]
    return f"{evaluation['documents']} documents{f' ({empty} empty, not indexed)' if empty else ''}, "


def _queries(evaluation: Mapping[str, Any]) -> str:
    counts = next(iter(evaluation["modes"].values()))
    notes = {
        "empty_queries": "empty, counted as zero",
        "unjudged": "more without judgements, left out",
        "unanswerable": "more without an answer, left out of retrieval",
    }
    said = [f" ({counts[name]} {note})" for name, note in notes.items() if counts[name]]
    return f"{counts['queries']} queries{''.join(said)}"


def _made(evaluation: Mapping[str, Any]) -> str:
    if evaluation["documents"] is None:
        return ""
    seconds = evaluation["index_seconds"]
    return ", index reused" if seconds is None else f", indexed in {seconds:.1f} s"


def _labels(labels: Mapping[str, Any] | None) -> list[str]:
    if labels is None:
        return []
    found = [f"{labels['labels']} labels, {len(labels['stale'])} stale, {labels['ambiguous']} ambiguous"]
    found += [f"not read, its labels count as missed: {document}" for document in labels["unread"]]
    return found + [
        f"stale: {each['place']}: {each['quote'][:60]!r} does not stand in {each['document']}"
        for each in labels["stale"]
    ]


def _plain(setting: Any) -> str:
    if not isinstance(setting, Mapping):
        return str(setting)
    options = {name: value for name, value in setting.items() if name != "name"}
    written = ", ".join(f"{name}={value}" for name, value in options.items())
    return f"{setting['name']} {written}".rstrip() if "name" in setting else written
