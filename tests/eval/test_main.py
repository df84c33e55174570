"""`python -m eval` measures the very retriever that answers, and says clearly why it could not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from eval.__main__ import main
from eval.metrics import MEASURES
from rag.build import build_retriever
from rag.command import run
from rag.config import load_settings

Kept: TypeAlias = tuple[Path, dict[str, Any]]

GOLDEN = Path(__file__).parents[1] / "golden" / "beir"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """An index of the golden dataset and the report of the run that made it."""
    folder = tmp_path_factory.mktemp("kept")
    report = folder / "report.json"
    arguments = [str(GOLDEN), "--index", str(folder / "index"), "--json", str(report), "--per-query"]
    assert main(arguments) == 0
    return folder / "index", json.loads(report.read_text(encoding="utf-8"))


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command and gives its exit status, stdout and stderr."""

    def printed(*arguments: str | Path) -> tuple[int, str, str]:
        status = run(lambda: main([str(argument) for argument in arguments]))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return printed


def test_all_three_modes_find_the_golden_answers(kept: Kept) -> None:
    modes = kept[1]["modes"]
    assert list(modes) == ["sparse", "dense", "hybrid"]
    for values in modes.values():
        assert (values["queries"], values["unjudged"]) == (11, 1)
        assert 0 < values["latency_p50_ms"] <= values["latency_p95_ms"]
        assert all(0 <= values[name] <= 1 for name in MEASURES)
    assert modes["sparse"]["recall@5"] >= 0.7
    assert modes["hybrid"]["ndcg@10"] >= 0.7


def test_its_results_are_those_of_the_retriever_that_answers(kept: Kept) -> None:
    index, report = kept
    retriever = build_retriever(load_settings({"index": index}))
    assert report["generation"] == retriever.generation
    for mode in ("sparse", "dense", "hybrid"):
        hits = retriever.search("如何部署量化模型", k=100, mode=mode)
        found = [hit.chunk.document_id for hit in hits]
        assert report["per_query"][mode]["q08"]["results"] == found


def test_a_kept_index_is_used_again_and_gives_the_same_ranks(kept: Kept, printed: Any) -> None:
    index, before = kept
    status, out, _ = printed(GOLDEN, "--index", index, "--json", "-", "--mode", "hybrid", "--per-query")
    again = json.loads(out)
    assert status == 0
    assert again["index_seconds"] is None
    assert again["generation"] == before["generation"]
    assert list(again["modes"]) == ["hybrid"]
    results = [report["per_query"]["hybrid"] for report in (before, again)]
    assert {query: row["results"] for query, row in results[0].items()} == {
        query: row["results"] for query, row in results[1].items()
    }


def test_other_fusion_weights_may_be_tried_on_a_kept_index(kept: Kept, printed: Any) -> None:
    index, _ = kept
    status, out, _ = printed(GOLDEN, "--index", index, "--set", "retriever.dense_weight=0", "--json", "-")
    assert status == 0
    assert json.loads(out)["settings"]["retriever"]["dense_weight"] == 0.0


def test_a_kept_index_of_another_dataset_is_refused(kept: Kept, printed: Any, tmp_path: Path) -> None:
    other = Path(shutil.copytree(GOLDEN, tmp_path / "other"))
    with (other / "queries.jsonl").open("a") as file:
        file.write('{"_id": "q13", "text": "one more"}\n')
    status, out, error = printed(other, "--index", kept[0])
    assert (status, out) == (2, "")
    assert "made from another dataset; remove" in error


def test_a_kept_index_of_another_embedder_is_refused(kept: Kept, printed: Any) -> None:
    status, _, error = printed(GOLDEN, "--index", kept[0], "--set", "embedder.model=elsewhere")
    assert status == 2
    assert "made from the same dataset with other settings or another version; remove" in error


def test_a_kept_index_of_another_analyser_or_with_a_spoilt_note_is_refused(
    kept: Kept, printed: Any, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(kept[0], tmp_path / "index"))
    note = index / "eval.json"
    found = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**found, "analyser": found["analyser"] + " older"}), encoding="utf-8")
    assert "or another version; remove" in printed(GOLDEN, "--index", index)[2]
    note.write_text("[]", encoding="utf-8")
    assert "made from another dataset; remove" in printed(GOLDEN, "--index", index)[2]
    note.write_text("{", encoding="utf-8")
    status, _, error = printed(GOLDEN, "--index", index)
    assert status == 2
    assert "eval.json: cannot be read" in error


def test_a_folder_that_holds_something_else_is_left_alone(printed: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    status, _, error = printed(GOLDEN, "--index", tmp_path)
    assert status == 2
    assert "not empty and not a finished evaluation" in error
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_without_index_nothing_stays_behind(
    printed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    status, out, error = printed(GOLDEN, "--mode", "sparse")
    assert status == 0
    assert list(tmp_path.iterdir()) == []
    assert out.splitlines()[0].startswith("mode ")
    assert out.splitlines()[1].startswith("sparse ")
    assert "indexed 20 documents" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere: no such folder"),
        ([GOLDEN, "--mode", "sparse,lexical"], "there is no 'lexical'; valid: sparse, dense, hybrid"),
        ([GOLDEN, "--mode", ""], "there is no ''"),
        ([GOLDEN, "--json", "no/such/folder.json"], "no/such/folder.json: cannot be written"),
        ([GOLDEN, "--config", "no.toml"], "no.toml: no such file"),
        ([GOLDEN, "--set", "retriever.dpth=3"], "retriever.dpth: no such setting"),
        ([GOLDEN, "--set", "depth"], "write NAME=VALUE"),
        ([GOLDEN, "--set", "embedder.name=none"], "embedder.name: there is no 'none'"),
        ([GOLDEN, "--index", GOLDEN / "corpus.jsonl"], "corpus.jsonl: is a file; name a folder"),
    ],
)
def test_what_cannot_start_says_so_in_one_line(printed: Any, arguments: list[Any], says: str) -> None:
    status, out, error = printed(*arguments)
    assert (status, out) == (2, "")
    assert says in error
    last = error.rstrip("\n").splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in error


def test_a_bad_line_of_the_dataset_is_named(printed: Any, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(GOLDEN, tmp_path / "broken"))
    (broken / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id"\n')
    status, out, error = printed(broken)
    assert (status, out) == (2, "")
    assert error.startswith(f"error: {broken / 'corpus.jsonl'}:2: not JSON")
    assert error.count("\n") == 1
