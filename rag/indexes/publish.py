"""The write path: documents and their chunks are embedded, recorded and published.

Documents wait until their chunks fill a batch, are embedded together and committed one by one; a
process killed at any moment loses only what was waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from rag import text
from rag.errors import IndexDamaged, IndexMissing, RagError
from rag.expansion.glossed import agreed
from rag.files import DAMAGED, MISSING, faults
from rag.indexes.generation import Manifest, files_of, publish, read_manifest
from rag.indexes.lock import free_lock, take_lock
from rag.indexes.reader import RECORD, is_record_of, stamped
from rag.indexes.segments import Writer
from rag.indexes.state import EMPTY, generation_name, shifted
from rag.indexes.vectors import ChunkVectors
from rag.indexes.within import publish_within
from rag.protocols.legs import DenseIndex, SparseIndex
from rag.protocols.models import Embedder
from rag.protocols.stores import Changes, SearchingStore, Store
from rag.types import Chunk, Document, Vectors, Warned

_BATCH_CHUNKS = 512
_NO_VECTORS: Mapping[str, Vectors] = {}


@dataclass(frozen=True, slots=True)
class _Waiting:
    document: Document
    chunks: Sequence[Chunk]
    source: str
    empty_pages: int
    warnings: Sequence[Warned]
    embedded: Mapping[str, Vectors]


class Indexer:
    """The one writer of an index folder; use as a context manager, which takes and frees its lock."""

    def __init__(
        self,
        folder: Path,
        open_store: Callable[[], Store],
        embedder: Embedder,
        sparse: SparseIndex,
        dense: DenseIndex,
        made_with: Mapping[str, str],
        *,
        start_over: bool = False,
    ) -> None:
        self._folder = folder
        self._open_store = open_store
        self._embedder = embedder
        self._sparse = sparse
        self._dense = dense
        self._start_over = start_over
        self._made_with = {**made_with, "analyser": text.VERSION}
        self._waiting: list[_Waiting] = []
        self._waiting_chunks = 0

    def __enter__(self) -> Indexer:
        """Take the lock and open the record.

        Raises IndexBusy naming the holder, or SettingError if the index is of another embedder.
        """
        with ExitStack() as leaving:
            lock = take_lock(self._folder)
            leaving.callback(free_lock, self._folder, lock)
            self.store = self._open_store()
            leaving.callback(self.store.close)
            self._manifest = self._published()
            if self._start_over:
                self.store.clear()
                self.store.remember("embedder", self._embedder.fingerprint)
            known = self.store.settings().get("embedder", self._embedder.fingerprint)
            self._embedder = agreed(self._folder, known, self._embedder)
            self._vectors = ChunkVectors(self._embedder, self.store.known)
            self._leaving = leaving.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.close()

    @property
    def embedder_fingerprint(self) -> str:
        """Names the embedder whose vectors the index holds."""
        return self._embedder.fingerprint

    @property
    def embedded_chunks(self) -> int:
        """Different texts of chunks that were embedded."""
        return self._vectors.made

    @property
    def embedding_seconds(self) -> float:
        """How long that took."""
        return self._vectors.seconds

    def add(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        source: str = "",
        empty_pages: int = 0,
        warnings: Sequence[Warned] = (),
        embedded: Mapping[str, Vectors] = _NO_VECTORS,
    ) -> None:
        """Have a document indexed; it is recorded when its batch is full or at `flush`.

        `source` is the full path of its file, `empty_pages` how many of its pages hold no text,
        `warnings` what was said when it was read, `embedded` the vectors of those of its chunks' texts that
        were embedded already, float32 (windows, dimension).
        """
        self._waiting.append(_Waiting(document, chunks, source, empty_pages, warnings, embedded))
        self._waiting_chunks += len(chunks)
        if self._waiting_chunks >= _BATCH_CHUNKS:
            self.flush()

    def flush(self) -> None:
        """Embed and record every waiting document."""
        if not self._waiting:
            return
        given = {name: own for waiting in self._waiting for name, own in waiting.embedded.items()}
        chunks = [chunk for waiting in self._waiting for chunk in waiting.chunks]
        embedded = self._vectors.of(chunks, given)
        # Before anything is remembered of an embedder whose vectors are no numbers.
        embedded = chain(list(islice(embedded, 1)), embedded)
        self.store.remember("embedder", self._embedder.fingerprint)
        for waiting in self._waiting:
            self.store.replace(
                waiting.document,
                waiting.chunks,
                # Made while they are recorded: together those of a large document take as much as its text.
                islice(embedded, len(waiting.chunks)),
                source=waiting.source,
                empty_pages=waiting.empty_pages,
                warnings=waiting.warnings,
            )
        self._waiting.clear()
        self._waiting_chunks = 0

    def remove(self, document_ids: Iterable[str]) -> None:
        """Forget documents, those just added as well; they answer until `publish`."""
        self.flush()
        self.store.remove(document_ids)

    def publish(self) -> str:
        """Flush, make the living documents a generation if they are not one already, and name it.

        What is published already is built upon: the cost is that of the changes. Only where it was made
        otherwise, or is damaged, is everything written anew from the record.
        """
        self.flush()
        if isinstance(self.store, SearchingStore):
            self._start_over = False
            return publish_within(self.store, self._embedder)
        self._manifest = self._published()  # as it is: a publish may have failed after it was seen
        base = self._base()
        changes = self.store.changes(base.mark, base.number) if base else self._everything()
        if base and not (changes.added or changes.removed):
            if self._is_intact(base):
                return base.generation
            base, changes = None, self._everything()
        try:
            return self._publish(base, changes)
        except IndexDamaged:  # a segment that was to be merged
            return self._publish(None, self._everything())

    def _publish(self, base: Manifest | None, changes: Changes) -> str:
        number = max(self._manifest.number if self._manifest else 0, self._last_published()) + 1
        chunks = self.store.chunks(base.mark if base else 0)
        writer = Writer(self._folder, self._embedder.dimension, self._sparse, self._dense)
        count = sum(document.chunks for document in changes.added)
        segments = writer.write(number, base, chunks, count, changes.removed_keys)
        state = shifted(base.state if base else EMPTY, changes.added, changes.removed)
        stamp = uuid4().hex
        published = self._manifest.record if self._manifest else ""
        self.store.remember(RECORD, stamped(self.store.settings(), stamp, published))
        manifest = Manifest(
            number=number,
            generation=generation_name(state, self._embedder.fingerprint, self._made_with),
            state=state,
            embedder=self._embedder.fingerprint,
            made_with=self._made_with,
            documents=(base.documents if base else 0) + len(changes.added) - len(changes.removed),
            chunks=sum(segment.living for segment in segments),
            segments=segments,
            record=stamp,
            mark=self.store.mark(),
        )
        publish(self._folder, manifest, self._manifest)
        self.store.collect(number)
        self._manifest, self._start_over = manifest, False
        return manifest.generation

    def _everything(self) -> Changes:
        return Changes(tuple(self.store.documents()), (), ())

    def _base(self) -> Manifest | None:
        """What is published, if the next generation can be made from it and the record's changes."""
        manifest = self._manifest
        if manifest is None or self._start_over:
            return None
        if (self._embedder.fingerprint, self._made_with) != (manifest.embedder, manifest.made_with):
            return None
        if not is_record_of(self.store.settings(), manifest) or self._last_published() != manifest.number:
            return None
        return manifest if all(file.is_file() for file, _ in files_of(self._folder, manifest)) else None

    def _is_intact(self, manifest: Manifest) -> bool:
        """Whether every file is what was written. Raises RagError for one that cannot be read just now."""
        for file, fault in faults(files_of(self._folder, manifest)):
            if fault not in (MISSING, DAMAGED):
                raise RagError(f"{file} {fault}: see to that and run this again")
            return False
        return True

    def _published(self) -> Manifest | None:
        """The manifest, if there is one. After a kill between it and the record, the record follows."""
        try:
            manifest = read_manifest(self._folder)
        except (IndexMissing, IndexDamaged):
            return None
        known = is_record_of(self.store.settings(), manifest)
        if known and self._last_published() == manifest.number - 1:
            self.store.collect(manifest.number)
        return manifest

    def _last_published(self) -> int:
        """The last publish that the record knows of."""
        return int(self.store.settings().get("published", "0"))
