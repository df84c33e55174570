"""Reads a retrieval test collection in BEIR layout, and refuses one that would give a wrong figure.

corpus.jsonl     {"_id", "text", and if it has one "title"}
queries.jsonl    {"_id", "text", and if known "answers" and "answerable"}; other keys are left alone
qrels/test.tsv   a header line, then query-id, corpus-id and score, separated by tabs
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from eval.formats.lines import Line, identified, lines, read_bytes, text_of
from eval.formats.qrels import collect, read_judgements, within
from eval.formats.queries import as_query
from eval.types import Entry, PassageSet
from rag.errors import DocumentError, SettingError
from rag.text import normalise

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = "qrels/test.tsv"
LAYOUT = f"a dataset is a folder in BEIR layout with {CORPUS}, {QUERIES} and {QRELS}"


def is_beir(folder: Path) -> bool:
    """Whether the folder is meant to be in BEIR layout, complete or not."""
    return (folder / CORPUS).exists() or (folder / "qrels").is_dir()


def read_beir(folder: Path, queries: Path | None = None, qrels: Path | None = None) -> PassageSet:
    """The test set in `folder`, with other files in place of its queries or judgements if given.

    `digest` is what `cat corpus.jsonl queries.jsonl qrels/test.tsv | sha256sum` prints, of the files
    that were read. Judgements may be in any form of `eval.formats.qrels`. Raises SettingError where
    the folder or a file is missing, and DocumentError naming file and line of anything that cannot be
    taken as it stands.
    """
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise SettingError(f"{folder}: {what}; {LAYOUT}")
    digest = hashlib.sha256()
    corpus = tuple(_corpus(_read(folder / CORPUS, digest)))
    queries = queries or folder / QUERIES
    asked = {identifier: as_query(*record) for identifier, record in identified(_read(queries, digest))}
    qrels = qrels or folder / QRELS
    if not qrels.exists() and (others := sorted(qrels.parent.glob("*.tsv"))):
        raise SettingError(f"{qrels}: no such file; take another with --qrels {others[0]}")
    known = within(asked, {entry.id for entry in corpus}, (queries.name, CORPUS))
    judged = collect(read_judgements(qrels, _read(qrels, digest)), known)
    return PassageSet(folder.resolve().name, digest.hexdigest(), asked, corpus, judged)


def _read(path: Path, digest: hashlib._Hash) -> list[Line]:
    data = read_bytes(path, LAYOUT)
    digest.update(data)
    return lines(path, data, LAYOUT)


def _corpus(numbered: list[Line]) -> Iterator[Entry]:
    for identifier, (place, record) in identified(numbered):
        title = record.get("title")
        if title is not None and not isinstance(title, str):
            raise DocumentError(f'{place}: "title" must be a string (it is {title!r})')
        yield Entry(identifier, " ".join(normalise(title or "").split()), text_of(place, record))
