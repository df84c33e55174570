"""Files in, a published generation out: what is new is read, what is gone is forgotten."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from ingest import unread
from ingest.dry_run import foretell
from ingest.loading import build_loaders, build_splitter
from ingest.plan import Digests, Plan
from ingest.progress import Progress
from ingest.reading import Read, Reader, build_reader, in_order, size_on_disk
from ingest.report import Report
from ingest.roots import forget_roots, remember_roots
from ingest.signatures import signatures
from ingest.todo import compare, counted, find, living
from rag.build import build_indexer
from rag.config import Settings
from rag.health.copies import duplicates
from rag.indexes.publish import Indexer
from rag.models import build_embedder
from rag.types import Warned

_MOST_THREADS = 4


def ingest(
    settings: Settings,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    rebuild: bool = False,
    quiet: bool = False,
    digests: Digests | None = None,
    cluster: str | None = None,
) -> Report:
    """Bring the index level with the files under `paths`; with `dry_run` only say what that would be.

    `digests` remembers what files hold from one call to the next; `cluster` is the Ray cluster whose nodes
    read and embed. Raises SettingError (wrong path or setting, index of another embedder) before anything
    is changed, IndexBusy, or IndexDamaged. A document that cannot be read is reported, never raised.
    """
    began = time.perf_counter()
    with ExitStack() as stack:
        loaders = build_loaders(settings, stack)
        # A wrong path must not create an index.
        find(settings, paths, loaders, None)
        embedder = build_embedder(settings)
        embedder.count_tokens("")  # a damaged model must not create an index either
        splitter = build_splitter(settings, embedder)
        if dry_run:
            report = foretell(settings, paths, build_reader(settings, loaders, splitter, None), rebuild)
        else:
            before = living(settings) if rebuild else frozenset()
            indexer = stack.enter_context(build_indexer(settings, start_over=rebuild))
            if rebuild:
                forget_roots(indexer.store)
            found = find(settings, paths, loaders, indexer.store)
            remember_roots(indexer.store, found)
            reader = build_reader(settings, loaders, splitter, indexer.store)
            todo = compare(found, indexer.store.documents(), reader, digests)
            report = _carry_out(todo, indexer, _reads(todo, reader, settings, indexer, cluster), quiet=quiet)
            unread.remember(indexer.store, found, todo.write, report.failed)
            if todo.write or todo.gone:
                _tell_duplicates(report, indexer, settings)
            report.removed += len(before - {document.id for document in indexer.store.documents()})
            report.tell(found)
            report.device = embedder.device if indexer.embedded_chunks else None
    report.seconds = time.perf_counter() - began
    return report


def threads(settings: Settings) -> int:
    """How many files are read at once."""
    return settings.ingest.threads or min(_MOST_THREADS, os.cpu_count() or 1)


def _reads(
    todo: Plan, reader: Reader, settings: Settings, indexer: Indexer, cluster: str | None
) -> Iterator[Read]:
    """The files to write, in order, read here or on a cluster."""
    if cluster is None:
        return in_order(todo.write, reader.read, size_on_disk, threads(settings))
    from ingest.on_ray import read_on

    return read_on(cluster, todo.write, todo.moved, settings, reader.key, indexer.embedder_fingerprint)


def _carry_out(todo: Plan, indexer: Indexer, reads: Iterator[Read], *, quiet: bool) -> Report:
    report = counted(todo)
    names = [planned.id for planned in todo.write]
    with Progress(names, lambda: indexer.embedded_chunks, quiet=quiet) as progress:
        written = _record(reads, indexer, report, progress)
        progress.say("publishing")
        # A moved file that could not be read at its new place keeps what was read at the old one.
        kept = {old for new, old in todo.moved.items() if new not in written}
        indexer.remove(name for name in todo.gone if name not in kept)
        report.generation = indexer.publish()
    report.moved = len(written & todo.moved.keys())
    report.written = len(written) - report.moved
    living = indexer.store.documents()
    report.chunks = sum(document.chunks for document in living)
    report.empty_pages = sum(document.empty_pages for document in living)
    report.embedded_chunks, report.embedding_seconds = indexer.embedded_chunks, indexer.embedding_seconds
    return report


def _record(reads: Iterator[Read], indexer: Indexer, report: Report, progress: Progress) -> set[str]:
    """Record what was read; the ids of the documents. Nothing of them is held once this has returned."""
    written: set[str] = set()
    for read in reads:
        if _take(read, indexer, report):
            written.add(read.planned.id)
        progress.file()
    progress.say("embedding")
    indexer.flush()
    return written


def _take(read: Read, indexer: Indexer, report: Report) -> bool:
    """Hand a document to the indexer; False, and why in the report, if it could not be read."""
    report.warnings += read.warnings
    if read.document is None:
        report.failed.append((read.planned.id, read.failed or ""))
        return False
    indexer.add(
        read.document,
        read.chunks,
        source=str(read.planned.source.path),
        empty_pages=read.empty_pages,
        warnings=[Warned(kind, detail) for _, kind, detail in read.warnings],
        embedded=read.vectors,
    )
    return True


def _tell_duplicates(report: Report, indexer: Indexer, settings: Settings) -> None:
    signed = signatures(indexer.store, settings.index)
    report.warnings += [each.warning for each in duplicates(signed)]
