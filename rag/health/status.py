"""What an index holds and whether its files are what was written."""

from __future__ import annotations

from typing import Any

from rag.build import build_embedder, build_store
from rag.config import Settings
from rag.errors import IndexDamaged
from rag.indexes.generation import files_of, read_manifest, verify
from rag.indexes.publish import state_of


def status(settings: Settings) -> dict[str, Any]:
    """Facts of the index. `intact` is whether every published file has its recorded checksum;
    `unpublished` whether the record holds changes that searches do not see yet.

    `device` is where and in which precision the embedder computes here, for which it is loaded. Raises
    IndexMissing or IndexDamaged if there is no index to speak of, SettingError if there is no embedder.
    """
    manifest = read_manifest(settings.index)
    embedder = build_embedder(settings)
    store = build_store(settings, read_only=True)
    living = store.documents()
    store.close()
    files = [file for file, _ in files_of(settings.index, manifest)]
    damage = _damage(settings)
    return {
        "index": str(settings.index),
        "generation": manifest.generation,
        "number": manifest.number,
        "documents": manifest.documents,
        "chunks": manifest.chunks,
        "empty_pages": sum(document.empty_pages for document in living),
        "unpublished": state_of(living) != manifest.state,
        "intact": damage is None,
        "damage": damage,
        "embedder": manifest.embedder,
        "embedder_set": embedder.fingerprint,
        "device": embedder.device,
        "generator": settings.generator.name,
        "segments": len(manifest.segments),
        "bytes": sum(file.stat().st_size for file in files if file.is_file()),
    }


def _damage(settings: Settings) -> str | None:
    try:
        verify(settings.index, read_manifest(settings.index))
    except IndexDamaged as error:
        return str(error)
    return None
