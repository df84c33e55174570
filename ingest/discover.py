"""Which files there are, and what each document is called.

A document's id is its path relative to the folder it was first ingested through; the folders are
remembered with the index, so that ingesting a subfolder, a single file or the parent later names the
same documents as before.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import SettingError


@dataclass(frozen=True, slots=True)
class Source:
    """A file to ingest: its full path and the remembered folder that its id is relative to."""

    path: Path
    root: Path

    @property
    def name(self) -> str:
        """The path relative to the root, with forward slashes."""
        return self.path.relative_to(self.root).as_posix()


@dataclass(slots=True)
class Found:
    """What lies under the paths given: sources, suffixes nobody reads, and what would not open.

    `closed` maps a folder that cannot be listed, or a file whose name cannot be recorded, to the reason.
    """

    sources: list[Source] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    closed: dict[Path, str] = field(default_factory=dict)
    scopes: list[Path] = field(default_factory=list)

    def covers(self, path: Path) -> bool:
        """Whether a file at `path` would have been found: absence then means that it is gone."""
        return any(path.is_relative_to(scope) for scope in self.scopes) and not any(
            path.is_relative_to(folder) for folder in self.closed
        )


def discover(paths: Sequence[Path], suffixes: Sequence[str], roots: Sequence[Path], index: Path) -> Found:
    """All readable files under `paths`, in a stable order, each once.

    Hidden files and folders, symbolic links, pipes, sockets, devices and the index itself are passed
    over. Raises SettingError for a path that does not exist, a file of a kind nobody reads, or a
    folder without anything to read (a mistyped or unmounted folder must not look like one that was
    emptied).
    """
    found = Found()
    seen: set[Path] = set()
    for given in paths:
        path = Path(os.path.abspath(given))  # noqa: PTH100 - a link given by name is meant, not its target
        before = len(seen)
        for file, root in _files(path, given, found, index.resolve()):
            if file.suffix.lower() not in suffixes:
                found.skipped[file.suffix.lower() or file.name] += 1
            elif not _is_text(str(file)):
                found.closed[file] = "its name is not valid UTF-8: rename it"
            elif file not in seen:
                seen.add(file)
                found.sources.append(Source(file, _root(file, root, roots)))
        if len(seen) == before and not any(source.path.is_relative_to(path) for source in found.sources):
            raise SettingError(_nothing(given, path, suffixes, found))
        found.scopes.append(path)
    return found


def _files(path: Path, given: Path, found: Found, index: Path) -> Iterator[tuple[Path, Path]]:
    if path.is_file():
        yield path, path.parent
        return
    if not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "no such file or folder"
        raise SettingError(f"{given}: {what}")

    def closed(error: OSError) -> None:
        found.closed[Path(error.filename)] = error.strerror or str(error)

    for folder, subfolders, names in os.walk(path, onerror=closed):
        here = Path(folder)
        subfolders[:] = sorted(name for name in subfolders if name[0] != "." and not _is(here / name, index))
        for name in sorted(names):
            if name[0] != "." and _is_plain(here / name):
                yield here / name, path


def _is(folder: Path, index: Path) -> bool:
    return folder.name == index.name and folder.resolve() == index


def _is_plain(file: Path) -> bool:
    """Whether it may be opened: a pipe would block for ever, a link could lead anywhere."""
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it is there, and the reader will say what is the matter with it


def _is_text(path: str) -> bool:
    """Whether the record can hold the path: names are bytes to the system and need not be text."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _root(file: Path, given: Path, roots: Sequence[Path]) -> Path:
    """The deepest remembered folder above the file, else the one given now."""
    above = [root for root in roots if file.is_relative_to(root)]
    return max(above, key=lambda root: len(root.parts), default=given)


def _nothing(given: Path, path: Path, suffixes: Sequence[str], found: Found) -> str:
    readable = ", ".join(suffixes)
    for place, reason in found.closed.items():
        if place.is_relative_to(path):
            return f"{place}: {reason}"
    if path.is_file():
        return f"{given}: not a kind of file that is read here; these are: {readable}"
    return f"{given}: nothing to read in this folder (looked for {readable}); nothing was changed"
