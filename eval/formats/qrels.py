"""Relevance judgements in any of three forms, told apart by the first line.

BEIR    a header line, then query-id, corpus-id and score, separated by tabs and quoted where need be, as
        a spreadsheet writes them
TREC    query, 0, document and relevance, separated by white space (`eval.formats.columns`)
JSON    one object a line: {"query_id", "corpus_id", "score"}
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from eval.formats.columns import columns, decode
from eval.formats.lines import Line, objects
from rag.errors import DocumentError

HEADER = ("query-id", "corpus-id", "score")
_TREC_COLUMNS = ("query", "0", "document", "relevance")
_KEYS = ("query_id", "corpus_id", "score")
HIGHEST = 1000
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DIGITS = 20  # enough to tell that a number is out of range
_SHOWN = 40  # characters of a wrong score
_LIKE = '{"query_id": "1", "corpus_id": "d", "score": 1}'


class Judgement(NamedTuple):
    """One line: how relevant the document is to the query."""

    place: str
    query: str
    document: str
    score: int


def read_judgements(path: Path, numbered: list[Line]) -> Iterator[Judgement]:
    """The judgements of a file, of which `numbered` are the lines. Raises DocumentError by line."""
    place, first = numbered[0]
    if first.lstrip().startswith("{"):
        return _json(numbered)
    if tuple(_cells((place, first))) == HEADER:
        if len(numbered) == 1:
            raise DocumentError(f"{path}: no judgements under the header; add one line for each")
        return map(_beir, numbered[1:])
    if len(columns(first)) == len(_TREC_COLUMNS):
        return map(trec_judgement, numbered)
    raise DocumentError(
        f"{place}: the header must be {'<TAB>'.join(HEADER)} (it is {first!r}), or every line "
        f"{' '.join(_TREC_COLUMNS)}, as TREC has it, or a JSON object with {', '.join(_KEYS)}"
    )


def collect(judgements: Iterator[Judgement], known: Callable[[Judgement], None]) -> dict[str, dict[str, int]]:
    """{query: {document: score}}. `known` raises for ids that are not; a pair judged twice is refused."""
    qrels: dict[str, dict[str, int]] = {}
    for judgement in judgements:
        known(judgement)
        place, query, document, score = judgement
        if document in qrels.setdefault(query, {}):
            raise DocumentError(f"{place}: {query!r} and {document!r} are judged twice; keep one line")
        qrels[query][document] = score
    return qrels


def within(
    queries: Mapping[str, object], documents: Container[str], names: tuple[str, str]
) -> Callable[[Judgement], None]:
    """A check for `collect`: both ids are there. `names` are the files of queries and of documents."""

    def known(judgement: Judgement) -> None:
        place, query, document, _ = judgement
        if query not in queries:
            raise DocumentError(f"{place}: no query {query!r} in {names[0]}; add it or remove the line")
        if document not in documents:
            raise DocumentError(f"{place}: no document {document!r} in {names[1]}; add it or remove the line")

    return known


def trec_judgement(line: Line) -> Judgement:
    """One line of TREC's form. Raises DocumentError naming the place."""
    place, text = line
    found = columns(text)
    if len(found) != len(_TREC_COLUMNS):
        raise DocumentError(f"{place}: {len(found)} columns; must be {' '.join(_TREC_COLUMNS)}")
    return Judgement(place, decode(found[0]), decode(found[2]), _integer(place, found[3]))


def _cells(line: Line) -> list[str]:
    """The line's columns, read as BEIR's own program reads them."""
    place, text = line
    try:
        return next(csv.reader([text], delimiter="\t", strict=True))
    except csv.Error as error:
        raise DocumentError(f"{place}: quoted in a way that cannot be read ({error})") from error


def _beir(line: Line) -> Judgement:
    place = line[0]
    found = _cells(line)
    if len(found) != len(HEADER):
        raise DocumentError(f"{place}: {len(found)} columns; must be {'<TAB>'.join(HEADER)}")
    return Judgement(place, found[0], found[1], _integer(place, found[2]))


def _integer(place: str, written: str) -> int:
    if not _INTEGER.fullmatch(written):
        raise DocumentError(f"{place}: the score must be an integer such as 1 (it is {written[:_SHOWN]!r})")
    return _sane(place, int(written[:_DIGITS]))


def _sane(place: str, score: int) -> int:
    """trec_eval keeps a counter for every grade up to the highest: a huge one would take all memory."""
    if abs(score) > HIGHEST:
        shown = str(score)[:_SHOWN]
        raise DocumentError(f"{place}: the score must lie between -{HIGHEST} and {HIGHEST} (it is {shown})")
    return score


def _json(numbered: list[Line]) -> Iterator[Judgement]:
    for place, record in objects(numbered, _LIKE):
        query, document, score = (record.get(key) for key in _KEYS)
        if not isinstance(query, str) or not isinstance(document, str):
            key, value = ("corpus_id", document) if isinstance(query, str) else ("query_id", query)
            raise DocumentError(f'{place}: "{key}" must be a string (it is {value!r}); write {_LIKE}')
        if isinstance(score, bool) or not isinstance(score, int | float) or score != score // 1:
            raise DocumentError(f'{place}: "score" must be an integer (it is {score!r})')
        yield Judgement(place, query, document, _sane(place, int(score)))
