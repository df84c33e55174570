"""Reads a retrieval test collection in BEIR layout, and refuses one that would give a wrong figure.

corpus.jsonl     {"_id", "text", and if it has one "title"}
queries.jsonl    {"_id", "text"}; other keys are left alone
qrels/test.tsv   a header line, then query-id, corpus-id and score, separated by tabs
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import DocumentError, SettingError
from rag.text import normalise
from rag.types import Chunk, Document

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = "qrels/test.tsv"
QRELS_HEADER = ("query-id", "corpus-id", "score")
LAYOUT = f"a dataset is a folder in BEIR layout with {CORPUS}, {QUERIES} and {QRELS}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the corpus: the unit that is retrieved. Title and text are normalised."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A test collection. `digest` is what `cat corpus.jsonl queries.jsonl qrels/test.tsv | sha256sum` prints.

    `qrels[query][document]` is the judged relevance; every id in it is in the corpus or the queries.
    A query may be empty: published collections hold such lines.
    """

    name: str
    digest: str
    corpus: tuple[Entry, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    @property
    def judged(self) -> dict[str, str]:
        """The queries that have judgements, in the order of their file."""
        return {query: text for query, text in self.queries.items() if query in self.qrels}


def read_dataset(folder: Path) -> Dataset:
    """The dataset in `folder`.

    Raises SettingError where the folder or one of its files is missing, and DocumentError naming
    file and line of anything that cannot be taken as it stands.
    """
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise SettingError(f"{folder}: {what}; {LAYOUT}")
    digest = hashlib.sha256()
    lines = {name: _lines(folder / name, digest) for name in (CORPUS, QUERIES, QRELS)}
    corpus = tuple(_corpus(folder / CORPUS, lines[CORPUS]))
    queries = _queries(folder / QUERIES, lines[QUERIES])
    qrels = _qrels(folder / QRELS, lines[QRELS], queries, {entry.id for entry in corpus})
    return Dataset(folder.resolve().name, digest.hexdigest(), corpus, queries, qrels)


def as_document(entry: Entry) -> tuple[Document, list[Chunk]]:
    """The entry as one document of one chunk whose heading is the title; no chunk where all is empty.

    An entry without text stands for its title.
    """
    text, heading = (entry.text, (entry.title,)) if entry.text.strip() else (entry.title, ())
    digest = hashlib.sha256(json.dumps([entry.title, entry.text]).encode()).hexdigest()
    document = Document(entry.id, text, digest)
    if not text:
        return document, []
    return document, [Chunk(entry.id, 0, text, 0, len(text), tuple(title for title in heading if title))]


def _lines(path: Path, digest: hashlib._Hash) -> list[tuple[str, str]]:
    """The lines that are not blank, each with its place as "file:number"; feeds the bytes to `digest`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise SettingError(f"{path}: no such file; {LAYOUT}") from error
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror}); {LAYOUT}") from error
    digest.update(data)
    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        place = f"{path}:{number}"
        try:
            text = line.rstrip(b"\r").decode()
        except UnicodeDecodeError as error:
            raise DocumentError(f"{place}: not UTF-8; save the file as UTF-8") from error
        if text.strip():
            found.append((place, text))
    if not found:
        raise DocumentError(f"{path}: is empty; {LAYOUT}")
    return found


def _corpus(path: Path, lines: list[tuple[str, str]]) -> Iterator[Entry]:
    for identifier, record, place in _records(path, lines):
        title = record.get("title")
        if title is not None and not isinstance(title, str):
            raise DocumentError(f'{place}: "title" must be a string (it is {title!r})')
        yield Entry(identifier, " ".join(normalise(title or "").split()), _text(record, place))


def _queries(path: Path, lines: list[tuple[str, str]]) -> dict[str, str]:
    return {identifier: _text(record, place).strip() for identifier, record, place in _records(path, lines)}


def _records(path: Path, lines: list[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each line's `_id`, its whole object and its place."""
    first_seen: dict[str, str] = {}
    for place, line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"{place}: not JSON ({error}); {path.name} has one object a line") from error
        if not isinstance(record, dict):
            raise DocumentError(f'{place}: must be a JSON object such as {{"_id": "1", "text": "..."}}')
        identifier = record.get("_id")
        if not isinstance(identifier, str) or not _usable(identifier):
            raise DocumentError(f'{place}: "_id" must be a string that can be printed (it is {identifier!r})')
        if identifier in first_seen:
            raise DocumentError(
                f"{place}: the id {identifier!r} is already on {first_seen[identifier]}; ids must differ"
            )
        first_seen[identifier] = place
        yield identifier, record, place


def _usable(identifier: str) -> bool:
    """Whether it can stand in a column of a file and be encoded: no control or half characters."""
    return bool(identifier.strip()) and not any(unicodedata.category(c) in ("Cc", "Cs") for c in identifier)


def _text(record: Mapping[str, Any], place: str) -> str:
    text = record.get("text")
    if not isinstance(text, str):
        raise DocumentError(f'{place}: "text" must be a string (it is {text!r})')
    return normalise(text)


def _qrels(
    path: Path, lines: list[tuple[str, str]], queries: Mapping[str, str], documents: set[str]
) -> dict[str, dict[str, int]]:
    place, header = lines[0]
    if tuple(header.split("\t")) != QRELS_HEADER:
        raise DocumentError(f"{place}: the header must be {'<TAB>'.join(QRELS_HEADER)} (it is {header!r})")
    if len(lines) == 1:
        raise DocumentError(f"{path}: no judgements under the header; add one line for each")
    qrels: dict[str, dict[str, int]] = {}
    for place, line in lines[1:]:
        query, document, score = _judgement(place, line)
        if query not in queries:
            raise DocumentError(f"{place}: no query {query!r} in {QUERIES}; add it or remove the line")
        if document not in documents:
            raise DocumentError(f"{place}: no document {document!r} in {CORPUS}; add it or remove the line")
        if document in qrels.setdefault(query, {}):
            raise DocumentError(f"{place}: {query!r} and {document!r} are judged twice; keep one line")
        qrels[query][document] = score
    return qrels


def _judgement(place: str, line: str) -> tuple[str, str, int]:
    columns = line.split("\t")
    if len(columns) != len(QRELS_HEADER):
        raise DocumentError(f"{place}: {len(columns)} columns; must be {'<TAB>'.join(QRELS_HEADER)}")
    try:
        return columns[0], columns[1], int(columns[2])
    except ValueError as error:
        raise DocumentError(f"{place}: the score must be an integer (it is {columns[2]!r})") from error
