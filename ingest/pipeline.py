"""Files in, a published generation out: what is new is read, what is gone is forgotten."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from ingest.discover import Found, discover
from ingest.plan import Plan, Planned, plan
from ingest.progress import Progress
from ingest.report import Report
from rag.backends import build, names
from rag.build import build_embedder, build_indexer, build_store
from rag.config import Backend, Settings
from rag.errors import DocumentError, RagError, SettingError
from rag.indexing import Indexer, check_embedder
from rag.protocols import Embedder, Loader, Splitter, Store, StoredDocument
from rag.types import Document

_LOADERS = "ingest.loaders"
_ROOTS = "roots"
# Changes whenever the same file read with the same settings would give another text.
_FORMAT = "1"


def ingest(
    settings: Settings,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    rebuild: bool = False,
    quiet: bool = False,
) -> Report:
    """Bring the index level with the files under `paths`; with `dry_run` only say what that would be.

    Raises SettingError (wrong path or setting, index of another embedder) before anything is
    changed, IndexBusy, or IndexDamaged. A document that cannot be read is reported, never raised.
    """
    began = time.perf_counter()
    with ExitStack() as stack:
        loaders = build_loaders(settings, stack)
        discover(paths, list(loaders), [], settings.index)  # a wrong path must not create an index
        embedder = build_embedder(settings)
        embedder.count_tokens("")  # a damaged model must not create an index either
        splitter = build_splitter(settings, embedder)
        if dry_run:
            report = _foretell(settings, paths, embedder, splitter, loaders, rebuild)
        else:
            before = _living(settings) if rebuild else frozenset()
            indexer = stack.enter_context(build_indexer(settings, start_over=rebuild))
            if rebuild:
                indexer.store.remember(_ROOTS, "[]")
            found = _discover(settings, paths, loaders, indexer.store)
            _remember_roots(indexer.store, found)
            todo = plan(found, indexer.store.documents(), lambda path: _shape(path, splitter))
            report = _carry_out(todo, indexer, splitter, loaders, quiet=quiet)
            report.removed += len(before - {document.id for document in indexer.store.documents()})
            report.skipped = found.skipped
            report.device = embedder.device if indexer.embedded_chunks else None
    report.seconds = time.perf_counter() - began
    return report


def _foretell(
    settings: Settings,
    paths: Sequence[Path],
    embedder: Embedder,
    splitter: Splitter,
    loaders: Mapping[str, Loader],
    rebuild: bool,
) -> Report:
    before = _living(settings) if rebuild else frozenset()
    stored: list[StoredDocument] = []
    store = build_store(settings, read_only=True) if _has_record(settings) and not rebuild else None
    found = _discover(settings, paths, loaders, store)
    if store is not None:
        stored = store.documents()
        if known := store.settings().get("embedder"):
            check_embedder(settings.index, known, embedder)
        store.close()
    todo = plan(found, stored, lambda path: _shape(path, splitter))
    report = _counted(todo)
    report.removed += len(before - {planned.id for planned in todo.write})
    report.written = len(todo.write) - len(todo.moved)
    report.moved = len(todo.moved)
    report.skipped, report.dry_run = found.skipped, True
    return report


def _carry_out(
    todo: Plan, indexer: Indexer, splitter: Splitter, loaders: Mapping[str, Loader], *, quiet: bool
) -> Report:
    report = _counted(todo)
    written: set[str] = set()
    with Progress(len(todo.write), quiet=quiet) as progress:
        for planned in todo.write:
            if _read(planned, indexer, splitter, loaders, report):
                written.add(planned.id)
            progress.file(indexer.embedded_chunks)
        progress.say("embedding")
        indexer.flush()
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


def _counted(todo: Plan) -> Report:
    return Report(unchanged=len(todo.unchanged), removed=todo.removed, failed=list(todo.failed))


def _read(
    planned: Planned, indexer: Indexer, splitter: Splitter, loaders: Mapping[str, Loader], report: Report
) -> bool:
    """Load, split and hand one document to the indexer; False, and why in the report, if it cannot be."""
    path = planned.source.path
    try:
        loaded = loaders[path.suffix.lower()].load(path)
    except DocumentError as error:
        report.failed.append((planned.id, str(error)))
        return False
    report.warnings += [(planned.id, warning.kind, warning.detail) for warning in loaded.warnings]
    document = Document(planned.id, loaded.text, planned.digest, loaded.metadata, loaded.pages)
    empty = sum(page.start == page.end for page in loaded.pages)
    indexer.add(document, splitter.split(document), source=str(path), empty_pages=empty)
    return True


def _discover(
    settings: Settings, paths: Sequence[Path], loaders: Mapping[str, Loader], store: Store | None
) -> Found:
    roots = json.loads(store.settings().get(_ROOTS, "[]")) if store else []
    return discover(paths, list(loaders), [Path(root) for root in roots], settings.index)


def _remember_roots(store: Store, found: Found) -> None:
    roots = sorted({str(source.root) for source in found.sources})
    known = json.loads(store.settings().get(_ROOTS, "[]"))
    if not set(roots) <= set(known):
        store.remember(_ROOTS, json.dumps(sorted({*roots, *known}), ensure_ascii=False))


def _shape(path: Path, splitter: Splitter) -> str:
    """Names what decides how a file becomes chunks; part of the digest it is recognised by."""
    return f"{_FORMAT} {path.suffix.lower()} {splitter.fingerprint}"


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


def build_loaders(settings: Settings, stack: ExitStack) -> dict[str, Loader]:
    """A loader for every suffix that a module of ingest.loaders names."""
    from importlib import import_module

    found: dict[str, Loader] = {}
    for name in names(_LOADERS):
        options = settings.pdf.model_dump() if name == "pdf" else {}
        loader = cast(Loader, build(name, _LOADERS, Backend(name=name, **options)))
        if close := getattr(loader, "close", None):
            stack.callback(close)
        for suffix in import_module(f"{_LOADERS}.{name}").SUFFIXES:
            found[suffix] = loader
    return found


def build_splitter(settings: Settings, embedder: Embedder) -> Splitter:
    """The splitter, counting in the embedder's tokens."""
    given = {"count_tokens": embedder.count_tokens}
    return cast(Splitter, build("splitter", "ingest.splitters", settings.splitter, **given))
