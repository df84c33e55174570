"""What every command shares: whatever goes wrong is one line and a status, never a traceback."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.command import add_settings, run, settings_of
from rag.errors import IndexMissing, RagError, SettingError

ROOT = Path(__file__).parents[2]
MISSING = (
    f"error: the package {{}} is not installed for {sys.executable}: run `source .venv/bin/activate`, or "
    "`make install` if there is no .venv yet"
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_settings(parser)
    return parser.parse_args(arguments)


def test_an_index_that_is_a_file_is_refused_for_every_command(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    with pytest.raises(SettingError, match=r"index = 'notes\.md' is a file"):
        settings_of(parsed("--index", "notes.md"))


def test_flags_become_settings(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("question_limit = 7\n[retriever]\nk = 2\n")
    options = parsed(
        "--index", "notes", "--config", str(file), "--set", "retriever.k=3", "--set", "api.port=9"
    )
    settings = settings_of(options, {"retriever.mode": "dense", "api.host": None})
    assert settings.index == Path("notes")
    assert (settings.retriever.k, settings.retriever.mode) == (3, "dense")
    assert (settings.api.port, settings.api.host) == (9, "127.0.0.1")
    assert settings.question_limit == 7


def test_a_commands_own_flag_wins_over_an_assignment() -> None:
    options = parsed("--index", "flag", "--set", "index=assigned", "--set", "retriever.mode=dense")
    settings = settings_of(options, {"retriever.mode": "sparse"})
    assert (settings.index, settings.retriever.mode) == (Path("flag"), "sparse")


def test_without_flags_the_assignment_holds() -> None:
    assert settings_of(parsed("--set", "index=assigned")).index == Path("assigned")


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_commands_status_is_handed_on(status: int) -> None:
    assert run(lambda: status) == status


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (IndexMissing("there is no index"), "error: there is no index"),
        (SettingError("retriever.k: wrong"), "error: retriever.k: wrong"),
        (RagError("no"), "error: no"),
        (PermissionError(13, "Permission denied", "/x/y"), "error: /x/y: Permission denied"),
        (OSError("something odd"), "error: system: something odd"),
        (MemoryError(), "error: out of memory: close other programs or ingest fewer files at a time"),
        (
            ModuleNotFoundError("x", name="torch"),
            MISSING.format("torch"),
        ),
    ],
)
def test_a_foreseen_failure_is_one_line_and_status_2(
    error: BaseException, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(error)) == 2
    captured = capsys.readouterr()
    assert captured.err == line + "\n"
    assert captured.out == ""


@pytest.mark.parametrize("words", ["ingest notes", "rag ask why", "rag --help", "api", "eval set"])
def test_an_interpreter_without_the_packages_is_told_in_one_line(words: str) -> None:
    """`-S` leaves installed packages out, as an environment that was not activated does."""
    command = [sys.executable, "-S", "-m", *words.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: the package ")
    assert "source .venv/bin/activate" in done.stderr


def test_an_interrupt_says_what_is_kept_of_the_work_if_there_is_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(raising(KeyboardInterrupt()), "what was recorded is kept") == 130
    assert capsys.readouterr().err == "error: stopped; what was recorded is kept\n"
    assert run(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "error: stopped\n"


def test_an_interrupt_while_a_module_makes_its_classes_is_one_too(capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    def main() -> int:
        type("Section", (), {"paragraphs": Interrupted()})
        return 0

    assert run(main) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(RuntimeError):
        run(raising(RuntimeError()))
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_results_are_utf_8_whatever_the_locale() -> None:
    code = "import sys; from rag.command import run; sys.exit(run(lambda: print('部署 é 😀') or 0))"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert done.stdout.decode("utf-8") == "部署 é 😀\n"


def test_a_stream_that_is_no_file_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert run(lambda: 0) == 0


def test_a_reader_that_went_away_is_no_traceback() -> None:
    code = (
        "import sys; from rag.command import run;"
        "sys.exit(run(lambda: [print('x' * 1000, flush=True) for _ in range(10000)] and 0))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait() == 2
