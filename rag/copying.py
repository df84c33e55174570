"""Carries an index from one store to another without embedding anything again.

Documents go one by one, each in one transaction of the target's; what the target holds already in the
same version is passed over, so that a copy that was stopped goes on where it was. At the end the target
has the source's documents and no other, is published, and is read back whole to be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby

from rag.build import build_indexer, build_store
from rag.config import Settings
from rag.errors import IndexDamaged, IndexMissing, SettingError
from rag.protocols.stores import Store, StoredChunk, StoredDocument

# What a store notes for itself; everything else that was remembered goes along.
_STORES_OWN = frozenset({"format", "published", "record"})


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did: documents carried over, there before, and removed; chunks in all."""

    copied: int
    present: int
    removed: int
    chunks: int
    generation: str


def copy(source: Settings, target: Settings, tell: Callable[[int, int], None]) -> Copied:
    """Make the target's index hold what the source's record does; `tell` hears of documents done, of all.

    Raises IndexMissing without a source, SettingError where both are one or the embedders differ,
    IndexBusy, and IndexDamaged if the target does not give back what it was given.
    """
    if (source.index.resolve(), source.store) == (target.index.resolve(), target.store):
        raise SettingError("--from and --to name the same index: name another to copy to")
    with (
        closing(_opened(source)) as old,
        build_indexer(target, like=old.settings().get("embedder")) as indexer,
    ):
        kept = old.settings()
        if kept.get("embedder") not in (None, indexer.embedder_fingerprint):
            raise SettingError(
                f"{source.index} was made with the embedder {kept.get('embedder')}, the settings of --to "
                f"name {indexer.embedder_fingerprint}: set the same embedder there"
            )
        new = indexer.store
        for name, value in kept.items():
            if name not in _STORES_OWN and new.settings().get(name) != value:
                new.remember(name, value)
        present = _fingerprints(new)
        living = {document.id: document for document in old.documents()}
        done = copied = 0
        for document, chunks in _by_document(old):
            if present.get(document.id) != _fingerprint(document, chunks):
                _carry(old, new, document, chunks)
                copied += 1
            done += 1
            tell(done, len(living))
        surplus = [document.id for document in new.documents() if document.id not in living]
        new.remove(surplus)
        generation = indexer.publish()
        _compare(old, new)
        total = sum(document.chunks for document in living.values())
        return Copied(copied, done - copied, len(surplus), total, generation)


def _opened(settings: Settings) -> Store:
    if not settings.index.exists() and settings.store.name == "sqlite":
        raise IndexMissing(f"there is no index in {settings.index}: name one with --from")
    return build_store(settings, read_only=True)


def _carry(old: Store, new: Store, stored: StoredDocument, chunks: list[StoredChunk]) -> None:
    document = old.document(stored.id)
    if document is None:
        raise IndexDamaged(f"the source changed while it was copied: {stored.id} is gone: run this again")
    new.replace(
        document,
        [each.chunk for each in chunks],
        [each.vectors for each in chunks],
        source=stored.source,
        empty_pages=stored.empty_pages,
        warnings=stored.warnings,
    )


def _by_document(store: Store) -> Iterator[tuple[StoredDocument, list[StoredChunk]]]:
    """Every living document with its chunks, by id."""
    grouped = groupby(store.chunks(), key=lambda each: each.chunk.document_id)
    following = next(grouped, None)
    for document in store.documents():
        chunks: list[StoredChunk] = []
        if following is not None and following[0] == document.id:
            chunks = list(following[1])
            following = next(grouped, None)
        yield document, chunks


def _fingerprints(store: Store) -> dict[str, str]:
    return {document.id: _fingerprint(document, chunks) for document, chunks in _by_document(store)}


def _fingerprint(document: StoredDocument, chunks: list[StoredChunk]) -> str:
    """Over everything that a store gives back of a document but its text, which `digest` stands for."""
    told = (document.source, document.digest, document.chunks, document.empty_pages, document.warnings)
    total = hashlib.sha256(repr(told).encode("utf-8", "backslashreplace"))
    for each in chunks:
        total.update(repr(each.chunk).encode("utf-8", "backslashreplace"))
        total.update(each.vectors.astype("<f4").tobytes())
    return total.hexdigest()


def _compare(old: Store, new: Store) -> None:
    """Raise IndexDamaged, naming the first document, unless both records hold the same."""
    ours, theirs = _fingerprints(old), _fingerprints(new)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            raise IndexDamaged(f"the copy of {name} is not what the source holds: run the same command again")
