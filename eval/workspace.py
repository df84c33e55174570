"""Where indexes and unfinished results are kept: a folder that stays (`--work`), or a temporary one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.code import code_digest
from eval.indexing import Indexed, index_key, prepare
from eval.journal import Journal
from eval.systems import System
from eval.types import TestSet
from rag.config import Settings
from rag.errors import SettingError

_UNFINISHED = "unfinished"


class Workspace:
    """One folder of indexes, each named by what it was made from, and of unfinished results.

    With `index` given, that folder is the one index used.
    """

    def __init__(self, folder: Path, index: Path | None, *, stays: bool) -> None:
        self._folder = folder
        self._index = index
        self._stays = stays
        self._journals: list[Path] = []
        self._prepared: dict[str, Indexed] = {}

    def indexed(self, test_set: TestSet, settings: Settings) -> tuple[Settings, Indexed]:
        """The settings, their index being the one for this test set under them, and how it came to be."""
        name = f"{test_set.name}-{index_key(test_set, settings)}"
        settings = settings.model_copy(update={"index": self._index or self._folder / name})
        if name not in self._prepared:
            self._prepared[name] = prepare(test_set, settings, ours=self._index is None)
        return settings, self._prepared[name]

    def journal(self, kind: str, test_set: TestSet, system: System, generation: str) -> Journal:
        """What an interrupted run of this very system on this very test set had finished."""
        if not self._stays:
            return Journal(None)
        settings = system.settings.model_dump(mode="json", exclude={"index", "api"})
        facts = [kind, test_set.digest, system.mode, settings, generation, code_digest()]
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        self._journals.append(self._folder / _UNFINISHED / f"{name}.jsonl")
        return Journal(self._journals[-1])

    def finish(self) -> None:
        """Everything is measured and written: the next run measures anew, on the indexes that stay."""
        for journal in self._journals:
            journal.unlink(missing_ok=True)
        with suppress(OSError):  # another command's unfinished results stay
            (self._folder / _UNFINISHED).rmdir()


@contextmanager
def open_workspace(work: Path | None, index: Path | None) -> Iterator[Workspace]:
    """The workspace at `work`, or a temporary one. Raises SettingError if `work` is no folder."""
    if work is None:
        with TemporaryDirectory(prefix="lectern-eval-") as made:
            yield Workspace(Path(made), index, stays=False)
        return
    if work.exists() and not work.is_dir():
        raise SettingError(f"--work {work}: is a file; name a folder")
    yield Workspace(work, index, stays=True)
