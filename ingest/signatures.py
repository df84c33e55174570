"""Signatures of an index's documents, kept beside the record so that each text is signed once.

The file is derived from the record: one that is missing, damaged or of another format is made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from rag.files import unwritten
from rag.health.copies import SIGNATURE_BYTES, signature
from rag.protocols.stores import Store

FILE = "signatures"
_MAGIC = b"lectern signatures 1\n"
_KEY = hashlib.sha256().digest_size


def signatures(store: Store, folder: Path) -> list[tuple[str, bytes]]:
    """Each living document's id and signature, by id; the file in the index `folder` is brought up to date.

    Raises RagError if it cannot be written.
    """
    known = _load(folder / FILE)
    found: list[tuple[str, bytes]] = []
    current: dict[str, bytes] = {}
    for stored in store.documents():
        signed = known.get(stored.digest)
        if signed is None:
            document = store.document(stored.id)
            if document is None:
                continue
            signed = signature(document.text)
        current[stored.digest] = signed
        found.append((stored.id, signed))
    if current != known:
        _save(folder / FILE, current)
    return found


def _load(file: Path) -> dict[str, bytes]:
    try:
        content = file.read_bytes()
    except OSError:
        return {}
    head, body = content[: len(_MAGIC) + _KEY], content[len(_MAGIC) + _KEY :]
    size = _KEY + SIGNATURE_BYTES
    if head != _MAGIC + hashlib.sha256(body).digest() or len(body) % size:
        return {}
    return {body[at : at + _KEY].hex(): body[at + _KEY : at + size] for at in range(0, len(body), size)}


def _save(file: Path, signed: Mapping[str, bytes]) -> None:
    body = b"".join(bytes.fromhex(digest) + each for digest, each in sorted(signed.items()))
    draft = file.with_name(f"{file.name}.new")
    try:
        draft.write_bytes(_MAGIC + hashlib.sha256(body).digest() + body)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritten(file, error) from error
