"""`python -m eval make-set` writes a set whose every label stands, or one line that says why not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.formats.spans import read_spans
from eval.makeset.main import main
from rag.command import run

Made = Callable[..., tuple[int, str, str]]


@pytest.fixture
def make(here: Path, capfd: pytest.CaptureFixture[str]) -> Made:  # noqa: ARG001 - the place it runs in
    def make(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        status = run(lambda: main([str(argument) for argument in arguments]))
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return make


def _queries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]


def test_every_quote_stands_once_in_its_file_at_its_start(corpus: Path, make: Made) -> None:
    assert make(corpus, "--out", "set")[0] == 0
    labelled = [query for query in _queries(Path("set")) if query.get("answerable", True)]
    texts = {path.relative_to(corpus).as_posix(): path.read_text("utf-8") for path in corpus.rglob("*.md")}
    assert len(labelled) >= 20
    for query in labelled:
        (span,) = query["spans"]
        assert texts[span["path"]].startswith(span["quote"], span["start"])
        assert sum(text.count(span["quote"]) for text in texts.values()) == 1
        assert len(span["quote"]) >= (20 if query["language"] == "en" else 10)
        assert query["text"] != span["quote"]
        for never in ("must never be quoted", "nobody should quote", "不可以被引用", "# "):
            assert never not in span["quote"]


def test_both_languages_and_all_kinds_are_there_and_counted(corpus: Path, make: Made) -> None:
    status, out, err = make(corpus, "--out", "set")
    assert (status, err) == (0, "")
    queries = _queries(Path("set"))
    about = json.loads(Path("set/set.json").read_text("utf-8"))
    assert (about["corpus"], about["synthetic"], about["seed"]) == ("../docs", True, 0)
    assert about["questions"] == len(queries) == sum(about["kinds"].values())
    assert about["unanswerable"] == sum(query.get("answerable") is False for query in queries) > 0
    assert {(query["kind"], query["language"]) for query in queries} == {
        (kind, language) for kind in ("heading", "definition", "sentence") for language in ("en", "zh")
    }
    asked = {query["text"] for query in queries}
    assert asked & {f"What is {term}?" for term in ("a signing key", "an edge cache", "a nightly snapshot")}
    assert asked & {"什么是签名密钥？", "什么是夜间快照？", "什么是值班表？"}
    assert not asked & {"Notes", "小结"}
    assert out.startswith(f"{len(queries)} questions from 10 documents in set")
    assert "fewer than asked for" in out
    assert "A test set made by a program" in Path("set/README.md").read_text("utf-8")


def test_withheld_questions_come_from_withheld_documents_and_others_do_not(corpus: Path, make: Made) -> None:
    make(corpus, "--out", "set")
    withheld = json.loads(Path("set/set.json").read_text("utf-8"))["withheld"]
    assert 1 <= len(withheld) <= 2
    for query in _queries(Path("set")):
        if "withheld" in query:
            assert query["withheld"] in withheld
            assert "spans" not in query
        else:
            assert query["spans"][0]["path"] not in withheld


def test_the_evaluation_reads_what_was_written(corpus: Path, make: Made) -> None:
    make(corpus, "--out", "sets/mine")
    found = read_spans(Path("sets/mine"))
    assert (found.folder.resolve(), found.synthetic) == (corpus.resolve(), True)
    assert set(found.labels) == {name for name, query in found.queries.items() if query.answerable}


def test_the_same_command_gives_the_same_bytes_and_another_seed_other_questions(
    corpus: Path, make: Made
) -> None:
    for out, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        make(corpus, "--out", out, "--seed", seed, "--questions", "10")
    for name in ("queries.jsonl", "set.json", "README.md"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()
    assert Path("a/queries.jsonl").read_bytes() != Path("c/queries.jsonl").read_bytes()
    assert len(_queries(Path("a"))) == 10


def test_the_bytes_do_not_depend_on_how_python_orders_its_sets(corpus: Path) -> None:
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "eval", "make-set", str(corpus), "--out", f"set{seed}"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
    assert Path("set1/queries.jsonl").read_bytes() == Path("set2/queries.jsonl").read_bytes()


def test_a_translation_is_withheld_together_with_its_original(corpus: Path, make: Made) -> None:
    originals, translations = sorted((corpus / "en").iterdir()), sorted((corpus / "zh").iterdir())
    for original, translation in zip(originals, translations, strict=True):
        translation.rename(translation.with_name(original.name))
    make(corpus, "--out", "set")
    withheld = json.loads(Path("set/set.json").read_text("utf-8"))["withheld"]
    assert [path.split("/")[0] for path in withheld] == ["en", "zh"]
    assert len({path.split("/")[1] for path in withheld}) == 1


def test_with_few_documents_none_is_withheld_and_it_is_said(here: Path, make: Made) -> None:
    (here / "docs").mkdir()
    (here / "docs" / "a.md").write_text(
        "# Growing tomatoes indoors\n\nTomatoes need twelve hours of bright light.\n"
    )
    status, out, _ = make("docs", "--out", "set")
    assert (status, json.loads(Path("set/set.json").read_text())["withheld"]) == (0, [])
    assert "no unanswerable questions: there are 1 documents" in out


def test_files_that_cannot_be_read_are_named_and_the_others_used(corpus: Path, make: Made) -> None:
    (corpus / "broken.md").write_bytes(b"\0")
    status, _, err = make(corpus, "--out", "set")
    assert (status, err.count("\n")) == (0, 1)
    assert err.startswith("failed   broken.md: ")


MISTAKES = {
    "no folder": (["nowhere", "--out", "set"], "nowhere: no such folder"),
    "a file": (["docs/en/keys.md", "--out", "set"], "is not a folder"),
    "empty folder": (["empty", "--out", "set"], "empty: nothing to read"),
    "nothing to ask": (["blank", "--out", "set"], "no question could be made"),
    "only broken files": (["broken", "--out", "set"], "no file in it could be read"),
    "set exists": (["docs", "--out", "empty/.."], "is not empty"),
    "set below a file": (["docs", "--out", "docs/en/keys.md/set"], "keys.md is a file; name another"),
    "set inside": (["docs", "--out", "docs/set"], "lies inside"),
    "no questions": (["docs", "--out", "set", "--questions", "0"], "--questions 0"),
    "bad share": (["docs", "--out", "set", "--unanswerable", "nan"], "--unanswerable nan"),
    "bad seed": (["docs", "--out", "set", "--seed", "-1"], "--seed -1"),
    "bad setting": (["docs", "--out", "set", "--set", "colour=red"], "colour: no such setting"),
    "bad value": (["docs", "--out", "set", "--set", "splitter.chunk_tokens=3"], "at least 16"),
    "no settings file": (["docs", "--out", "set", "--config", "none.toml"], "none.toml: no such file"),
}


@pytest.mark.parametrize(("arguments", "complaint"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_status_2_with_one_error_line_and_nothing_written(
    arguments: list[str], complaint: str, corpus: Path, make: Made
) -> None:
    for name, content in (("blank", b"\n"), ("broken", b"\0"), ("empty", None)):
        (corpus.parent / name).mkdir()
        if content is not None:
            (corpus.parent / name / "a.md").write_bytes(content)
    status, out, err = make(*arguments)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("error: ")
    assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
    assert complaint in err
    assert not Path("set").exists()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was stopped by signal 9"),
        ("print('hello')", "printed what is no document"),
        ("raise SystemExit(7)", "ended with status 7"),
    ],
    ids=["killed", "noise", "another status"],
)
def test_an_ingest_that_ends_badly_is_one_line(
    body: str, complaint: str, corpus: Path, make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that reads the files is a process: here another one stands in its way."""
    (corpus.parent / "path" / "ingest").mkdir(parents=True)
    (corpus.parent / "path" / "ingest" / "__main__.py").write_text(body)
    (corpus.parent / "path" / "ingest" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(corpus.parent / "path"))
    status, out, err = make(corpus, "--out", "set")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert complaint in err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc for the child")
def test_the_command_itself_works_and_is_interrupted_in_one_line(corpus: Path) -> None:
    command = [sys.executable, "-m", "eval", "make-set", str(corpus), "--out", "set"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b" questions from 10 documents" in done.stdout
    running = subprocess.Popen(
        [*command[:-1], "other"], stderr=subprocess.PIPE, env=os.environ, start_new_session=True
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    while running.poll() is None and not children.read_text():  # until it reads the files
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    err = (running.communicate(timeout=30)[1] or b"").decode()
    assert "Traceback" not in err
