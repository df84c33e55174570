"""Which format a path is in, and reading it: passages with judgements, or files with span labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from eval.formats.beir import LAYOUT as BEIR_LAYOUT
from eval.formats.beir import QRELS, is_beir, read_beir
from eval.formats.spans import QUERIES, is_spans, read_spans
from eval.formats.squad import read_squad
from eval.types import TestSet
from rag.errors import SettingError

SUFFIX = ".json"
LAYOUTS = (
    "a test set is a folder in BEIR layout (corpus.jsonl, queries.jsonl, qrels/test.tsv), a folder with span "
    "labels (queries.jsonl, spans.jsonl, docs/) or a SQuAD-style .json file"
)


def read_test_set(
    path: Path,
    *,
    queries: Path | None = None,
    qrels: Path | None = None,
    corpus: Path | None = None,
    labels: Literal["passages", "spans"] | None = None,
) -> TestSet:
    """The test set at `path`: a folder in BEIR layout or with span labels, or a SQuAD-style file.

    A folder that is both is read as passages unless `labels` says otherwise. `queries` and `qrels` are
    read in place of the folder's own; `corpus` is the folder that span labels speak of. Raises
    SettingError for a path or an option that does not fit, DocumentError for content.
    """
    kind = _kind(path, labels)
    if kind != "spans" and corpus:
        raise SettingError(
            f"--corpus {corpus}: {path} has no span labels, and its passages are its own; leave it out"
        )
    if kind == "spans" and qrels:
        raise SettingError(f"--qrels {qrels}: {path} is read by its span labels; leave it out")
    if kind == "squad" and (other := queries or qrels):
        raise SettingError(
            f"--{'queries' if queries else 'qrels'} {other}: {path} holds its own; leave it out"
        )
    if kind == "squad":
        return read_squad(path)
    if kind == "spans":
        return read_spans(path, queries, corpus)
    return read_beir(path, queries, qrels)


def expand(paths: Iterable[Path]) -> list[Path]:
    """The paths, a folder of test sets replaced by those of its folders that are test sets, sorted.

    Raises SettingError for a path that is neither.
    """
    found: list[Path] = []
    for path in paths:
        if is_test_set(path):
            found.append(path)
            continue
        if not path.is_dir():
            raise SettingError(_nothing(path))
        folders = (child for child in path.iterdir() if child.is_dir() and child.name[0] != ".")
        children = sorted(child for child in folders if is_test_set(child))
        if not children:
            raise SettingError(_nothing(path))
        found += children
    return list(dict.fromkeys(found))


def is_test_set(path: Path) -> bool:
    """Whether the path is meant to be a test set, by its name or by the names of what is in it."""
    if path.is_dir():
        return is_beir(path) or is_spans(path) or (path / QUERIES).is_file()
    return path.is_file() and path.suffix.lower() == SUFFIX


def _kind(path: Path, labels: Literal["passages", "spans"] | None) -> Literal["passages", "spans", "squad"]:
    if not is_test_set(path):
        raise SettingError(_nothing(path))
    if path.is_file():
        if labels == "spans":
            raise SettingError(f"--labels spans: {path} has passages only; leave it out")
        return "squad"
    if labels == "passages" and not is_beir(path):
        raise SettingError(f"--labels passages: {path} has no {QRELS}; {BEIR_LAYOUT}")
    if labels == "spans" and is_beir(path) and not is_spans(path):
        raise SettingError(f"--labels spans: {path} has no spans.jsonl; leave it out")
    return labels or ("passages" if is_beir(path) else "spans")


def _nothing(path: Path) -> str:
    if path.is_dir():
        return f"{path}: holds no test set; {LAYOUTS}"
    what = f"not a {SUFFIX} file" if path.exists() else "no such file or folder"
    return f"{path}: {what}; {LAYOUTS}"
