"""Any history of edits, ingested step by step, ends in the index that one clean ingest makes.

Real files, the real ingest and the real model; the generation's name is a digest of its content, so
that equal names mean equal documents, chunks, vectors and search files.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

WORDS = "red foxes|blue whales|green tea|grey herons|绿茶|white swans|black bears|yellow birds".split("|")
NAMES = ["a.md", "b.md", "c.txt", "sub/a.md", "sub/deep/d.md", "sub/e.md", "drafts/f.md", "other/a.md"]
FOLDERS = ["sub", "drafts", "other", "moved", "sub/deep"]
STEPS = 12


class Outcome(Protocol):
    status: int
    err: str

    @property
    def report(self) -> dict[str, Any]: ...


Command = Callable[..., Outcome]


class Folder:
    """A folder that a seeded hand edits."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self._chance = random.Random(seed)  # noqa: S311 - seeded edits, no secret

    def start(self) -> None:
        for name in NAMES:
            self._write(self.root / name)
        (self.root / "always.md").write_text("# Always\n\nThis page stays.\n", "utf-8")

    def edit(self) -> str:
        """One edit of a random kind; its name."""
        kinds = (
            self.add,
            self.change,
            self.move,
            self.copy,
            self.delete,
            self.rename_folder,
            self.swap,
            self.touch,
            self.replace_atomically,
            self.exclude,
            self.include,
            self.link,
            self.delete_folder,
        )
        kind = self._chance.choice(kinds)
        kind()
        return kind.__name__

    def part(self) -> Path:
        """The folder, or a subfolder or a file of it that can be ingested by itself."""
        ignored = (self.root / ".lecternignore").exists()
        parts = [] if ignored else [path.parent for path in self._files()] + self._files()
        return self._chance.choice([self.root, self.root, *parts])

    def add(self) -> None:
        self._write(self.root / self._chance.choice(NAMES))

    change = add

    def move(self) -> None:
        if file := self._file():
            target = self.root / self._chance.choice(FOLDERS) / f"m{self._chance.randrange(3)}.md"
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)

    def copy(self) -> None:
        if file := self._file():
            target = self.root / self._chance.choice(NAMES)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (target.exists() and target.samefile(file)):
                shutil.copyfile(file, target)

    def delete(self) -> None:
        if file := self._file():
            file.unlink()

    def rename_folder(self) -> None:
        folder = self.root / self._chance.choice(FOLDERS)
        target = self.root / self._chance.choice(["moved", "renamed"])
        if folder.is_dir() and not target.exists():
            folder.rename(target)

    def delete_folder(self) -> None:
        shutil.rmtree(self.root / self._chance.choice(FOLDERS), ignore_errors=True)

    def swap(self) -> None:
        one, other = self._file(), self._file()
        if one and other and one != other:
            between = self.root / "between"
            one.rename(between)
            other.rename(one)
            between.rename(other)

    def touch(self) -> None:
        if file := self._file():
            os.utime(file)

    def replace_atomically(self) -> None:
        if file := self._file():
            draft = file.with_name(".draft")
            draft.write_text(self._text(), "utf-8")
            draft.replace(file)

    def exclude(self) -> None:
        lines = self._chance.sample(["drafts/", "a.md", "/sub/*", "!sub/e.md", "m?.md", "moved"], 2)
        (self.root / ".lecternignore").write_text("\n".join(lines), "utf-8")

    def include(self) -> None:
        (self.root / ".lecternignore").unlink(missing_ok=True)

    def link(self) -> None:
        store = self.root / ".store"
        store.mkdir(exist_ok=True)
        target = store / self._chance.choice(["x.md", "y.md"])
        target.write_text(self._text(), "utf-8")
        link = self.root / self._chance.choice(["x.md", "sub/y.md"])
        if link.parent.is_dir() and not link.is_symlink():
            link.symlink_to(target)

    def _file(self) -> Path | None:
        files = self._files()
        return self._chance.choice(files) if files else None

    def _files(self) -> list[Path]:
        """Those that may be edited: always.md keeps the folder from being empty, links are made by `link`."""
        found = sorted(path for path in self.root.rglob("*") if path.suffix in (".md", ".txt"))
        return [p for p in found if not p.is_symlink() and ".store" not in p.parts and p.name != "always.md"]

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._text(), "utf-8")

    def _text(self) -> str:
        words = self._chance.choice(WORDS)
        return f"# About {words}\n\nThe subject is {words}.\n" * self._chance.randrange(1, 3)


@pytest.mark.parametrize("seed", range(25))
def test_a_history_ingested_step_by_step_equals_one_clean_ingest(
    ingest: Command, here: Path, seed: int
) -> None:
    folder = Folder(here / "docs", seed)
    folder.start()
    assert ingest("docs", "--index", "stepwise").status == 0
    history = []
    for step in range(STEPS):
        history.append(folder.edit())
        if step % 3:
            part = folder.part()
            outcome = ingest(part, "--index", "stepwise")
            assert (outcome.status, outcome.report["failed"]) == (0, []), (history, part, outcome.err)
    stepwise, clean = (ingest("docs", "--index", name) for name in ("stepwise", "clean"))
    assert stepwise.report["generation"] == clean.report["generation"], history
    assert stepwise.report["chunks"] == clean.report["chunks"]
    again = ingest("docs", "--index", "stepwise").report
    assert (again["written"], again["removed"], again["moved"], again["embedding"]["chunks"]) == (0, 0, 0, 0)


def test_moving_swapping_and_renaming_embed_nothing(ingest: Command, here: Path) -> None:
    folder = Folder(here / "docs", 0)
    folder.start()
    ingest("docs")
    for edit in (folder.move, folder.swap, folder.rename_folder, folder.touch, folder.copy):
        edit()
        assert ingest("docs").report["embedding"]["chunks"] == 0, edit.__name__
