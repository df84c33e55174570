"""`python -m eval` measures the very retriever that answers, and says clearly why it could not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from eval.__main__ import main
from eval.metrics import MEASURES
from rag.build import build_retriever
from rag.config import load_settings

Kept: TypeAlias = tuple[Path, dict[str, Any]]

GOLDEN = Path(__file__).parents[1] / "golden" / "beir"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """An index of the golden dataset and the evaluation of the run that made it."""
    folder = tmp_path_factory.mktemp("kept")
    written = folder / "evaluation.json"
    arguments = [str(GOLDEN), "--index", str(folder / "index"), "--json", str(written), "--per-query"]
    assert main([*arguments, "--save-baseline", str(folder / "baseline.json")]) == 0
    return folder / "index", json.loads(written.read_text(encoding="utf-8"))


def test_all_three_modes_find_the_golden_answers(kept: Kept) -> None:
    modes = kept[1]["modes"]
    assert list(modes) == ["sparse", "dense", "hybrid"]
    for values in modes.values():
        assert (values["queries"], values["unjudged"]) == (11, 1)
        assert 0 < values["latency_p50_ms"] <= values["latency_p95_ms"] <= values["latency_p99_ms"]
        assert all(0 <= values[name] <= 1 for name in MEASURES)
    assert modes["sparse"]["recall@5"] >= 0.7
    assert modes["hybrid"]["ndcg@10"] >= 0.7


def test_what_it_cost_stands_beside_what_it_found(kept: Kept) -> None:
    for facts in kept[1]["systems"].values():
        assert facts["chunks"] == 20
        assert facts["chunks_per_second"] > 0
        assert facts["index_peak_mb"] > 50
        assert facts["bytes_per_chunk"] > 384 * 4


def test_its_results_are_those_of_the_retriever_that_answers(kept: Kept) -> None:
    index, evaluation = kept
    retriever = build_retriever(load_settings({"index": index}))
    assert evaluation["generation"] == retriever.generation
    for mode in ("sparse", "dense", "hybrid"):
        hits = retriever.search("如何部署量化模型", k=100, mode=mode)
        found = [hit.chunk.document_id for hit in hits]
        assert evaluation["per_query"][mode]["q08"]["results"] == found


def test_a_kept_index_is_used_again_and_gives_the_same_figures(kept: Kept, printed: Any) -> None:
    index, before = kept
    status, out, _ = printed(GOLDEN, "--index", index, "--json", "-", "--mode", "hybrid", "--per-query")
    again = json.loads(out)
    assert status == 0
    assert again["index_seconds"] is None
    assert again["generation"] == before["generation"]
    assert again["modes"]["hybrid"]["intervals"] == before["modes"]["hybrid"]["intervals"]
    results = [each["per_query"]["hybrid"] for each in (before, again)]
    assert {query: row["results"] for query, row in results[0].items()} == {
        query: row["results"] for query, row in results[1].items()
    }


def test_several_values_of_a_setting_are_measured_on_one_index(kept: Kept, printed: Any) -> None:
    sweep = ["--set", "retriever.dense_weight=0,0.5", "--mode", "hybrid", "--no-answers"]
    status, out, _ = printed(GOLDEN, "--index", kept[0], *sweep, "--json", "-")
    found = json.loads(out)
    assert status == 0
    assert list(found["modes"]) == ["hybrid retriever.dense_weight=0", "hybrid retriever.dense_weight=0.5"]
    assert found["systems"]["hybrid retriever.dense_weight=0"]["set"] == {"retriever.dense_weight": "0"}
    assert "dense_weight" not in found["settings"]["retriever"]
    assert len(found["comparisons"]) == 1
    assert (
        found["modes"]["hybrid retriever.dense_weight=0.5"]["ndcg@10"]
        == kept[1]["modes"]["hybrid"]["ndcg@10"]
    )


def test_a_setting_that_needs_several_indexes_is_refused_on_one(kept: Kept, printed: Any) -> None:
    status, _, error = printed(GOLDEN, "--index", kept[0], "--set", "embedder.window=64,128")
    assert status == 2
    assert "embedder.window with several values needs several indexes; use --work DIR" in error


def test_quotes_are_labels_that_hold_for_any_index_of_the_files(
    span_set: Path, printed: Any, tmp_path: Path
) -> None:
    """Measured twice: on an index of its own, and on that same index as if it were the user's."""
    status, out, error = printed(span_set, "--work", tmp_path / "work", "--json", "-")
    found = json.loads(out)
    assert status == 0, error
    assert found["kind"] == "spans"
    assert found["labels"] == {"labels": 3, "stale": [], "ambiguous": 0, "unread": []}
    hybrid = found["modes"]["hybrid"]
    assert (hybrid["queries"], hybrid["unanswerable"], hybrid["span_recall@5"]) == (3, 1, 1.0)
    answers = hybrid["answers"]
    assert (answers["questions"], answers["abstention"]["rightly_refused"]) == (4, 1)
    assert answers["gold_in_quotes"] == 1.0
    [index] = (tmp_path / "work").iterdir()
    (index / "eval.json").unlink()
    status, out, _ = printed(span_set, "--index", index, "--json", "-", "--mode", "hybrid")
    assert status == 0
    assert json.loads(out)["modes"]["hybrid"]["span_recall@5"] == 1.0
    assert not (index / "eval.json").exists()


