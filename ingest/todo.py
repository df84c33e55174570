"""What an ingest has to do: the files that are there, held against what the record has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.discover import Found, discover
from ingest.exclude import Exclusions
from ingest.loading import shape
from ingest.plan import Digests, Plan, plan
from ingest.reading import Reader
from ingest.report import Report
from ingest.roots import remembered_roots
from rag.build import build_store
from rag.config import Settings
from rag.errors import RagError
from rag.protocols.documents import Loader
from rag.protocols.stores import Store, StoredDocument


def exclusions(settings: Settings) -> Exclusions:
    """What the settings leave out."""
    return Exclusions(tuple(settings.ingest.exclude), settings.ingest.gitignore)


def find(
    settings: Settings, paths: Sequence[Path], loaders: Mapping[str, Loader], store: Store | None
) -> Found:
    """The files under `paths` that there are loaders for, named as the record names them.

    Raises SettingError where a path does not exist or holds nothing that can be read.
    """
    return discover(paths, list(loaders), remembered_roots(store), settings.index, exclusions(settings))


def compare(
    found: Found, stored: Sequence[StoredDocument], reader: Reader, digests: Digests | None = None
) -> Plan:
    """What is new, changed, moved or gone, as `reader` would read it."""

    def shaped(path: Path) -> str:
        return shape(path, reader.loaders, reader.fingerprint)

    return plan(found, stored, shaped, digests.of if digests else None)


def counted(todo: Plan) -> Report:
    """A report of what is known before anything is read."""
    return Report(unchanged=len(todo.unchanged), removed=todo.removed, failed=list(todo.failed))


def living(settings: Settings) -> frozenset[str]:
    """The documents that starting over may lose; none can be told of a record that cannot be read."""
    try:
        store = build_store(settings, read_only=True)
    except RagError:
        return frozenset()
    try:
        return frozenset(document.id for document in store.documents())
    finally:
        store.close()
