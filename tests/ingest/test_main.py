"""The command as a user meets it: statuses, streams, one line for each mistake, signals, two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

import pytest

from rag.build import build_indexer
from rag.config import load_settings

REPOSITORY = Path(__file__).parents[2]


class Outcome(Protocol):
    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]: ...


Command = Callable[..., Outcome]
Write = Callable[[Path, str], None]


@pytest.fixture
def docs(here: Path, write: Write) -> Path:
    write(here / "docs" / "a.md", "red foxes")
    write(here / "docs" / "sub" / "b.md", "blue whales")
    (here / "docs" / "picture.png").write_bytes(b"\x89PNG")
    (here / "empty").mkdir()
    (here / "file").write_text("not a folder", "utf-8")
    return here / "docs"


MISTAKES = {
    "missing path": (["nowhere"], "nowhere: no such file or folder"),
    "one of two missing": (["docs", "nowhere"], "nowhere: no such file or folder"),
    "empty folder": (["empty"], "empty: nothing to read"),
    "kind nobody reads": (["docs/picture.png"], "not a kind of file that is read here"),
    "index is a file": (["docs", "--index", "file"], "file"),
    "index is a file, dry": (["docs", "--index", "file", "--dry-run"], "file"),
    "index cannot be made": (["docs", "--index", "file/below"], "cannot be written"),
    "unknown setting": (["docs", "--set", "colour=red"], "colour: no such setting"),
    "value of a wrong type": (["docs", "--set", "splitter.chunk_tokens=many"], "splitter.chunk_tokens"),
    "value out of range": (["docs", "--set", "splitter.chunk_tokens=3"], "at least 16"),
    "unknown backend": (["docs", "--set", "embedder.name=magic"], "sentence_transformers"),
    "missing settings file": (["docs", "--config", "none.toml"], "none.toml: no such file"),
}


@pytest.mark.parametrize(("arguments", "complaint"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_line_with_status_2_and_changes_nothing(
    arguments: list[str], complaint: str, ingest: Command, docs: Path
) -> None:
    outcome = ingest(*arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith("error: ")
    assert complaint in outcome.err
    assert sorted(path.name for path in docs.parent.iterdir()) == ["docs", "empty", "file"]


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_is_not_the_folder_one_stands_in(path: str, process: Command) -> None:
    outcome = process("ingest", path)
    assert (outcome.status, outcome.out) == (2, "")
    assert "a PATH is empty: name a folder or a file, or . for this folder" in outcome.err


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_an_index_of_another_embedder_is_refused_with_the_way_out(
    dry: list[str], ingest: Command, docs: Path
) -> None:
    ingest(docs)
    with build_indexer(load_settings({})) as indexer:
        indexer.store.remember("embedder", "another-model@0")
    outcome = ingest(docs, *dry)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "another-model@0" in outcome.err
    assert "--rebuild" in outcome.err
    assert ingest(docs, "--rebuild").status == 0


def test_results_are_on_standard_output_and_nothing_else_is(process: Command, docs: Path) -> None:
    (docs / "bad.md").write_bytes(b"\0")
    outcome = process("ingest", "docs", "--json")
    assert outcome.status == 1
    assert outcome.report["written"] == 2
    assert list(json.loads(outcome.out))[:7] == [
        "written",
        "unchanged",
        "removed",
        "moved",
        "failed",
        "warnings",
        "skipped",
    ]
    text = process("ingest", "docs", "--quiet")
    assert text.err == ""
    assert text.out.startswith("failed   bad.md: looks like a binary file")
    found = process("rag", "search", "blue whales", "--json")
    assert json.loads(found.out)["hits"][0]["document"] == "sub/b.md"


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=["C", "ascii"])
def test_names_of_every_kind_are_reported_whatever_the_terminal_can_write(
    environment: dict[str, str], process: Command, here: Path
) -> None:
    odd = here / "odd"
    odd.mkdir()
    names = ["sp ace.md", "中文 文件.md", "line\nfeed.md", "escape\x1b[31m.md", "caf\u00e9.md"]
    for name in names:
        (odd / name).write_bytes(b"\0")
    try:
        (odd / os.fsdecode(b"odd\xff.md")).write_bytes(b"# Odd")
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    (odd / os.fsdecode(b"odd\xff.png")).touch()
    outcome = process("ingest", "odd", "--json", environment=environment)
    assert (outcome.status, outcome.err) == (1, "")
    assert {Path(each["path"]).name for each in outcome.report["failed"]} == {*names, "odd\\udcff.md"}
    text = process("ingest", "odd", environment=environment)
    assert (text.status, text.err) == (1, "")
    assert len([line for line in text.out.splitlines() if line.startswith("failed")]) == len(names) + 1


def test_unreadable_files_and_folders_keep_their_documents(
    ingest: Command, process: Command, docs: Path
) -> None:
    before = ingest("docs").report["generation"]
    (docs / "a.md").chmod(0)
    (docs / "sub").chmod(0)
    try:
        outcome = process("ingest", "docs", "--json", unprivileged=True)
        alone = process("ingest", "docs/sub", "--json", unprivileged=True)
    finally:
        (docs / "a.md").chmod(0o644)
        (docs / "sub").chmod(0o755)
    assert (outcome.status, outcome.report["generation"], outcome.report["removed"]) == (1, before, 0)
    failed = {Path(each["path"]).name: each["reason"] for each in outcome.report["failed"]}
    assert failed == {"a.md": "cannot be read: Permission denied", "sub": "Permission denied"}
    assert (alone.status, alone.err.count("\n")) == (2, 1)


def test_an_index_where_nothing_may_be_written_is_refused(process: Command, docs: Path) -> None:
    locked = docs.parent / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    outcome = process("ingest", "docs", "--index", "locked/index", unprivileged=True)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "Permission denied" in outcome.err


@pytest.fixture
def busy(docs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An ingest that has the lock and is far from done."""
    for number in range(300):
        words = " ".join(f"word{number * 100 + each}" for each in range(100))
        (docs / f"{number}.md").write_text(f"# {number}\n\n{words}\n", "utf-8")
    # A session of its own: a terminal's Ctrl-C does not reach the one that runs the tests.
    running = subprocess.Popen(
        [sys.executable, "-m", "ingest", "docs"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not Path("index/record.sqlite").exists():
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.05)
    yield running
    running.kill()
    running.communicate()


def test_the_second_of_two_ingests_leaves_at_once_and_names_the_first(
    busy: subprocess.Popen[bytes], ingest: Command
) -> None:
    began = time.perf_counter()
    outcome = ingest("docs")
    assert time.perf_counter() - began < 2
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert f"process {busy.pid}" in outcome.err
    assert busy.poll() is None


def test_ctrl_c_is_one_line_and_the_next_run_goes_on(busy: subprocess.Popen[bytes], ingest: Command) -> None:
    time.sleep(0.5)
    busy.send_signal(signal.SIGINT)
    _, err = busy.communicate(timeout=30)
    assert busy.returncode == 130
    assert err.decode().splitlines()[-1].startswith("error: stopped; what was recorded is kept, run the same")
    assert b"Traceback" not in err
    for name in Path("docs").glob("[0-9]*.md"):
        name.unlink()
    assert ingest("docs").report["written"] == 2


@pytest.mark.parametrize("flag", ["--rebuild", "--dry-run", "--json"])
def test_dump_goes_with_no_flag_that_is_about_indexing(flag: str, process: Command, docs: Path) -> None:
    outcome = process("ingest", str(docs), "--dump", flag)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith("error: --dump")
    assert flag in outcome.err


def test_patterns_leave_files_out_and_the_report_says_which(ingest: Command, docs: Path) -> None:
    (docs / "drafts").mkdir()
    (docs / "drafts" / "idea.md").write_text("# Idea\n\nNot yet.\n", encoding="utf-8")
    (docs / ".lecternignore").write_text("drafts/\n", encoding="utf-8")
    report = ingest(docs, "--exclude", "sub/b.md").report
    assert report["written"] == 1
    reasons = {each["reason"]: each["count"] for each in report["excluded"]}
    assert reasons["excluded by --exclude 'sub/b.md'"] == 1
    assert any(".lecternignore" in reason for reason in reasons)
    assert ingest(docs, text=True).out.count("left out") >= 1


def test_the_same_text_in_two_files_is_told(ingest: Command, docs: Path) -> None:
    text = "The lighthouse keeper wrote down the weather every evening, in a book that nobody read. " * 3
    (docs / "one.md").write_text(text, encoding="utf-8")
    (docs / "two.md").write_text(text + "\n", encoding="utf-8")
    told = [each for each in ingest(docs).report["warnings"] if each["kind"] == "duplicate"]
    assert [(each["path"], each["detail"]) for each in told] == [("two.md", "is the same text as one.md")]
    assert ingest(docs).report["warnings"] == []


def test_no_secret_reaches_the_index_the_report_or_an_answer(ingest: Command, docs: Path) -> None:
    secret = "AKIA" + "Q3EGRIPZ4WJZ2N7D"
    (docs / "keys.md").write_text(f"# Keys\n\nThe access key is {secret} for now.\n", encoding="utf-8")
    outcome = ingest(docs)
    [told] = [each for each in outcome.report["warnings"] if each["kind"] == "secret"]
    assert told["path"] == "keys.md"
    assert "on line 3" in told["detail"]
    assert secret not in outcome.out + outcome.err
    assert not any(
        secret.encode() in file.read_bytes() for file in Path("index").rglob("*") if file.is_file()
    )
    assert outcome.report["generation"] == ingest(docs, "--rebuild").report["generation"]


@pytest.mark.parametrize("flags", [("--watch", "--rebuild"), ("--dump", "--watch"), ("--dump", "--json")])
def test_flags_that_contradict_each_other_are_refused(
    ingest: Command, docs: Path, flags: tuple[str, str]
) -> None:
    outcome = ingest(docs, *flags, text=True)
    assert outcome.status == 2
    assert f"{flags[0]} goes without {flags[1]}" in outcome.err


def test_a_watched_folder_is_followed_until_it_is_told_to_stop(docs: Path) -> None:
    """A real process: what is saved while it watches is in the index, what failed or was left out is told
    once, and SIGTERM ends it with the last report's status.
    """
    (docs / "broken.md").write_bytes(bytes(range(256)))
    command = [sys.executable, "-m", "ingest", str(docs), "--watch", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(120, process.kill)  # a change that is missed must not hang the suite
        guard.start()
        try:
            assert process.stdout is not None
            first = _round(process.stdout)
            assert [line.split()[0] for line in first] == ["failed", "skipped", "documents", "index"]
            assert "2 written" in first[2]
            (docs / "new.md").write_text("# New\n\nA heron stood in the pond.\n", encoding="utf-8")
            second = _round(process.stdout)
            assert [line.split()[0] for line in second] == ["documents", "index"]
            assert "1 written" in second[0]
        finally:
            guard.cancel()
            process.terminate()
        assert process.wait(timeout=60) == 1


def _round(lines: Iterator[str]) -> list[str]:
    """The lines of one report, without the last, which tells the time."""
    return list(takewhile(lambda line: not line.startswith("time "), lines))
