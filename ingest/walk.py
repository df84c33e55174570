"""The walk through one folder: plain files, and links that stay inside; nothing else is ever opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ingest.exclude import BY_DEFAULT, HIDDEN, Exclusions, Rules
from rag.errors import DocumentError

SPECIAL = "neither a file nor a folder"
INDEX = "the index itself"
LINK_OUT = "link out of the folder"
LINK_NOWHERE = "link that leads nowhere"
LINK_KNOWN = "link to what is read at its own place"
LINK_AGAIN = "link to what is read through another link"


class Walk:
    """One walk below `start`, in a stable order: a folder's files, then its subfolders, by name.

    A link is followed where its target lies inside `top` (the remembered folder that holds `start`)
    and is not reached by itself, because it or a folder above it is hidden or left out by default;
    so every file is met once, under one name. `passed` is told of everything left out and why,
    `closed` of what cannot be listed. `folders` are those that were listed, and those of files reached
    through links: what to watch for changes.
    """

    def __init__(
        self,
        start: Path,
        top: Path,
        exclusions: Exclusions,
        index: Path,
        passed: Callable[[str, Path], None],
        closed: Callable[[Path, str], None],
    ) -> None:
        self.folders: list[Path] = []
        self._start = start
        self._rules = Rules(start, exclusions)
        self._outer = Rules(top, exclusions) if top != start else self._rules
        self._homes = [(start.resolve(), start, self._rules), (top.resolve(), top, self._outer)]
        self._index = index
        self._passed = passed
        self._closed = closed
        self._linked: set[Path] = set()

    def files(self) -> Iterator[Path]:
        """Every file that may be opened."""
        pending = [(self._start, False)]
        while pending:
            folder, linked = pending.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
                self.folders.append(folder)
                files, subfolders = self._sorted_out(folder, entries, linked=linked)
            except OSError as error:
                self._closed(folder, error.strerror or str(error))
                continue
            except DocumentError as error:
                self._closed(folder, str(error))
                continue
            yield from files
            pending += reversed(subfolders)

    def _sorted_out(
        self, folder: Path, entries: list[os.DirEntry[str]], *, linked: bool
    ) -> tuple[list[Path], list[tuple[Path, bool]]]:
        """What to read and where to go on (`linked`: reached through a link)."""
        files: list[Path] = []
        subfolders: list[tuple[Path, bool]] = []
        for entry in entries:
            path = folder / entry.name
            kind = _kind(entry)
            if is_link := kind == stat.S_IFLNK:
                kind = self._follow(path)
            elif reason := self._why(path, kind) or (
                LINK_AGAIN if linked and not self._first(path) else None
            ):
                kind = self._pass(reason, path)
            if kind == stat.S_IFDIR:
                subfolders.append((path, linked or is_link))
            elif kind == stat.S_IFREG:
                files.append(path)
        return files, subfolders

    def _why(self, path: Path, kind: int) -> str | None:
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            return SPECIAL
        if kind == stat.S_IFDIR and path.name == self._index.name and path.resolve() == self._index:
            return INDEX
        return self._rules.why(path, is_folder=kind == stat.S_IFDIR)

    def _first(self, path: Path) -> bool:
        """Whether this file or folder below a linked folder is met for the first time."""
        real = path.resolve()
        if real in self._linked:
            return False
        self._linked.add(real)
        return True

    def _follow(self, link: Path) -> int:
        """The kind of the file or folder behind the link, 0 if it is not to be read through it."""
        try:
            target = link.resolve(strict=True)
            kind = stat.S_IFMT(target.stat().st_mode)
        except (OSError, RuntimeError):  # RuntimeError is pathlib's word for links in a circle
            return self._pass(LINK_NOWHERE, link)
        if reason := self._why(link, kind) or self._leads(target):
            return self._pass(reason, link)
        if target in self._linked:
            return self._pass(LINK_AGAIN, link)
        self._linked.add(target)
        if kind == stat.S_IFREG:
            self.folders.append(target.parent)
        return kind

    def _leads(self, target: Path) -> str | None:
        """Why a link to `target` is not followed."""
        if target == self._index or target.is_relative_to(self._index):
            return INDEX
        for real, shown, rules in self._homes:
            if target.is_relative_to(real):
                reason = rules.on_the_way(shown / target.relative_to(real))
                if reason is None:
                    return LINK_KNOWN
                return None if reason in (HIDDEN, BY_DEFAULT) else reason
        return LINK_OUT

    def _pass(self, reason: str, path: Path) -> int:
        self._passed(reason, path)
        return 0


def _kind(entry: os.DirEntry[str]) -> int:
    """S_IFLNK, S_IFDIR, S_IFREG or another; what may not be looked at is taken for a file.

    The reader will say what is the matter with it.
    """
    try:
        if entry.is_symlink():
            return stat.S_IFLNK
        if entry.is_dir(follow_symlinks=False):
            return stat.S_IFDIR
        if entry.is_file(follow_symlinks=False):
            return stat.S_IFREG
        return stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return 0
    except OSError:
        return stat.S_IFREG
