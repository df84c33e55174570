"""Indexes a dataset once and puts its queries to the retriever that answers questions, mode by mode."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from eval.datasets import Dataset, as_document
from rag.config import Settings
from rag.errors import SettingError
from rag.text import VERSION
from rag.types import Hit, Mode

# recall@100 needs a hundred results of every query.
DEPTH = 100
# The first queries of a process pay for lazy loading; a server's user does not.
WARM_UP = 5
# What an index was made from, kept beside it by --index.
NOTE = "eval.json"

_Item = TypeVar("_Item")


class Searches(Protocol):
    """What is evaluated: the retriever, by what is used of it."""

    def search(self, question: str, *, k: int, mode: Mode) -> list[Hit]: ...


@dataclass(frozen=True, slots=True)
class Run:
    """One mode's results: document ids of each query, best first, and wall times in milliseconds.

    An empty query is never put to the retriever: it has no results and no time.
    """

    results: Mapping[str, list[str]]
    milliseconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Indexed:
    """How the index came to be. `empty` documents have neither text nor title and are not in it."""

    documents: int
    empty: int
    seconds: float
    reused: bool


@dataclass(frozen=True, slots=True)
class System:
    """What was measured: the index's generation, the embedder's fingerprint and where it computed."""

    generation: str
    embedder: str
    device: str


def relevant_settings(settings: Settings) -> dict[str, Any]:
    """The settings that a figure depends on. `mode` and `k` are left out: the evaluation sets them."""
    kept = settings.model_dump(mode="json", include={"embedder", "sparse", "dense", "store", "retriever"})
    for name in ("mode", "k"):
        kept["retriever"].pop(name, None)
    return kept


def index_dataset(dataset: Dataset, settings: Settings) -> Indexed:
    """Bring the dataset into the index at `settings.index`, or keep what an earlier run put there.

    Raises SettingError where that folder holds anything else: an evaluation never adds to an index
    that people use, nor measures one dataset on the index of another.
    """
    note = settings.index / NOTE
    made_from = _made_from(dataset, settings)
    empty = sum(not as_document(entry)[1] for entry in dataset.corpus)
    if settings.index.exists() and not settings.index.is_dir():
        raise SettingError(f"--index {settings.index}: is a file; name a folder")
    if settings.index.is_dir() and any(settings.index.iterdir()):
        _require_same(note, made_from)
        return Indexed(len(dataset.corpus), empty, 0.0, reused=True)
    started = time.perf_counter()
    _write_index(dataset, settings)
    seconds = time.perf_counter() - started
    note.write_text(json.dumps(made_from, indent=2) + "\n", encoding="utf-8")
    say(f"indexed {len(dataset.corpus)} documents in {seconds:.1f} s")
    return Indexed(len(dataset.corpus), empty, seconds, reused=False)


def run_mode(retriever: Searches, queries: Mapping[str, str], mode: Mode) -> Run:
    """Every query's results in this mode, one after the other, timed after a short warm-up."""
    asked = {query: text for query, text in queries.items() if text}
    for text in list(asked.values())[:WARM_UP]:
        retriever.search(text, k=DEPTH, mode=mode)
    results: dict[str, list[str]] = {query: [] for query in queries}
    milliseconds = {}
    for query, text in progress(asked.items(), len(asked), f"{mode} queries"):
        started = time.perf_counter()
        hits = retriever.search(text, k=DEPTH, mode=mode)
        milliseconds[query] = (time.perf_counter() - started) * 1000
        results[query] = [hit.chunk.document_id for hit in hits]
    return Run(results, milliseconds)


def progress(items: Iterable[_Item], total: int, label: str) -> Iterator[_Item]:
    """The items, with a bar on a terminal and one line elsewhere; on stderr either way."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        say(f"{label}: {total}")
    yield from tqdm(items, total=total, desc=label, file=sys.stderr, disable=not sys.stderr.isatty())


def say(line: str) -> None:
    """One line for the person watching; results go to stdout, this does not."""
    print(line, file=sys.stderr, flush=True)


def _write_index(dataset: Dataset, settings: Settings) -> None:
    from rag.build import build_indexer

    with build_indexer(settings) as indexer:
        for entry in progress(dataset.corpus, len(dataset.corpus), "documents"):
            document, chunks = as_document(entry)
            if chunks:
                indexer.add(document, chunks)
        indexer.flush()
        indexer.publish()


def _made_from(dataset: Dataset, settings: Settings) -> dict[str, Any]:
    kept = relevant_settings(settings)
    # How hits are fused is decided at query time: other weights may be tried on the same index.
    del kept["retriever"]
    return {"digest": dataset.digest, "settings": kept, "analyser": VERSION}


def _require_same(note: Path, made_from: Mapping[str, Any]) -> None:
    folder = note.parent
    way_out = f"remove {folder}, or name another folder with --index"
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingError(f"--index {folder}: not empty and not a finished evaluation; {way_out}") from error
    except (OSError, ValueError) as error:
        raise SettingError(f"{note}: cannot be read ({error}); {way_out}") from error
    if found == made_from:
        return
    same = isinstance(found, dict) and found.get("digest") == made_from["digest"]
    what = "the same dataset with other settings or another version" if same else "another dataset"
    raise SettingError(f"--index {folder}: made from {what}; {way_out}")
