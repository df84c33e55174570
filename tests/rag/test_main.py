"""`python -m rag` as its users run it: a process, an exit status, what stands where."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.config import Settings
from rag.indexes.generation import read_manifest, segment_folder

HEAVY = ("torch", "transformers", "faiss", "sentence_transformers", "baguetter", "unidecode", "sklearn")
HIT = {"document", "start", "end", "page", "heading", "text", "score", "sparse", "dense"}
CITATION = {"marker", "document", "page", "heading", "start", "end", "quote"}
ANSWER = {
    *("id", "question", "answer", "abstained", "reason", "confidence", "citations", "passages"),
    *("generator", "timings", "usage", "generation"),
}

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rag(tmp_path: Path) -> Command:
    """Runs `python -m rag` in an empty folder, without a variable of ours."""
    root = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("RAG_")}

    def command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rag", *words],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(root)} | variables,
            timeout=100,
            check=False,
        )

    return command


def is_one_line_of_error(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr


def loaded(code: str, cwd: Path) -> list[str]:
    """Which of the heavy packages a process has imported after `code`."""
    report = f"; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, cwd=cwd, check=True
    )
    names: list[str] = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
    return names


def test_an_answer_as_json_has_the_promised_shape(
    rag: Command, index: Settings, texts: dict[str, str]
) -> None:
    question = "What did the lamp of the lighthouse burn?"
    done = rag("ask", question, "--index", str(index.index), "--mode", "sparse", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= ANSWER
    assert answer["abstained"] is False
    assert answer["generation"] == read_manifest(index.index).generation
    assert answer["citations"]
    for citation in answer["citations"]:
        assert set(citation) >= CITATION
        document = texts[citation["document"]]
        assert document[citation["start"] : citation["end"]] == citation["quote"]
        assert f"[{citation['marker']}]" in answer["answer"]
    for passage in answer["passages"]:
        assert set(passage) >= HIT


@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_a_search_as_json_has_the_promised_shape(mode: str, rag: Command, index: Settings) -> None:
    done = rag("search", "oil lamp", "--index", str(index.index), "--mode", mode, "-k", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["generation"] == read_manifest(index.index).generation
    assert 1 <= len(found["hits"]) <= 2
    for hit in found["hits"]:
        assert set(hit) >= HIT
        assert hit["sparse"] is None or set(hit["sparse"]) == {"rank", "score"}
        assert (hit["dense"] is None) == (mode == "sparse")
    assert found["hits"][0]["document"] == "lighthouse.md"


def test_for_people_there_is_text(rag: Command, index: Settings) -> None:
    """In Chinese, and with standard output in another encoding."""
    done = rag(
        "search",
        "部署之前要检查什么？",
        "--index",
        str(index.index),
        "--mode",
        "sparse",
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0, done.stderr
    assert "1. 部署.md, Notes" in done.stdout
    assert "部署之前要检查内存。" in done.stdout
    assert "sparse #1" in done.stdout


def test_a_refusal_is_an_answer(rag: Command, index: Settings) -> None:
    done = rag(
        *("ask", "Who won the chess championship?", "--index", str(index.index)),
        *("--mode", "sparse", "--json"),
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["abstained"] is True
    assert answer["reason"]
    assert answer["citations"] == []


def test_a_stored_answer_is_checked_again(
    rag: Command, index: Settings, texts: dict[str, str], tmp_path: Path
) -> None:
    quote = "Its lamp burned rape oil until 1923."
    start = texts["lighthouse.md"].index(quote)
    cited = {"marker": 1, "document": "lighthouse.md", "start": start, "quote": quote, "heading": ""}
    stored = tmp_path / "answer.json"

    def verified(said: str, **changed: object) -> tuple[int, dict[str, Any]]:
        stored.write_text(json.dumps({"answer": said, "citations": [cited | changed]}), "utf-8")
        done = rag("verify", str(stored), "--index", str(index.index), "--json")
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    status, found = verified("The lamp burned rape oil until 1923 [1].")
    assert (status, found["fine"], found["sources"][0]["state"]) == (0, True, "stands")
    status, found = verified("The lamp burned rape oil until 1932 [1].")
    assert (status, found["fine"], found["unsupported"][0]["lacking"]) == (1, False, ["1932"])
    status, found = verified("The lamp burned rape oil until 1923 [1].", quote=quote.replace("rape", "whale"))
    assert (status, found["sources"][0]["state"]) == (1, "changed")
    is_one_line_of_error(rag("verify", "none.json", "--index", str(index.index)), "none.json")


@pytest.mark.parametrize("verb", ["ask", "search"])
def test_a_filter_that_leaves_nothing_is_told(verb: str, rag: Command, index: Settings) -> None:
    words = (verb, "When was the lighthouse built?", "--index", str(index.index), "--mode", "sparse")
    done = rag(*words, "--path", "./no/such.md")
    assert done.returncode == 0
    assert "note: nothing was found among what the filter leaves (paths: " in done.stdout
    assert "nothing was found" not in rag(*words).stdout


def test_status_describes_the_index(rag: Command, index: Settings) -> None:
    done = rag("status", "--index", str(index.index), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["documents"], found["chunks"], found["intact"]) == (4, 8, True)
    lines = rag("status", RAG_INDEX=str(index.index)).stdout.splitlines()
    assert lines[:2] == [f"index        {index.index}", "holds        4 documents, 8 chunks"]
    assert "files        intact" in lines
    assert "calibration  none: the fixed threshold holds" in lines


def test_without_an_index_every_verb_says_how_to_make_one(rag: Command) -> None:
    for words in (("ask", "q"), ("search", "q"), ("status",)):
        is_one_line_of_error(rag(*words, "--index", "nowhere"), "nowhere", "python -m ingest FOLDER")


def test_an_empty_question_is_refused(rag: Command, index: Settings) -> None:
    is_one_line_of_error(rag("search", " ", "--index", str(index.index)), "the question is empty")


def test_a_question_that_is_no_text_is_refused(rag: Command, index: Settings) -> None:
    """The shell hands over bytes that are no UTF-8 as half characters."""
    is_one_line_of_error(rag("search", "lamp \udcff", "--index", str(index.index)), "half a character")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--set", "retriever.kk=3"), "retriever.kk: no such setting; valid here: "),
        (("--set", "retriever.k=many"), "retriever.k: "),
        (("--set", "nothing"), "write NAME=VALUE"),
        (("--set", "embedder.model=./nowhere"), "embedder.model = './nowhere': there is no such folder"),
        (("--set", "sparse.name=nobody"), "sparse.name: there is no 'nobody'; valid: baguetter, bmx"),
        (("--config", "nowhere.toml"), "--config nowhere.toml: no such file"),
    ],
)
def test_a_wrong_setting_is_named(words: tuple[str, ...], part: str, rag: Command, index: Settings) -> None:
    is_one_line_of_error(rag("search", "lamp", "--index", str(index.index), *words), part)


def test_a_misspelt_variable_is_named(rag: Command) -> None:
    is_one_line_of_error(rag("status", RAG_INDX="x"), "RAG_INDX: no such setting; valid: ")


def test_a_damaged_index_is_named(rag: Command, index: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "index"
    shutil.copytree(index.index, copy)
    (segment_folder(copy, 1) / "sparse-rows.bin").write_bytes(b"x")
    is_one_line_of_error(rag("search", "lamp"), "sparse-rows.bin is damaged", "python -m ingest")
    shutil.rmtree(copy)
    copy.write_text("a file where the index should be")
    is_one_line_of_error(rag("search", "lamp"), "index")


def test_status_of_a_damaged_index_names_the_file_and_asks_for_a_person(
    rag: Command, index: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    shutil.copytree(index.index, folder)
    victim = segment_folder(folder, read_manifest(folder).number) / "sparse-rows.bin"
    victim.write_bytes(victim.read_bytes() + b"x")
    done = rag("status", "--index", str(folder), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["intact"] is False
    assert "sparse-rows.bin is damaged" in found["damage"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("tell",),
        ("ask",),
        ("search", "q", "-k", "0"),
        ("search", "q", "-k", "x"),
        ("ask", "q", "--mode", "m"),
    ],
    ids=["no verb", "another verb", "no question", "k 0", "k no number", "another mode"],
)
def test_a_command_that_is_not_understood_has_status_2(words: tuple[str, ...], rag: Command) -> None:
    done = rag(*words)
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "positive" not in done.stderr


@pytest.mark.parametrize("package", ["rag", "ingest"])
def test_help_loads_no_heavy_package(package: str, tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['-m', '--help']\n"
        f"try: runpy.run_module('{package}', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as done: assert not done.code\n"
    )
    assert loaded(code + "pass", tmp_path) == []


def test_a_sparse_search_loads_no_heavy_package(index: Settings, tmp_path: Path) -> None:
    """Of baguetter it loads the one module that scores, and none of what its root would bring."""
    words = ["search", "oil lamp", "--mode", "sparse", "--index", str(index.index)]
    code = f"from rag.__main__ import main; assert main({words!r}) == 0"
    assert loaded(code, tmp_path) == []


def test_status_loads_no_heavy_package(index: Settings, tmp_path: Path) -> None:
    """Which precision the processor computes in is torch's to say; no model is loaded for it."""
    code = f"from rag.__main__ import main; assert main(['status', '--index', {str(index.index)!r}]) == 0"
    assert set(loaded(code, tmp_path)) <= {"torch"}


