"""What an ingest would do: every file found is held against what the record knows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.discover import Found, Source
from rag.protocols.stores import StoredDocument

_BLOCK = 1 << 20
# A file changed this recently may change again without its time of change showing it: file systems
# count in steps of up to two seconds.
_SETTLED_NS = 2_100_000_000


@dataclass(frozen=True, slots=True)
class Planned:
    """A file to read: the id it gets and the digest of its content and of what shapes its chunks."""

    source: Source
    id: str
    digest: str


@dataclass(slots=True)
class Plan:
    """What is to be read and what forgotten.

    `moved` maps the id of each file known under another path to the id it had there (the same one
    where a whole folder moved).
    """

    write: list[Planned] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def removed(self) -> int:
        """Documents whose file is gone for good."""
        return len(set(self.gone) - set(self.moved.values()))


class Digests:
    """Digests of files, remembered while a process follows a folder: what did not change is not read.

    A file counts as unchanged while its size, both its times and its inode do; one run alone reads
    every file, so that no clock decides what a search finds.
    """

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], str, str]] = {}

    def of(self, file: Path, shape: str) -> str:
        """The digest of the content of `file` and of `shape`. Raises OSError."""
        status = file.stat()
        state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if (last := self._known.get(file)) is not None and last[:2] == (state, shape):
            return last[2]
        began = time.time_ns()
        digest = content_digest(file, shape)
        if began - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
            self._known[file] = (state, shape, digest)
        else:
            self._known.pop(file, None)
        return digest


def plan(
    found: Found,
    stored: Sequence[StoredDocument],
    shape: Callable[[Path], str],
    digest: Callable[[Path, str], str] | None = None,
) -> Plan:
    """The plan for what was found. `shape` names all settings that shape a file's chunks.

    `digest` is `Digests().of` of a process that makes one plan after the other.
    """
    digest_of = digest or content_digest
    result = Plan(failed=[(str(folder), reason) for folder, reason in sorted(found.closed.items())])
    known = {document.id: document for document in stored}
    present: set[str] = set()
    for source, name in _named(found.sources, stored):
        present.add(name)
        try:
            content = digest_of(source.path, shape(source.path))
        except OSError as error:
            result.failed.append((name, f"cannot be read: {error.strerror}"))
            continue
        last = known.get(name)
        if last is not None and last.digest == content and last.source == str(source.path):
            result.unchanged.append(name)
        else:
            result.write.append(Planned(source, name, content))
    result.gone = [
        document.id
        for document in stored
        if document.id not in present and found.covers(Path(document.source))
    ]
    _recognise_moves(result, known)
    return result


def _recognise_moves(result: Plan, known: dict[str, StoredDocument]) -> None:
    """A file with the content of one that is gone is that one, moved."""
    orphans: dict[str, list[str]] = {}
    for name in result.gone:
        orphans.setdefault(known[name].digest, []).append(name)
    for planned in result.write:
        last = known.get(planned.id)
        if last is None and orphans.get(planned.digest):
            result.moved[planned.id] = orphans[planned.digest].pop(0)
        elif last is not None and last.digest == planned.digest:
            result.moved[planned.id] = planned.id


def _named(sources: Iterable[Source], stored: Sequence[StoredDocument]) -> Iterable[tuple[Source, str]]:
    """Each source with its document id: the one it had, else its path relative to its root.

    Two folders may hold files of the same relative path: the later one's id begins with as many
    folders above its root as tell them apart. An id whose file is no longer there is free to be
    taken over.
    """
    ids = {document.source: document.id for document in stored}
    owners = {document.id: document.source for document in stored}
    for source in sources:
        own = str(source.path)
        for name in (ids.get(own), *_names(source)):
            if name is not None and ((owner := owners.get(name, own)) == own or _gone(owner)):
                owners[name] = own
                yield source, name
                break


def _names(source: Source) -> Iterator[str]:
    """The path relative to the root, to the folder above it and so on; last of all the full path."""
    for root in (source.root, *source.root.parents):
        yield source.path.relative_to(root).as_posix()
    yield source.path.as_posix()


def _gone(file: str) -> bool:
    """Whether there is no such file; one that may not be looked at counts as there."""
    try:
        Path(file).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def content_digest(file: Path, shape: str) -> str:
    """Of what a file holds and of what decides how it becomes chunks. Raises OSError."""
    digest = hashlib.sha256(shape.encode())
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
