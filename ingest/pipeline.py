"""Files in, a published generation out: what is new is read, what is gone is forgotten."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from ingest import unread
from ingest.discover import Found, discover
from ingest.exclude import Exclusions
from ingest.loading import build_loaders, build_splitter, shape
from ingest.plan import Digests, Plan, plan
from ingest.progress import Progress
from ingest.reading import Read, Reader, in_order, size_on_disk
from ingest.report import Report
from ingest.signatures import signatures
from rag.build import build_indexer, build_store
from rag.config import Settings
from rag.errors import RagError, SettingError
from rag.expansion.glossed import agreed
from rag.health.copies import duplicates
from rag.indexes.publish import Indexer
from rag.models import build_embedder
from rag.protocols.documents import Loader, Splitter
from rag.protocols.stores import Store, StoredDocument
from rag.types import Warned

_ROOTS = "roots"
# Under what name the record keeps the key that placeholders of secrets are made with.
_KEY = "placeholder_key"
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
        discover(paths, list(loaders), [], settings.index, exclusions(settings))
        embedder = build_embedder(settings)
        embedder.count_tokens("")  # a damaged model must not create an index either
        splitter = build_splitter(settings, embedder)
        if dry_run:
            report = _foretell(settings, paths, build_reader(settings, loaders, splitter, None), rebuild)
        else:
            before = _living(settings) if rebuild else frozenset()
            indexer = stack.enter_context(build_indexer(settings, start_over=rebuild))
            if rebuild:
                indexer.store.remember(_ROOTS, "[]")
            found = _discover(settings, paths, loaders, indexer.store)
            _remember_roots(indexer.store, found)
            reader = build_reader(settings, loaders, splitter, indexer.store)
            todo = _plan(found, indexer.store.documents(), reader, digests)
            report = _carry_out(todo, indexer, _reads(todo, reader, settings, indexer, cluster), quiet=quiet)
            unread.remember(indexer.store, found, todo.write, report.failed)
            if todo.write or todo.gone:
                _tell_duplicates(report, indexer, settings)
            report.removed += len(before - {document.id for document in indexer.store.documents()})
            report.tell(found)
            report.device = embedder.device if indexer.embedded_chunks else None
    report.seconds = time.perf_counter() - began
    return report


def exclusions(settings: Settings) -> Exclusions:
    """What the settings leave out."""
    return Exclusions(tuple(settings.ingest.exclude), settings.ingest.gitignore)


def threads(settings: Settings) -> int:
    """How many files are read at once."""
    return settings.ingest.threads or min(_MOST_THREADS, os.cpu_count() or 1)


def remembered_roots(store: Store | None) -> list[Path]:
    """The folders that documents are named relative to."""
    return [Path(root) for root in json.loads(store.settings().get(_ROOTS, "[]"))] if store else []


def known_roots(settings: Settings) -> list[Path]:
    """Those of the index as it is; none where there is no record that can be read."""
    try:
        store = build_store(settings, read_only=True)
    except RagError:
        return []
    try:
        return remembered_roots(store)
    finally:
        store.close()


def build_reader(
    settings: Settings, loaders: Mapping[str, Loader], splitter: Splitter, store: Store | None
) -> Reader:
    """What reads files as the settings say.

    Placeholders of secrets are the same in all runs over one index, for its record keeps their key;
    without a store they are this reader's own.
    """
    kept = store.settings().get(_KEY) if store else None
    key = kept or secrets.token_hex(32)
    if store is not None and kept is None:
        store.remember(_KEY, key)
    return Reader(loaders, splitter, settings.ingest.secrets, bytes.fromhex(key))


def _plan(
    found: Found, stored: Sequence[StoredDocument], reader: Reader, digests: Digests | None = None
) -> Plan:
    def shaped(path: Path) -> str:
        return shape(path, reader.loaders, reader.fingerprint)

    return plan(found, stored, shaped, digests.of if digests else None)


def _foretell(settings: Settings, paths: Sequence[Path], reader: Reader, rebuild: bool) -> Report:
    before = _living(settings) if rebuild else frozenset()
    stored: list[StoredDocument] = []
    remembered: Mapping[str, str] = {}
    store = build_store(settings, read_only=True) if _has_record(settings) and not rebuild else None
    found = _discover(settings, paths, reader.loaders, store)
    if store is not None:
        stored, remembered = store.documents(), store.settings()
        if known := remembered.get("embedder"):
            agreed(settings.index, known, build_embedder(settings))
        store.close()
    todo = _plan(found, stored, reader)
    unread.fail_again(todo, remembered)
    report = _counted(todo)
    report.removed += len(before - {planned.id for planned in todo.write})
    report.written = len(todo.write) - len(todo.moved)
    report.moved = len(todo.moved)
    report.dry_run = True
    if _has_record(settings):
        place = shlex.join(["--index", str(settings.index)])
        report.hint = f"`python -m rag doctor {place}` examines what the index holds"
    report.tell(found)
    return report


def _reads(
    todo: Plan, reader: Reader, settings: Settings, indexer: Indexer, cluster: str | None
) -> Iterator[Read]:
    """The files to write, in order, read here or on a cluster."""
    if cluster is None:
        return in_order(todo.write, reader.read, size_on_disk, threads(settings))
    from ingest.on_ray import read_on

    return read_on(cluster, todo.write, todo.moved, settings, reader.key, indexer.embedder_fingerprint)


def _carry_out(todo: Plan, indexer: Indexer, reads: Iterator[Read], *, quiet: bool) -> Report:
    report = _counted(todo)
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


def _counted(todo: Plan) -> Report:
    return Report(unchanged=len(todo.unchanged), removed=todo.removed, failed=list(todo.failed))


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


def _discover(
    settings: Settings, paths: Sequence[Path], loaders: Mapping[str, Loader], store: Store | None
) -> Found:
    return discover(paths, list(loaders), remembered_roots(store), settings.index, exclusions(settings))


def _remember_roots(store: Store, found: Found) -> None:
    roots = sorted({str(source.root) for source in found.sources})
    known = json.loads(store.settings().get(_ROOTS, "[]"))
    if not set(roots) <= set(known):
        store.remember(_ROOTS, json.dumps(sorted({*roots, *known}), ensure_ascii=False))


def _has_record(settings: Settings) -> bool:
    if settings.index.exists() and not settings.index.is_dir():
        raise SettingError(f"index = {str(settings.index)!r} is not a folder")
    folder = settings.index
    return folder.is_dir() and any(not file.name.startswith("lock") for file in folder.iterdir())


def _living(settings: Settings) -> frozenset[str]:
    """The documents that starting over may lose; none can be told of a record that cannot be read."""
    try:
        store = build_store(settings, read_only=True)
    except RagError:
        return frozenset()
    try:
        return frozenset(document.id for document in store.documents())
    finally:
        store.close()
