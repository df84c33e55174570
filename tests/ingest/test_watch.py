"""A watch that ingests every change and outlives whatever happens to its folders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.discover import folders
from ingest.watch import watch
from rag.errors import IndexBusy, RagError, SettingError

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 30.0  # a guard against hanging, no measure


class Watching:
    """A watch in a thread; each of its runs records the files it saw and their text."""

    def __init__(self, *paths: Path, index: Path, during: Callable[[int], None] | None = None) -> None:
        self.seen: list[dict[str, str]] = []
        self.said: list[str] = []
        self.last: object = None
        self._paths = paths
        self._index = index
        self._during = during
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        self.last = watch(
            self._paths,
            self._run,
            stop=self._stop,
            folders=lambda: folders(self._paths, [], self._index),
            index=self._index,
            say=self.said.append,
        )

    def _run(self) -> int:
        seen: dict[str, str] = {}
        for path in self._paths:
            if not path.exists():
                raise SettingError(f"{path}: no such file or folder")
            files = [path] if path.is_file() else sorted(path.rglob("*.md"))
            seen |= {file.name: file.read_text("utf-8") for file in files}
        number = len(self.seen) + 1
        if self._during is not None:
            self._during(number)
        self.seen.append(seen)
        return number

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, (self.seen[-3:], self.said)
            assert self._thread.is_alive(), self.said
            time.sleep(0.02)

    def until_seen(self, name: str, text: str) -> None:
        self.until(lambda: bool(self.seen) and self.seen[-1].get(name) == text)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("first", "utf-8")
    return tmp_path / "docs"


@pytest.fixture
def watching(docs: Path, tmp_path: Path) -> Iterator[Watching]:
    started = Watching(docs, index=tmp_path / "index")
    started.until(lambda: len(started.seen) >= 1)
    yield started
    started.end()
    assert started.last == len(started.seen)


def test_a_change_an_addition_and_a_removal_are_each_followed(watching: Watching, docs: Path) -> None:
    assert watching.seen == [{"a.md": "first"}]
    (docs / "a.md").write_text("second", "utf-8")
    watching.until_seen("a.md", "second")
    (docs / "b.md").write_text("new", "utf-8")
    watching.until_seen("b.md", "new")
    (docs / "a.md").unlink()
    watching.until(lambda: watching.seen[-1] == {"b.md": "new"})


def test_a_folder_made_later_is_followed_too(watching: Watching, docs: Path) -> None:
    (docs / "sub" / "deep").mkdir(parents=True)
    (docs / "sub" / "deep" / "b.md").write_text("deep", "utf-8")
    watching.until_seen("b.md", "deep")
    (docs / "sub" / "deep" / "b.md").write_text("deeper", "utf-8")
    watching.until_seen("b.md", "deeper")


def test_a_file_saved_by_replacing_it_is_followed_each_time(watching: Watching, docs: Path) -> None:
    for text in ("second", "third"):
        (docs / ".a.md.swp").write_text(text, "utf-8")
        (docs / ".a.md.swp").replace(docs / "a.md")
        watching.until_seen("a.md", text)


def test_drafts_of_editors_begin_no_run(watching: Watching, docs: Path) -> None:
    for name in (".a.md.swp", "4913", "a.md~", ".#a.md"):
        (docs / name).write_text("draft", "utf-8")
        (docs / name).unlink()
    time.sleep(0.5)
    assert len(watching.seen) == 1


def test_a_folder_that_disappears_and_comes_back_is_followed_again(watching: Watching, docs: Path) -> None:
    shutil.rmtree(docs)
    watching.until(lambda: any("no such file or folder; still watching" in line for line in watching.said))
    time.sleep(0.3)
    docs.mkdir()
    (docs / "a.md").write_text("back", "utf-8")
    watching.until_seen("a.md", "back")
    (docs / "a.md").write_text("and changed", "utf-8")
    watching.until_seen("a.md", "and changed")


def test_a_thousand_files_at_once_take_few_runs(watching: Watching, docs: Path) -> None:
    for number in range(1000):
        (docs / f"{number}.md").write_text("many", "utf-8")
    watching.until(lambda: len(watching.seen[-1]) == 1001)
    assert len(watching.seen) < 100


def test_a_change_while_a_run_is_going_on_begins_another(docs: Path, tmp_path: Path) -> None:
    def during(number: int) -> None:
        if number == 1:
            (docs / "late.md").write_text("late", "utf-8")

    started = Watching(docs, index=tmp_path / "index", during=during)
    started.until_seen("late.md", "late")
    assert "late.md" not in started.seen[0]
    started.end()


def test_what_a_run_writes_into_the_index_inside_the_folder_begins_no_other(docs: Path) -> None:
    def during(number: int) -> None:
        (docs / "index" / "generations").mkdir(parents=True, exist_ok=True)
        (docs / "index" / "record").write_text(str(number), "utf-8")

    started = Watching(docs, index=docs / "index", during=during)
    (docs / "index").mkdir(exist_ok=True)
    started.until(lambda: len(started.seen) >= 1)
    time.sleep(0.5)
    assert len(started.seen) <= 2
    started.end()


def test_a_single_file_is_followed_through_its_replacements(docs: Path, tmp_path: Path) -> None:
    started = Watching(docs / "a.md", index=tmp_path / "index")
    started.until_seen("a.md", "first")
    for text in ("second", "third"):
        (docs / "new").write_text(text, "utf-8")
        (docs / "new").replace(docs / "a.md")
        started.until_seen("a.md", text)
    started.end()


def test_errors_of_later_runs_are_told_and_a_busy_index_is_waited_for(docs: Path, tmp_path: Path) -> None:
    troubles: list[Exception] = [RagError("the disk is full"), IndexBusy("held by process 1")]
    again: list[int] = []

    def during(number: int) -> None:
        if number == 2 and troubles:
            again.append(number)
            raise troubles.pop()

    started = Watching(docs, index=tmp_path / "index", during=during)
    started.until(lambda: len(started.seen) == 1)
    (docs / "a.md").write_text("second", "utf-8")
    started.until(lambda: not troubles)
    started.until(lambda: started.said[-1:] == ["the disk is full; still watching"])
    (docs / "a.md").write_text("third", "utf-8")
    started.until_seen("a.md", "third")
    assert started.said == ["held by process 1", "the disk is full; still watching"]
    started.end()


def test_an_error_of_the_first_run_is_raised(tmp_path: Path) -> None:
    def run() -> int:
        raise SettingError("docs: no such file or folder")

    stop = threading.Event()
    with pytest.raises(SettingError, match="no such file"):
        watch([tmp_path], run, stop=stop, folders=lambda: [tmp_path], index=tmp_path / "index")


SCRIPT = """
import sys, threading
from pathlib import Path
from ingest.watch import watch
docs = Path(sys.argv[1])
runs = []
def run():
    runs.append(sorted(path.name for path in docs.iterdir()))
    print("run", *runs[-1], flush=True)
    return runs[-1]
last = watch([docs], run, stop=threading.Event(), folders=lambda: [docs], index=docs / "index")
print("last", *last, flush=True)
"""


def test_ctrl_c_ends_the_watch_with_the_last_report(docs: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(docs)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "run a.md\n"
        (docs / "b.md").write_text("new", "utf-8")
        while (line := process.stdout.readline()) != "run a.md b.md\n":
            assert line == "run a.md\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "stopped\n")
    # The second run has spoken, but the signal may come before it has returned.
    assert out.splitlines()[-1] in ("last a.md", "last a.md b.md")
