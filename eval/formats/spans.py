"""Reads a test set over a folder of files, whose labels are quotes: it outlives every splitter.

queries.jsonl   {"_id", "text", and if known "answers", "answerable", "spans": [{"path", "quote", "start"}]}
spans.jsonl     for labels in a file of their own, also called gold_spans.jsonl: {"query_id", "path" or "doc",
                "quote" or "text", "start"}
set.json        if there is anything to say: {"corpus": "../guide", "withheld": ["a.md"], "synthetic": true}

Paths are relative to the folder of files, with forward slashes. "start" is the character at which the quote
began when it was written down, if that is known: it chooses where the quote stands several times. Other keys
are left alone. The files are those under "corpus", which is itself relative to the set's folder, or docs/.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from eval.formats.lines import Line, Record, identified, lines, objects, read_bytes, text_of, usable
from eval.formats.queries import as_query
from eval.types import Label, Query, SpanSet
from rag.errors import DocumentError, SettingError

QUERIES = "queries.jsonl"
LABELS = ("spans.jsonl", "gold_spans.jsonl")
SETTINGS = "set.json"
DOCS = "docs"
LAYOUT = (
    f'a folder with span labels has {QUERIES}, whose lines hold "spans" unless {LABELS[0]} does, and its '
    f"files in {DOCS}/ or where {SETTINGS} says"
)


@dataclass(frozen=True, slots=True)
class _About:
    """What set.json says."""

    corpus: str = DOCS
    withheld: frozenset[str] = frozenset()
    synthetic: bool = False


def is_spans(folder: Path) -> bool:
    """Whether the folder holds span labels, or says so."""
    return any((folder / name).is_file() for name in (*LABELS, SETTINGS))


def read_spans(folder: Path, queries: Path | None = None, corpus: Path | None = None) -> SpanSet:
    """The test set in `folder`, with other queries or another folder of files if given.

    A query may be without labels: it is unjudged. Labels of an unanswerable one, which say what was
    withheld for it, are checked and left out. `digest` covers the set's files and every file of the
    corpus, withheld ones too. Raises SettingError where a file or folder is missing, and DocumentError
    naming file and line of anything that cannot be taken as it stands.
    """
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise SettingError(f"{folder}: {what}; {LAYOUT}")
    digest = hashlib.sha256()
    about = _about(folder / SETTINGS, digest)
    queries = queries or folder / QUERIES
    records = dict(identified(_read(queries, digest)))
    asked = {query: as_query(*record) for query, record in records.items()}
    labels = {query: _own(record) for query, record in records.items()}
    for name in LABELS:
        if (folder / name).is_file():
            _add(labels, _read(folder / name, digest), queries.name)
            break
    files = _files(corpus or folder / about.corpus, digest)
    if missing := sorted(about.withheld - files):
        raise DocumentError(
            f'{folder / SETTINGS}: "withheld": no file {missing[0]!r} in the corpus; mend the path'
        )
    judged = _judged(queries, asked, labels, about.withheld)
    _check_paths(judged, files, corpus or folder / about.corpus)
    return SpanSet(
        name=folder.resolve().name,
        digest=digest.hexdigest(),
        queries=asked,
        folder=corpus or folder / about.corpus,
        labels=judged,
        withheld=about.withheld,
        synthetic=about.synthetic,
    )


def _read(path: Path, digest: hashlib._Hash) -> list[Line]:
    data = read_bytes(path, LAYOUT)
    digest.update(f"{hashlib.sha256(data).hexdigest()}\n".encode())
    return lines(path, data, LAYOUT)


def _about(path: Path, digest: hashlib._Hash) -> _About:
    if not path.exists():
        return _About()
    data = read_bytes(path, LAYOUT)
    digest.update(f"{hashlib.sha256(data).hexdigest()}\n".encode())
    try:
        said = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8; save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DocumentError(f"{path}{line}: not JSON ({error}); it holds one object") from error
    if not isinstance(said, dict):
        raise DocumentError(f'{path}: must be a JSON object such as {{"corpus": "{DOCS}"}}')
    corpus, withheld, synthetic = (
        said.get("corpus", DOCS),
        said.get("withheld", []),
        said.get("synthetic", False),
    )
    if not isinstance(corpus, str) or not corpus:
        raise DocumentError(f'{path}: "corpus" must be the path of a folder (it is {corpus!r})')
    if not isinstance(withheld, list):
        raise DocumentError(f'{path}: "withheld" must be a list of paths (it is {withheld!r})')
    if not isinstance(synthetic, bool):
        raise DocumentError(f'{path}: "synthetic" must be true or false (it is {synthetic!r})')
    return _About(corpus, frozenset(_inside(f'{path}: "withheld"', each) for each in withheld), synthetic)


def _own(record: Record) -> list[Label]:
    """The labels that stand with their query."""
    place, query = record
    spans = query.get("spans") or []
    if not isinstance(spans, list) or not all(isinstance(span, dict) for span in spans):
        raise DocumentError(f'{place}: "spans" must be a list of {{"path", "quote"}} (it is {spans!r})')
    return [_label(place, span) for span in spans]


def _add(labels: Mapping[str, list[Label]], numbered: list[Line], queries: str) -> None:
    for place, record in objects(numbered, '{"query_id": "1", "path": "a.md", "quote": "..."}'):
        query = record.get("query_id")
        if not isinstance(query, str):
            raise DocumentError(f'{place}: "query_id" must be a string (it is {query!r})')
        if query not in labels:
            raise DocumentError(f"{place}: no query {query!r} in {queries}; add it or remove the line")
        labels[query].append(_label(place, record))


def _label(place: str, record: Mapping[str, Any]) -> Label:
    quote = text_of(place, record, "text" if "text" in record and "quote" not in record else "quote")
    if not quote.strip():
        raise DocumentError(f"{place}: the quote is empty; copy the words that answer from the file")
    start = record.get("start")
    if start is not None and (not isinstance(start, int) or isinstance(start, bool) or start < 0):
        raise DocumentError(f'{place}: "start" must be a number of characters (it is {start!r})')
    return Label(_inside(place, record.get("path", record.get("doc"))), quote, start, place)


def _inside(place: str, path: object) -> str:
    """The path, which must stay in the corpus."""
    if not isinstance(path, str) or not path.strip():
        raise DocumentError(f'{place}: "path" must name a file (it is {path!r})')
    pure = PurePosixPath(path)
    if not usable(path) or "\\" in path or pure.is_absolute() or ".." in pure.parts:
        raise DocumentError(
            f"{place}: {path!r} must be relative to the folder of files, inside it and with forward slashes"
        )
    return str(pure)


def _judged(
    path: Path, queries: Mapping[str, Query], labels: Mapping[str, list[Label]], withheld: frozenset[str]
) -> dict[str, tuple[Label, ...]]:
    """The labels of the questions that have an answer. Raises DocumentError where they contradict."""
    judged = {}
    for query, found in labels.items():
        answerable = queries[query].answerable
        for label in found:
            if answerable and label.document in withheld:
                raise DocumentError(
                    f'{label.place}: {label.document!r} is withheld; mark {query!r} "answerable": false, or '
                    "label another file"
                )
            if not answerable and label.document not in withheld:
                raise DocumentError(
                    f'{label.place}: {query!r} is marked "answerable": false and yet has a label; '
                    "remove one of them"
                )
        if answerable and found:
            judged[query] = tuple(found)
    if not judged and all(query.answerable for query in queries.values()):
        raise DocumentError(
            f'{path}: no query has a label, "spans": [{{"path": "a.md", "quote": "the words"}}]; {LAYOUT}'
        )
    return judged


def _check_paths(judged: Mapping[str, tuple[Label, ...]], files: set[str], corpus: Path) -> None:
    """Some labels may be stale; where none names a file, paths and corpus do not belong together."""
    labels = [label for found in judged.values() for label in found]
    if labels and all(label.document not in files for label in labels):
        first = labels[0]
        raise DocumentError(
            f"{first.place}: no file {first.document!r} in {corpus}, nor any other that is labelled; write "
            "paths relative to that folder, or name another one with --corpus"
        )


def _files(corpus: Path, digest: hashlib._Hash) -> set[str]:
    """The paths of the corpus; feeds each with the sha256 of its content to `digest`, in order."""
    if not corpus.is_dir():
        what = "not a folder" if corpus.exists() else "no such folder"
        raise SettingError(f"{corpus}: {what}; name the folder of files that was labelled with --corpus")
    paths = sorted(_walk(corpus))
    if not paths:
        raise SettingError(
            f"{corpus}: holds no file; name the folder of files that was labelled with --corpus"
        )
    for path in paths:
        try:
            with (corpus / path).open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SettingError(f"{corpus / path}: cannot be read ({error.strerror})") from error
        digest.update(f"{content}  {path}\n".encode("utf-8", "surrogateescape"))
    return set(paths)


def _walk(corpus: Path) -> Iterator[str]:
    """Every plain file that is not hidden nor in a hidden folder: what ingesting the folder would see."""

    def closed(error: OSError) -> None:
        raise SettingError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for folder, subfolders, names in os.walk(corpus, onerror=closed):
        subfolders[:] = [name for name in subfolders if name[0] != "."]
        for name in names:
            file = Path(folder, name)
            if name[0] != "." and stat.S_ISREG(file.lstat().st_mode):
                yield file.relative_to(corpus).as_posix()
