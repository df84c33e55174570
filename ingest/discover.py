"""Which files there are, and what each document is called.

A document's id is its path relative to the folder it was first ingested through; the folders are
remembered with the index, so that ingesting a subfolder, a single file or the parent later names the
same documents as before.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.exclude import Exclusions
from ingest.walk import Walk
from rag.errors import SettingError

_EXAMPLES = 5
_COMMON = (".md", ".pdf", ".txt", ".html", ".docx", ".ipynb")


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
class PassedOver:
    """How many entries were left out for one reason, and the first few; a folder counts as one."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """What lies under the paths given: sources, and everything else with the reason.

    `skipped` counts files by suffixes nobody reads; `passed` holds what was left out, by reason
    (hidden, excluded and by which file and pattern, links, pipes and the like); `closed` maps a folder
    that cannot be listed, or a file whose name cannot be recorded, to the reason; `folders` are those
    in which a change may matter.
    """

    sources: list[Source] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    passed: dict[str, PassedOver] = field(default_factory=dict)
    closed: dict[Path, str] = field(default_factory=dict)
    scopes: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    def covers(self, path: Path) -> bool:
        """Whether a file at `path` would have been found: absence then means that it is gone."""
        return any(path.is_relative_to(scope) for scope in self.scopes) and not any(
            path.is_relative_to(folder) for folder in self.closed
        )

    def pass_over(self, reason: str, path: Path) -> None:
        """Count something left out."""
        passed = self.passed.setdefault(reason, PassedOver())
        passed.count += 1
        if len(passed.examples) < _EXAMPLES:
            passed.examples.append(str(path))

    def close(self, folder: Path, reason: str) -> None:
        """Record what cannot be listed: nothing below it counts as gone."""
        self.closed[folder] = reason


def discover(
    paths: Sequence[Path],
    suffixes: Sequence[str],
    roots: Sequence[Path],
    index: Path,
    exclusions: Exclusions | None = None,
) -> Found:
    """All readable files under `paths`, in a stable order, each once; a path given by name is meant.

    What is excluded, hidden, a pipe, a socket, a device or the index itself is passed over, and so is
    a link that leads out of the remembered folder around it. Raises SettingError for a path that does
    not exist, a file of a kind nobody reads, a bad pattern, or a folder without anything to read (a
    mistyped or unmounted folder must not look like one that was emptied).
    """
    found = Found()
    seen: set[Path] = set()
    for given in paths:
        path = as_spelt(Path(os.path.abspath(given)))  # noqa: PTH100 - a link is meant, not its target
        before = len(seen)
        for file, root in _files(path, given, found, roots, index, exclusions or Exclusions()):
            if file.suffix.lower() not in suffixes:
                found.skipped[file.suffix.lower() or file.name] += 1
            elif not _is_text(str(file)):
                found.close(file, "its name is not valid UTF-8: rename it")
            elif file not in seen:
                seen.add(file)
                found.sources.append(Source(file, _root(file, root, roots)))
        if len(seen) == before and not any(source.path.is_relative_to(path) for source in found.sources):
            raise SettingError(_nothing(given, path, suffixes, found))
        found.scopes.append(path)
    return found


def folders(
    paths: Sequence[Path], roots: Sequence[Path], index: Path, exclusions: Exclusions | None = None
) -> list[Path]:
    """The folders in which a change may matter to an ingest of `paths`; a missing path has none.

    Raises SettingError for a bad pattern.
    """
    found = Found()
    for given in paths:
        path = Path(os.path.abspath(given))  # noqa: PTH100
        if path.is_file() or path.is_dir():
            for _ in _files(path, given, found, roots, index, exclusions or Exclusions()):
                pass
    return list(dict.fromkeys(found.folders))


def as_spelt(path: Path) -> Path:
    """`path` with each part written as the file system lists it.

    Where upper and lower case or two Unicode forms of a name are one to the file system, the same
    file must not get two ids by how it was typed. A link in the path stays one.
    """
    spelt = Path(path.anchor)
    for part in path.parts[1:]:
        spelt /= _spelling(spelt, part)
    return spelt


def _spelling(folder: Path, name: str) -> str:
    try:
        listed = os.listdir(folder)  # noqa: PTH208 - names are wanted, not paths
        if name in listed:
            return name
        alike = [each for each in listed if _same_name(each, name)]
        return next((each for each in alike if (folder / each).samefile(folder / name)), name)
    except OSError:
        return name


def _same_name(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other).casefold()


def _files(
    path: Path, given: Path, found: Found, roots: Sequence[Path], index: Path, exclusions: Exclusions
) -> Iterator[tuple[Path, Path]]:
    if path.is_file():
        found.folders.append(path.parent)
        yield path, path.parent
        return
    if not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "no such file or folder"
        raise SettingError(f"{given}: {what}")
    top = min((root for root in roots if path.is_relative_to(root)), key=lambda r: len(r.parts), default=path)
    walk = Walk(path, top, exclusions, index.resolve(), found.pass_over, found.close)
    yield from ((file, path) for file in walk.files())
    found.folders += walk.folders


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
    readable = _readable(suffixes)
    for place, reason in found.closed.items():
        if place.is_relative_to(path):
            return f"{place}: {reason}"
    if path.is_file():
        return f"{given}: not a kind of file that is read here; these are: {readable}"
    others = ", ".join(f"{count} {kind}" for kind, count in sorted(found.skipped.items()))
    there = f"; of other kinds there are: {others}" if others else ""
    passed = "".join(f"; {each.count} {reason}" for reason, each in sorted(found.passed.items()))
    return (
        f"{given}: nothing to read in this folder (looked for {readable}{there}{passed}); nothing was changed"
    )


def _readable(suffixes: Sequence[str]) -> str:
    """The kinds that people ask for, and how many there are beside: sixty are no message."""
    shown = [each for each in _COMMON if each in suffixes] or list(suffixes)
    more = len(suffixes) - len(shown)
    return ", ".join(shown) + (f" and {more} more, most of them source code" if more else "")
