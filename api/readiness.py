"""Whether what is published is whole: every file of the generation, and the record it was made from.

A file is hashed once and looked at again only when its times or size change, so that asking every
second costs next to nothing. What is in use goes on answering; readiness says that it would not open
again, which an ingest mends.
"""

from __future__ import annotations

import threading

from rag.build import build_store, published
from rag.config import Settings
from rag.errors import IndexBusy, IndexDamaged, RagError
from rag.indexes.generation import MANIFEST, read_manifest, verify
from rag.indexes.reader import is_record_of

_BUSY = "the files of the index are being looked at: ask again in a moment"


class Readiness:
    """Looks at the index of one process; one thread looks, others get what was found last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._looking = threading.Lock()
        self._found: str | RagError = IndexBusy(_BUSY)

    def generation(self) -> str:
        """The generation that is served. Raises IndexMissing, or IndexDamaged naming the first file that
        is missing or not what was written.
        """
        if self._looking.acquire(blocking=False):
            try:
                self._found = self._look()
            except RagError as error:
                self._found = error
            finally:
                self._looking.release()
        if isinstance(self._found, RagError):
            raise self._found
        return self._found

    def _look(self) -> str:
        settings = self._settings
        found = published(settings)
        if not (settings.index / MANIFEST).exists():
            return found.generation  # the store searches by itself, and has no files of its own
        manifest = read_manifest(settings.index)
        verify(settings.index, manifest)
        store = build_store(settings, read_only=True)
        try:
            if not is_record_of(store.settings(), manifest):
                raise IndexDamaged(
                    "the record is not the one that the published generation was made from: run `python -m "
                    "ingest` on your folder again, it publishes what the record holds"
                )
        finally:
            store.close()
        return manifest.generation
