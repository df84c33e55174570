"""What an ingest would do: every file found is held against what the record knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.discover import Found, Source
from rag.protocols import StoredDocument

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Planned:
    """A file to read: the id it gets and the digest of its content and of what shapes its chunks."""

    source: Source
    id: str
    digest: str


@dataclass(slots=True)
class Plan:
    """What is to be read and what forgotten. `moved` are the ids of files known under another path."""

    write: list[Planned] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    unchanged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def removed(self) -> int:
        """Documents whose file is gone for good."""
        return len(self.gone) - len(self.moved)


def plan(found: Found, stored: Sequence[StoredDocument], shape: Callable[[Path], str]) -> Plan:
    """The plan for what was found. `shape` names all settings that shape a file's chunks."""
    result = Plan(failed=[(str(folder), reason) for folder, reason in sorted(found.closed.items())])
    known = {document.id: document for document in stored}
    present: set[str] = set()
    for source, name in _named(found.sources, stored, result):
        present.add(name)
        try:
            digest = _digest(source.path, shape(source.path))
        except OSError as error:
            result.failed.append((name, f"cannot be read: {error.strerror}"))
            continue
        last = known.get(name)
        if last is not None and last.digest == digest and last.source == str(source.path):
            result.unchanged.append(name)
        else:
            result.write.append(Planned(source, name, digest))
    result.gone = [
        document.id
        for document in stored
        if document.id not in present and found.covers(Path(document.source))
    ]
    _recognise_moves(result, known)
    return result


def _recognise_moves(result: Plan, known: dict[str, StoredDocument]) -> None:
    """A new file with the content of one that is gone is that one, moved."""
    orphans = {known[name].digest for name in result.gone}
    for planned in result.write:
        if planned.id not in known and planned.digest in orphans:
            orphans.discard(planned.digest)
            result.moved.add(planned.id)


def _named(
    sources: Iterable[Source], stored: Sequence[StoredDocument], result: Plan
) -> Iterable[tuple[Source, str]]:
    """Each source with its document id: the one it had, else its path relative to its root.

    Two folders may hold files of the same relative path: the later one's id begins with its
    folder's name. An id whose file is no longer there is free to be taken over.
    """
    ids = {document.source: document.id for document in stored}
    owners = {document.id: document.source for document in stored}
    for source in sources:
        own = str(source.path)
        for name in (ids.get(own), source.name, f"{source.root.name}/{source.name}"):
            if name is None:
                continue
            owner = owners.get(name, own)
            if owner == own or not Path(owner).exists():
                owners[name] = own
                yield source, name
                break
        else:
            owner = owners[source.name]
            way_out = "ingest a folder above both into another index"
            result.failed.append((own, f"its name {source.name!r} belongs to {owner} already: {way_out}"))


def _digest(file: Path, shape: str) -> str:
    digest = hashlib.sha256(shape.encode())
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