def test_rankings_can_be_written_and_measured_again(kept: Kept, printed: Any, tmp_path: Path) -> None:
    index, evaluation = kept
    assert printed(GOLDEN, "--index", index, "--write-trec", tmp_path, "--no-answers")[0] == 0
    run = tmp_path / "beir" / "hybrid.run"
    status, out, _ = printed(GOLDEN, "--run", f"theirs={run}", "--json", "-")
    found = json.loads(out)
    assert status == 0
    assert list(found["modes"]) == ["theirs"]
    for measure in MEASURES:
        assert found["modes"]["theirs"][measure] == evaluation["modes"]["hybrid"][measure]
    assert found["modes"]["theirs"]["latency_p50_ms"] is None
    assert printed(GOLDEN, "--run", run)[0] == 0
    both = printed(
        GOLDEN, "--run", f"a={run}", "--run", f"b={run}", "--qrels", tmp_path / "beir/hybrid.qrels"
    )
    assert "b - a" in both[1]


def test_the_gate_is_quiet_where_nothing_changed_and_falls_on_a_loss(
    kept: Kept, printed: Any, tmp_path: Path
) -> None:
    baseline, junit = kept[0].parent / "baseline.json", tmp_path / "verdict.xml"
    same = printed(GOLDEN, "--index", kept[0], "--baseline", baseline, "--junit", junit)
    assert same[0] == 0, same
    assert 'failures="0"' in junit.read_text(encoding="utf-8")
    poor = tmp_path / "poor.run"
    poor.write_text("".join(f"q{number:02} Q0 quill-ttl 1 1.0 poor\n" for number in range(1, 12)))
    own = tmp_path / "own.json"
    assert printed(GOLDEN, "--index", kept[0], "--mode", "hybrid", "--save-baseline", own)[0] == 0
    good = own.read_bytes()
    lost = printed(GOLDEN, "--run", poor, "--baseline", own, "--junit", junit, "--save-baseline", own)
    assert own.read_bytes() == good
    assert lost[0] == 1, lost
    assert "1 of 1 cases fell" in lost[1]
    assert "<failure" in junit.read_text(encoding="utf-8")


def test_a_baseline_of_another_dataset_cannot_be_compared(kept: Kept, printed: Any, tmp_path: Path) -> None:
    other = Path(shutil.copytree(GOLDEN, tmp_path / "beir"))
    with (other / "queries.jsonl").open("a") as file:
        file.write('{"_id": "q13", "text": "one more"}\n')
    baseline = kept[0].parent / "baseline.json"
    status, _, error = printed(other, "--baseline", baseline, "--mode", "sparse")
    assert status == 2
    assert "changed" in error


def test_several_test_sets_are_measured_in_one_run_with_one_report(
    span_set: Path, printed: Any, tmp_path: Path
) -> None:
    sets = tmp_path / "sets"
    shutil.copytree(GOLDEN, sets / "beir")
    shutil.copytree(span_set, sets / "notes-set")
    (sets / "notes").mkdir()
    status, out, error = printed(sets, "--mode", "sparse", "--report", tmp_path / "report", "--json", "-")
    assert status == 0, error
    assert [each["dataset"] for each in json.loads(out)["evaluations"]] == ["beir", "notes-set"]
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert written == {"report.html", "report.md", "report.json"}


