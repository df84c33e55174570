"""Where indexes and unfinished results are kept: a folder that stays (`--work`), or a temporary one."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.indexing import Indexed, index_key, prepare
from eval.journal import Journal
from eval.systems import System
from eval.types import TestSet
from rag.config import Settings
from rag.errors import SettingError

_UNFINISHED = "unfinished"
_SOURCES = Path(__file__).parents[1]


@cache
def code_digest() -> str:
    """Names the sources that made a figure: results of other code are no part of this run's."""
    digest = hashlib.sha256()
    for package in ("rag", "ingest", "eval"):
        for file in sorted((_SOURCES / package).rglob("*.py")):
            digest.update(file.relative_to(_SOURCES).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


class Workspace:
    """One folder of indexes, each named by what it was made from, and of unfinished results.

    With `index` given, that folder is the one index used.
    """

    def __init__(self, folder: Path, index: Path | None, *, stays: bool) -> None:
        self._folder = folder
        self._index = index
        self._stays = stays
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
        settings = system.settings.model_dump(mode="json", include={"retriever", "generator"})
        facts = [kind, test_set.digest, system.mode, settings, generation, code_digest()]
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        return Journal(self._folder / _UNFINISHED / f"{name}.jsonl")

    def finish(self) -> None:
        """Everything is measured: the next run measures anew, on the indexes that stay."""
        shutil.rmtree(self._folder / _UNFINISHED, ignore_errors=True)


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
