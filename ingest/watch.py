"""Following folders: every change is ingested as soon as it is whole, until someone says stop.

Each round sets up the watch first and ingests then, so that whatever changes meanwhile begins the
next round: nothing falls between. Folders are watched one by one, not whole trees, so that a link
never leads out and what is excluded costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from ingest.exclude import is_temporary
from rag.errors import IndexBusy, RagError, SettingError

Result = TypeVar("Result")

_STEP_MS = 100  # a change is taken up when nothing more changed for this long
_DEBOUNCE_MS = 1000  # or when this has gone by: files that never rest are not waited for
_PAUSE_S = 0.5


def watch(
    paths: Sequence[Path],
    run: Callable[[], Result],
    *,
    stop: Event,
    folders: Callable[[], Iterable[Path]],
    index: Path,
    say: Callable[[str], None] | None = None,
) -> Result | None:
    """Call `run` now and after every change under `paths`, until `stop` is set or Ctrl-C.

    `folders` names the folders to watch (`ingest.discover.folders`), asked before each round; changes
    of `index` itself do not count. Returns what the last complete run returned. An index that is
    being written is waited for. Errors of the first run are raised, since then nothing could start;
    those of later ones are handed to `say` (default: standard error), and the next change tries again.
    Raises SettingError if the package watchfiles is missing.
    """
    say = say or _to_stderr
    watcher = _Watcher(paths, folders, index.resolve(), stop, say)
    last: Result | None = None
    started = False
    try:
        while not stop.is_set():
            watcher.begin()
            try:
                result = _attempt(run, stop, say)
                last = last if result is None else result
            except (RagError, OSError) as error:
                if not started:
                    raise
                say(f"{error}; still watching")
            started = True
            watcher.wait()
    except KeyboardInterrupt:
        say("stopped")
    finally:
        watcher.end()
    return last


def _attempt(run: Callable[[], Result], stop: Event, say: Callable[[str], None]) -> Result | None:
    """What `run` returns, as soon as nobody else is writing the index; None if told to stop before."""
    told = False
    while not stop.is_set():
        try:
            return run()
        except IndexBusy as busy:
            if not told:
                say(str(busy))
            told = True
            stop.wait(_PAUSE_S)
    return None


class _Watcher:
    """Notices changes: by the operating system's word, or by polling where it has too little memory."""

    def __init__(
        self,
        paths: Sequence[Path],
        folders: Callable[[], Iterable[Path]],
        index: Path,
        stop: Event,
        say: Callable[[str], None],
    ) -> None:
        try:
            from watchfiles import watch as follow
        except ImportError as error:
            raise SettingError(
                "--watch needs the package watchfiles: run `pip install 'lectern[watch]'`"
            ) from error
        self._follow = follow
        self._paths = [path.absolute() for path in paths]
        self._folders = folders
        self._index = index
        self._stop = stop
        self._say = say
        self._poll: bool | None = None
        self._known: list[Path] = []
        self._stream: Generator[set[tuple[Any, str]], None, None] | None = None
        self._there: list[tuple[int, int] | None] = []

    def begin(self) -> None:
        """Notice every change from now on."""
        self.end()
        self._there = self._identities()
        with suppress(SettingError):  # a bad pattern: the run will say so, the last folders will do
            self._known = [folder for folder in self._folders() if folder.is_dir()]
        while self._known and self._stream is None:
            self._stream = self._follow(
                *self._known,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                rust_timeout=1,  # a step without a change ends in an empty set: the moment to look around
                yield_on_timeout=True,
                stop_event=self._stop,
                force_polling=self._poll,
                recursive=False,
                ignore_permission_denied=True,
            )
            try:
                next(self._stream, None)
            except FileNotFoundError:
                self.end()
                return
            except (OSError, RuntimeError) as error:
                self.end()
                if self._poll:
                    raise RagError(f"these folders cannot be watched: {error}") from error
                self._say(f"{error}: looking at every file now and then instead")
                self._poll = True

    def wait(self) -> None:
        """Return after a change that matters, or when told to stop."""
        if self._stream is None:
            self._stop.wait(_PAUSE_S)
            while not any(self._identities()) and not self._stop.wait(_PAUSE_S):
                pass
            return
        for changes in self._stream:
            if any(self._matters(Path(name)) for _, name in changes) or self._identities() != self._there:
                return

    def end(self) -> None:
        """Notice nothing more."""
        if self._stream is not None:
            self._stream.close()
        self._stream = None

    def _matters(self, path: Path) -> bool:
        return not is_temporary(path.name) and not path.is_relative_to(self._index)

    def _identities(self) -> list[tuple[int, int] | None]:
        """What stands at the paths given: a folder that comes back, a file that is replaced, is another."""
        return [_identity(path) for path in self._paths]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
