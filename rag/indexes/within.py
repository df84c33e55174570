"""Publishing within a store that searches by itself: nothing is written beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rag import text
from rag.errors import IndexMissing
from rag.indexes.state import EMPTY, generation_name, shifted
from rag.protocols.models import Embedder
from rag.protocols.stores import Changes, Published, SearchingStore

_LOOKED = 1.0  # seconds for which a reader takes what is published for unchanged


def publish_within(store: SearchingStore, embedder: Embedder) -> str:
    """Make the living documents what readers see, unless they do already; the generation's name."""
    base = store.published()
    made_with = {"analyser": text.VERSION, "searched": "within the store"}
    changes = store.changes(base.mark, base.number) if base else Changes(tuple(store.documents()), (), ())
    same = base and (base.embedder, base.made_with) == (embedder.fingerprint, made_with)
    if base and same and not (changes.added or changes.removed):
        return base.generation
    state = shifted(base.state if base else EMPTY, changes.added, changes.removed)
    coming = Published(
        number=max(base.number if base else 0, int(store.settings().get("published", "0"))) + 1,
        generation=generation_name(state, embedder.fingerprint, made_with),
        state=state,
        embedder=embedder.fingerprint,
        made_with=made_with,
        dimension=embedder.dimension,
        documents=(base.documents if base else 0) + len(changes.added) - len(changes.removed),
        chunks=(base.chunks if base else 0)
        + sum(each.chunks for each in changes.added)
        - sum(each.chunks for each in changes.removed),
        mark=store.mark(),
    )
    store.publish(coming, changes)
    return coming.generation


class WatchWithin:
    """Says what is published in a store, asked at most once a second."""

    def __init__(self, open_store: Callable[[], SearchingStore]) -> None:
        """`open_store` is called when first asked, and again until there is an index."""
        self._open_store = open_store
        self._lock = threading.Lock()
        self._looked = -_LOOKED
        self._last: Published | None = None

    def stamp(self) -> object:
        """Changes whenever something is published."""
        with self._lock:
            if time.monotonic() - self._looked >= _LOOKED:
                self._last = self._published()
                self._looked = time.monotonic()
            return None if self._last is None else self._last.number

    def generation(self) -> str | None:
        """The published generation, None without one."""
        self.stamp()
        return self._last.generation if self._last else None

    def _published(self) -> Published | None:
        try:
            return self._open_store().published()
        except IndexMissing:
            return None


def published_within(store: SearchingStore) -> Published:
    """What readers see. Raises IndexMissing."""
    found = store.published()
    if found is None:
        raise IndexMissing("nothing is published in the store yet: run `python -m ingest FOLDER` first")
    return found
