"""TREC's files of judgements and of runs, so that trec_eval, ranx and ir-measures read ours and we theirs.

qrels   query 0 document relevance
run     query Q0 document rank score tag

Columns are separated by white space; `eval.formats.columns` says how an id that holds some is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from eval.formats.columns import columns, decode, encode
from eval.formats.lines import Line, lines, read_bytes
from eval.formats.qrels import collect, trec_judgement
from eval.spans import span_of
from eval.types import Found, PassageSet, Run, Span, SpanSet, TestSet
from rag.errors import DocumentError, SettingError

QRELS_LAYOUT = "judgements in TREC's form have lines of: query 0 document relevance"
RUN_LAYOUT = "a run in TREC's form has lines of: query Q0 document rank score tag"
_COLUMNS = 6


class _Row(NamedTuple):
    place: str
    query: str
    document: str
    rank: int
    score: float


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """{query: {document: relevance}}. Raises SettingError for the file, DocumentError for a line."""
    numbered = lines(path, read_bytes(path, QRELS_LAYOUT), QRELS_LAYOUT)
    return collect(map(trec_judgement, numbered), lambda _: None)


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Writes judgements, in the order given. Raises SettingError where the file cannot be written."""
    _write(
        path,
        (
            f"{encode(query)} 0 {encode(document)} {relevance}\n"
            for query, judged in qrels.items()
            for document, relevance in judged.items()
        ),
    )


def read_run(path: Path) -> Run:
    """A run, each query's results by falling score as trec_eval has it; of equal ones the lower rank first.

    Times are unknown. An id "path#start-end" gives the result that span, any other one the span 0 to 0
    of the document of that name. Raises SettingError for the file, and DocumentError naming the line of
    a fault, among them a document that a query has twice. Whether the ids exist, `check_run` says.
    """
    rows: dict[str, list[_Row]] = {}
    seen: dict[tuple[str, str], str] = {}
    for row in _rows(path):
        pair = (row.query, row.document)
        if pair in seen:
            raise DocumentError(
                f"{row.place}: {row.query!r} already has {row.document!r} on {seen[pair]}; keep one line"
            )
        seen[pair] = row.place
        rows.setdefault(row.query, []).append(row)
    return Run(
        {
            query: tuple(map(_found, sorted(each, key=lambda row: (-row.score, row.rank))))
            for query, each in rows.items()
        }
    )


def check_run(run: Run, test_set: TestSet, path: Path) -> None:
    """Raises DocumentError, naming the line of `path`, for a query or a document that is not in the set.

    A result of a span set must be "path#start-end" of a file of its corpus that is not withheld.
    """
    documents = {entry.id for entry in test_set.corpus} if isinstance(test_set, PassageSet) else set()
    for query, found in run.found.items():
        if query not in test_set.queries:
            raise DocumentError(
                f"{_place(path, query)}: no query {query!r} in {test_set.name}; remove the line"
            )
        for each in found:
            if isinstance(test_set, SpanSet):
                fault = _outside(each.id, test_set, documents)
            else:
                fault = "" if each.id in documents else f"no document {each.id!r} in {test_set.name}"
            if fault:
                raise DocumentError(f"{_place(path, query, each.id)}: {fault}; is the run one over this set?")


def write_run(path: Path, run: Run, tag: str) -> None:
    """Writes a run that every program ranks as it is ranked here; `tag` names the system.

    Programs go by score and break ties each in its own way, trec_eval after rounding to 32 bits. A score
    that is not below its forerunner's is therefore written as the next smaller 32-bit number. A query
    whose scores do not fit into 32 bits gets n, n - 1, ..., 1. Queries without results have no line.
    Raises SettingError where the file cannot be written.
    """
    _write(
        path,
        (
            f"{encode(query)} Q0 {encode(each.id)} {rank} {score:.9g} {encode(tag) or '-'}\n"
            for query, found in run.found.items()
            for rank, (each, score) in enumerate(
                zip(found, _falling([each.score for each in found]), strict=True), start=1
            )
        ),
    )


def _rows(path: Path) -> Iterator[_Row]:
    return map(_row, lines(path, read_bytes(path, RUN_LAYOUT), RUN_LAYOUT))


def _row(line: Line) -> _Row:
    place, text = line
    found = columns(text)
    if len(found) != _COLUMNS:
        raise DocumentError(f"{place}: {len(found)} columns; {RUN_LAYOUT}")
    query, _, document, rank, score, _ = found
    try:
        row = _Row(place, decode(query), decode(document), int(rank), float(score))
    except ValueError as error:
        raise DocumentError(
            f"{place}: rank must be an integer and score a number (they are {rank!r}, {score!r})"
        ) from error
    if not math.isfinite(row.score):
        raise DocumentError(f"{place}: the score must be a finite number (it is {score!r})")
    return row


def _found(row: _Row) -> Found:
    return Found(row.document, span_of(row.document) or Span(row.document, 0, 0), row.score)


def _place(path: Path, query: str, document: str | None = None) -> str:
    """Where the run has the pair, or the query at first."""
    for row in _rows(path):
        if row.query == query and document in (None, row.document):
            return row.place
    return str(path)


def _outside(identifier: str, test_set: SpanSet, files: set[str]) -> str:
    """What is the matter with a result of a span set; `files` are those known to be there."""
    span = span_of(identifier)
    if span is None or span.start >= span.end:
        return f'a result must be "path#start-end" (it is {identifier!r})'
    if span.document in test_set.withheld:
        return f"{span.document!r} is withheld from {test_set.name}"
    if span.document not in files:
        if not (test_set.folder / span.document).is_file():
            return f"no document {span.document!r} in {test_set.folder}"
        files.add(span.document)
    return ""


def _falling(scores: Sequence[float]) -> list[float]:
    """The scores as 32-bit numbers, each below the one before."""
    import numpy as np

    written: list[float] = []
    with np.errstate(all="ignore"):
        rounded = np.asarray(scores, dtype=np.float32)
        for score in rounded:
            highest = np.nextafter(np.float32(written[-1]), np.float32(-np.inf)) if written else score
            written.append(float(min(score, highest)))
    if not all(map(math.isfinite, [*map(float, rounded), *written])):
        return [float(left) for left in range(len(scores), 0, -1)]
    return written


def _write(path: Path, text: Iterator[str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(text), encoding="utf-8", newline="\n")
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror}); name another file") from error
