"""What is passed over on purpose: ignore files, patterns from the command line, folders of machines.

Four layers, the first that has an opinion decides: `--exclude` patterns; `.lecternignore` files, the
deepest first; `.gitignore` files, the deepest first; what is left out by default. All are written in
the syntax of gitignore (https://git-scm.com/docs/gitignore), and a `!pattern` in a `.lecternignore`
takes back what a layer below it leaves out. What git ignores is most often generated or private, so
it is left out unless a setting says otherwise; the report names the file and the pattern.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.gitignore import Pattern, parse
from rag.errors import DocumentError, SettingError

LECTERNIGNORE = ".lecternignore"
GITIGNORE = ".gitignore"
HIDDEN = "hidden"
BY_DEFAULT = "excluded by default"

# Written by machines for machines, or a program's own state beside the files it works on.
FOLDERS = ("node_modules", "bower_components", "__pycache__", "site-packages", "venv", "*.egg-info",
           "__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")  # fmt: skip
FILES = ("*.min.js", "*.min.css", "*.min.html", "package-lock.json", "npm-shrinkwrap.json", "Thumbs.db",
         "desktop.ini")  # fmt: skip
# Drafts and locks that editors, office programs and downloads leave for a moment.
TEMPORARY = ("*~", "~$*", "#*#", ".#*", "*.sw?", "*.tmp", "*.part", "*.crdownload", ".~lock.*", "4913",
             ".goutputstream-*", ".DS_Store")  # fmt: skip


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))


_FOLDER = _any_of(FOLDERS)
_FILE = _any_of((*FILES, *TEMPORARY))
_TEMPORARY = _any_of(TEMPORARY)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What the user leaves out: gitignore patterns relative to each folder given, and whose files count."""

    patterns: tuple[str, ...] = ()
    gitignore: bool = True


@dataclass(frozen=True, slots=True)
class _Layer:
    """The patterns of one ignore file, for entries below `folder`."""

    shown: str
    folder: Path
    patterns: tuple[Pattern, ...]

    def verdict(self, path: Path, *, is_folder: bool) -> Pattern | None:
        """The last pattern that names this entry."""
        name = path.relative_to(self.folder).as_posix()
        named = (each for each in reversed(self.patterns) if each.names(name, is_folder=is_folder))
        return next(named, None)

    def without(self, path: Path) -> _Layer:
        """The same without the patterns that leave out `path` or a folder above it: it was asked for."""
        steps = [path, *path.parents]
        names = [step.relative_to(self.folder).as_posix() for step in steps[: steps.index(self.folder)]]
        kept = [
            each
            for each in self.patterns
            if each.negated or not any(each.names(name, is_folder=True) for name in names)
        ]
        return _Layer(self.shown, self.folder, tuple(kept))


@dataclass(frozen=True, slots=True)
class _Layers:
    """The ignore files above a folder's entries, the deepest first."""

    lectern: tuple[_Layer, ...] = ()
    git: tuple[_Layer, ...] = ()


class Rules:
    """Why an entry below the folder `top` is passed over; ignore files are read once, when first needed."""

    def __init__(self, top: Path, exclusions: Exclusions) -> None:
        self._top = top
        self._gitignore = exclusions.gitignore
        self._given = _layer("--exclude", top, exclusions.patterns) if exclusions.patterns else None
        self._known: dict[Path, _Layers] = {}

    def why(self, path: Path, *, is_folder: bool) -> str | None:
        """The reason for which this one entry is left out, or None; those above it are not looked at.

        Raises DocumentError for an ignore file that cannot be read, SettingError for a bad pattern.
        """
        if self._given is not None:
            given = self._given.verdict(path, is_folder=is_folder)
            if given is not None:
                return None if given.negated else f"excluded by --exclude {given.text!r}"
        layers = self._layers(path.parent)
        if (reason := _decided(layers.lectern, path, is_folder=is_folder)) is not None:
            return reason or None
        return _decided(layers.git, path, is_folder=is_folder) or _by_default(path, is_folder=is_folder)

    def on_the_way(self, path: Path) -> str | None:
        """The reason for which the walk from `top` does not come to `path`, or None."""
        steps = [path, *path.parents]
        for step in reversed(steps[: steps.index(self._top)]):
            if reason := self.why(step, is_folder=step != path or step.is_dir()):
                return reason
        return None

    def _layers(self, folder: Path) -> _Layers:
        if folder not in self._known:
            above = self._above() if folder == self._top else self._layers(folder.parent)
            self._known[folder] = _Layers(
                (*_read(folder / LECTERNIGNORE), *above.lectern),
                (*(_read(folder / GITIGNORE) if self._gitignore else ()), *above.git),
            )
        return self._known[folder]

    def _above(self) -> _Layers:
        """Ignore files above the folder given: git's as far up as the repository goes."""
        parents = self._top.parents
        inside = _repository(self._top) if self._gitignore else ()
        return _Layers(
            tuple(each.without(self._top) for folder in parents for each in _read(folder / LECTERNIGNORE)),
            tuple(each.without(self._top) for folder in inside for each in _read(folder / GITIGNORE)),
        )


def _repository(folder: Path) -> Sequence[Path]:
    """The folders above this one that belong to the same git repository, the nearest first."""
    for above, each in enumerate((folder, *folder.parents)):
        if os.path.exists(each / ".git"):  # noqa: PTH110 - Path.exists raises where it may not look
            return folder.parents[:above]
    return ()


def is_temporary(name: str) -> bool:
    """Whether a file of this name is an editor's draft or lock, there for a moment only."""
    return _TEMPORARY.match(name) is not None


def _decided(layers: Sequence[_Layer], path: Path, *, is_folder: bool) -> str | None:
    """The reason, "" for an entry that is taken back, None where no layer names it."""
    for layer in layers:
        pattern = layer.verdict(path, is_folder=is_folder)
        if pattern is not None:
            return "" if pattern.negated else f"excluded by {layer.shown}: {pattern.text}"
    return None


def _by_default(path: Path, *, is_folder: bool) -> str | None:
    if (_FOLDER if is_folder else _FILE).match(path.name):
        return BY_DEFAULT
    if path.name[0] == ".":
        return HIDDEN
    # Whatever its name, a folder with this file is a Python environment: other people's packages.
    environment = is_folder and os.path.isfile(path / "pyvenv.cfg")  # noqa: PTH113 - it never raises
    return BY_DEFAULT if environment else None


def _read(file: Path) -> Iterator[_Layer]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        # Reading the folder nevertheless would take in what its owner meant to keep out.
        reason = f"cannot be read ({error.strerror}), so its folder was passed over"
        raise DocumentError(f"{file.name} {reason}") from error
    lines = os.fsdecode(content.removeprefix(b"\xef\xbb\xbf")).splitlines()
    yield _layer(str(file), file.parent, lines, lenient=file.name == GITIGNORE)


def _layer(shown: str, folder: Path, lines: Iterable[str], *, lenient: bool = False) -> _Layer:
    """Raises SettingError for a pattern that is none; git passes over such lines, so do we in its files."""
    patterns: list[Pattern | None] = []
    for number, line in enumerate(lines, start=1):
        try:
            patterns.append(parse(line))
        except ValueError as error:
            if not lenient:
                place = shown if shown.startswith("--") else f"{shown}:{number}"
                raise SettingError(f"{place}: {line!r} is no gitignore pattern: {error}") from error
    return _Layer(shown, folder, tuple(each for each in patterns if each is not None))
