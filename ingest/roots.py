"""The folders that documents are named relative to, as the record remembers them."""

from __future__ import annotations

import json
from pathlib import Path

from ingest.discover import Found
from rag.build import build_store
from rag.config import Settings
from rag.errors import RagError
from rag.protocols.stores import Store

_SETTING = "roots"


def remembered_roots(store: Store | None) -> list[Path]:
    """Those of the record; none without one."""
    return [Path(root) for root in json.loads(store.settings().get(_SETTING, "[]"))] if store else []


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


def remember_roots(store: Store, found: Found) -> None:
    """Add those of what was found to the record's."""
    roots = {str(source.root) for source in found.sources}
    known = set(map(str, remembered_roots(store)))
    if not roots <= known:
        store.remember(_SETTING, json.dumps(sorted(roots | known), ensure_ascii=False))


def forget_roots(store: Store) -> None:
    """As if nothing had been ingested."""
    store.remember(_SETTING, "[]")