def test_stale_labels_and_unreadable_files_make_status_1_and_are_named(
    span_set: Path, printed: Any, tmp_path: Path
) -> None:
    notes = Path(shutil.copytree(span_set, tmp_path / "notes-set"))
    arguments = [notes, "--mode", "sparse", "--no-answers"]
    changed = (notes / "docs" / "ops" / "keys.md").read_text(encoding="utf-8").replace("90", "30")
    (notes / "docs" / "ops" / "keys.md").write_text(changed, encoding="utf-8")
    status, out, _ = printed(*arguments)
    assert status == 1
    assert f"stale: {notes / 'queries.jsonl'}:1: 'Signing keys are rotated every 90 days.'" in out
    shutil.copytree(span_set, notes, dirs_exist_ok=True)
    (notes / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    status, out, _ = printed(*arguments)
    assert (status, "could not be read: broken.pdf" in out, "stale: " in out) == (1, True, False)


def _some_results(unfinished: Path) -> bool:
    return any(file.stat().st_size > 4000 for file in unfinished.glob("*.jsonl"))


def test_a_stopped_run_is_taken_up_by_the_same_command(printed: Any, tmp_path: Path) -> None:
    """Stopped with Ctrl-C after the first results are on disk; nothing of them is asked again."""
    work = tmp_path / "work"
    arguments = [str(GOLDEN), "--work", str(work), "--no-answers", "--mode", "dense"]
    many = json.loads((GOLDEN / "queries.jsonl").read_text(encoding="utf-8").splitlines()[0])
    queries = tmp_path / "queries.jsonl"
    # Each in its own words: a question that was asked before takes no time that could be stopped in.
    asked = ({"_id": f"n{n}", "text": f"{many['text']} {n}"} for n in range(600))
    queries.write_text("".join(json.dumps(each) + "\n" for each in asked))
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\n" + "".join(f"n{n}\tquill-ttl\t1\n" for n in range(600)))
    arguments += ["--queries", str(queries), "--qrels", str(qrels)]
    process = subprocess.Popen(
        [sys.executable, "-m", "eval", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    unfinished = work / "unfinished"
    while process.poll() is None and not _some_results(unfinished):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    [journal] = unfinished.glob("*.jsonl")
    done = journal.read_text(encoding="utf-8").count("\n")
    assert 0 < done < 600
    status, _, error = printed(*arguments)
    assert status == 0
    assert f"dense queries: {600 - done}\n" in error
    assert not unfinished.exists()


def test_ctrl_c_without_a_place_to_keep_work_says_that_nothing_is_kept() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "eval", str(GOLDEN)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"beir: 12 queries\n"
    os.kill(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("stopped; nothing was kept: with --work DIR")


def test_two_test_sets_of_one_name_are_told_apart_by_nobody(printed: Any, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "beir")
    status, _, error = printed(GOLDEN, tmp_path / "beir")
    assert status == 2
    assert "two test sets are called 'beir'" in error


def test_without_work_or_index_nothing_stays_behind(
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


def test_a_folder_that_holds_something_else_is_left_alone(printed: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    status, _, error = printed(GOLDEN, "--index", tmp_path)
    assert status == 2
    assert "not empty and not a finished evaluation" in error
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere: no such f"),
        ([GOLDEN, "--mode", "sparse,lexical"], "there is no 'lexical'; valid: sparse, dense, hybrid"),
        ([GOLDEN, "--mode", ","], "there is no ''"),
        ([GOLDEN, "--mode", ""], "there is no ''"),
        ([GOLDEN, "--measure", "span_iou@5"], "none of the test sets is labelled by quotes"),
        ([GOLDEN, "--measure", "right"], "no answers are measured"),
        ([GOLDEN, "--report", ""], "--report: name a folder"),
        ([GOLDEN, "--run", f"a={GOLDEN}/corpus.jsonl", "--run", f"a={GOLDEN}/queries.jsonl"], "given twice"),
        ([GOLDEN, "--run", f"a={GOLDEN}/corpus.jsonl", "--mode", "sparse"], "corpus.jsonl:1: "),
        ([GOLDEN, "--set", "retriever.k=1,2", "--set", "retriever.k=3"], "has several values already"),
        ([GOLDEN, "--measure", "ndcg"], "there is no 'ndcg'; valid: ndcg@5, ndcg@10,"),
        ([GOLDEN, "--json", "no/such/folder.json"], "no/such/folder.json: cannot be written"),
        ([GOLDEN, "--save-baseline", "no/such/b.json"], "--save-baseline no/such/b.json: cannot be written"),
        ([GOLDEN, "--report", GOLDEN / "corpus.jsonl"], "corpus.jsonl is a file; name a folder"),
        (
            [GOLDEN, "--write-trec", GOLDEN / "corpus.jsonl" / "a" / "b"],
            "corpus.jsonl is a file; name a folder",
        ),
        ([GOLDEN, "--work", GOLDEN / "corpus.jsonl" / "a"], "corpus.jsonl is a file; name a folder"),
        ([GOLDEN, "--baseline", "no.json"], "no.json: no such file; make one with --save-baseline"),
        ([GOLDEN, "--junit", "x.xml"], "--junit goes with --baseline"),
        ([GOLDEN, "--trials", "3"], "--trials 3: must lie between 100 and 1000000"),
        ([GOLDEN, "--alpha", "0"], "--alpha 0: must lie between"),
        ([GOLDEN, "--run", "none.run"], "--run none.run: there is no such file; write NAME=FILE"),
        ([GOLDEN, "--index", "a", "--work", "b"], "use one"),
        ([GOLDEN, "--labels", "spans"], "--labels spans"),
        ([GOLDEN, "--config", "no.toml"], "no.toml: no such file"),
        ([GOLDEN, "--set", "retriever.dpth=3"], "retriever.dpth: no such setting"),
        ([GOLDEN, "--set", "depth"], "write NAME=VALUE"),
        ([GOLDEN, "--set", "retriever.mode=sparse,dense"], "use --mode"),
        ([GOLDEN, "--set", "embedder.name=none"], "embedder.name: there is no 'none'"),
        ([GOLDEN, "--index", GOLDEN / "corpus.jsonl"], "is a file"),
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


def test_a_question_that_is_too_long_to_be_asked_is_named_before_the_work(
    span_set: Path, printed: Any, tmp_path: Path
) -> None:
    """One that is only searched for, without a known answer, may be of any length."""
    notes = Path(shutil.copytree(span_set, tmp_path / "notes-set"))
    status, _, error = printed(notes, "--set", "question_limit=33")
    assert status == 2
    assert error.startswith(
        "error: notes-set: the question 'q1' has 35 characters, question_limit is 33; raise it with --set "
        "question_limit=35, or take --no-answers"
    )
    assert printed(notes, "--set", "question_limit=33", "--no-answers", "--mode", "sparse")[0] == 0
    with (notes / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"_id": "q5", "text": "without a label " * 200}) + "\n")
    assert printed(notes, "--mode", "sparse")[0] == 0


def test_of_a_run_that_cuts_files_in_another_way_only_the_text_is_measured(
    span_set: Path, printed: Any, tmp_path: Path
) -> None:
    """Its first hit holds the quote of q1, in other characters than any chunk of the index here."""
    run = tmp_path / "theirs.run"
    run.write_text("q1 Q0 ops/keys.md#8-47 1 1.0 theirs\n", encoding="utf-8")
    report = tmp_path / "report"
    arguments = [span_set, "--mode", "sparse", "--run", run, "--no-answers", "--report", report]
    status, out, error = printed(*arguments)
    assert status == 0, error
    assert "theirs.run: cuts the files of notes-set in another way, so only its text is measured" in error
    assert out.splitlines()[2].split()[:7] == ["theirs", *["-"] * 6]
    [row] = json.loads((report / "report.json").read_text(encoding="utf-8"))["evaluations"]
    assert row["modes"]["theirs"]["span_recall@5"] == pytest.approx(1 / 3)
    assert not {"ndcg@10", "recall_by_k"} & row["modes"]["theirs"].keys()
    assert [each["measure"] for each in row["comparisons"]] == ["span_recall@1000t"]