def test_a_search_may_be_kept_to_some_documents(rag: Command, index: Settings) -> None:
    words = ("search", "lamp server oil", "--index", str(index.index), "--json", "--mode", "sparse")
    everything = json.loads(rag(*words).stdout)["hits"]
    name = everything[-1]["document"]
    assert {hit["document"] for hit in everything} != {name}
    found = json.loads(rag(*words, "--path", name).stdout)["hits"]
    assert [hit["text"] for hit in found] == [hit["text"] for hit in everything if hit["document"] == name]
    assert found[0]["sparse"]["rank"] == 1
    assert json.loads(rag(*words, "--meta", "tag=none").stdout)["hits"] == []


@pytest.mark.parametrize(
    ("question", "begins", "stop"),
    [("Who won the chess championship?", "Refused: ", "."), ("谁赢了象棋冠军？", "未作答：", "。")],
)
def test_a_refusal_is_of_one_language(
    question: str, begins: str, stop: str, rag: Command, index: Settings
) -> None:
    done = rag("ask", question, "--index", str(index.index), "--mode", "sparse")
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[-1]
    assert line.startswith(begins)
    assert line.endswith(stop)
    assert line.isascii() == question.isascii()


def test_an_answer_in_the_documents_words_is_fine_when_it_is_checked_again(
    rag: Command, settings_for: Callable[[Path], Settings], write_index: Callable[..., object], tmp_path: Path
) -> None:
    written = (
        "Of the backup tool restic Smith et al. [2] say that it is fast\n\n"
        "Smith says: install the backup tool restic by\n\n```bash\ninstall restic of Smith # backup tool\n"
    )
    write_index(settings_for(tmp_path / "own"), {"backup.md": written})
    where = ("--index", str(tmp_path / "own"))
    question = "What does Smith say of the backup tool restic?"
    done = rag("ask", question, *where, "--mode", "sparse", "--json")
    answer = json.loads(done.stdout)
    assert len(answer["citations"]) > 1
    assert "[?]" not in answer["answer"]
    (tmp_path / "answer.json").write_text(done.stdout, "utf-8")
    done = rag("verify", "answer.json", *where)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "fine"), done.stdout
