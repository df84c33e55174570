"""Runs and judgements go out and come back unchanged, and other programs read the same ranking from them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets import read_test_set
from eval.formats.trec import check_run, read_qrels, read_run, write_qrels, write_run
from eval.types import Found, PassageSet, Query, Run, Span, SpanSet
from rag.errors import DocumentError, SettingError

GOLDEN = Path(__file__).parents[2] / "golden" / "beir"
SCIFACT = Path(__file__).parents[4] / "shared" / "data" / "retrieval" / "scifact"

_IDS = st.text(st.sampled_from("ab%20\u3000 #1-"), min_size=1, max_size=6)
_SCORES = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, 0.1, 0.1 + 1e-12]), st.floats(allow_nan=False, allow_infinity=False)
)


def _run(results: dict[str, list[tuple[str, float]]]) -> Run:
    return Run(
        {
            query: tuple(Found(document, Span(document, 0, 0), score) for document, score in each)
            for query, each in results.items()
        }
    )


@given(
    st.dictionaries(
        _IDS,
        st.lists(st.tuples(_IDS, _SCORES), min_size=1, max_size=6, unique_by=lambda each: each[0]),
        min_size=1,
    )
)
def test_a_run_comes_back_in_the_same_order_whatever_its_scores(
    tmp_path_factory: pytest.TempPathFactory, results: dict[str, list[tuple[str, float]]]
) -> None:
    path = tmp_path_factory.mktemp("run") / "x.run"
    run = _run(results)
    write_run(path, run, "hybrid retriever.depth=50")
    read = read_run(path)
    assert read.ids == run.ids
    for found in read.found.values():
        scores = np.array([each.score for each in found], dtype=np.float32)
        assert (np.diff(scores) < 0).all()


@given(st.dictionaries(_IDS, st.dictionaries(_IDS, st.integers(-1, 3), min_size=1), min_size=1))
def test_judgements_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, qrels: dict[str, dict[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("qrels") / "x.qrels"
    write_qrels(path, qrels)
    assert read_qrels(path) == qrels


def test_scores_that_already_fall_are_written_as_they_are(tmp_path: Path) -> None:
    write_run(tmp_path / "x", _run({"q": [("a", 2.5), ("b", 0.125), ("c", -3.0)], "none": []}), "bm x")
    assert (tmp_path / "x").read_text() == "q Q0 a 1 2.5 bm%20x\nq Q0 b 2 0.125 bm%20x\nq Q0 c 3 -3 bm%20x\n"


def test_scores_that_no_32_bits_hold_give_way_to_places(tmp_path: Path) -> None:
    write_run(tmp_path / "x", _run({"q": [("a", 1e300), ("b", 1e299), ("c", float("-inf"))]}), "x")
    assert [each.score for each in read_run(tmp_path / "x").found["q"]] == [3.0, 2.0, 1.0]


def test_a_run_from_elsewhere_is_ordered_by_score_and_then_by_rank(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("q\tQ0 a 1 1.0 t\nq Q0  b 3 2e0 t\n\nr Q0 a 0 -1 t\nq Q0 c#5-9 2 2.0 t\n")
    read = read_run(tmp_path / "x")
    assert read.ids == {"q": ["c#5-9", "b", "a"], "r": ["a"]}
    assert [each.span for each in read.found["q"]] == [Span("c", 5, 9), Span("b", 0, 0), Span("a", 0, 0)]
    assert read.milliseconds == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q Q0 a 2 0.5 t", "x.run:2: 'q' already has 'a' on"),
        ("q Q0 b 2 nan t", "x.run:2: the score must be a finite number (it is 'nan')"),
        ("q Q0 b 2 inf t", "x.run:2: the score must be a finite number (it is 'inf')"),
        ("q Q0 b two 1 t", "x.run:2: rank must be an integer and score a number (they are 'two', '1')"),
        ("q Q0 b 2 high t", "rank must be an integer and score a number (they are '2', 'high')"),
        (
            "q Q0 b 2 1",
            "x.run:2: 5 columns; a run in TREC's form has lines of: query Q0 document rank score tag",
        ),
    ],
)
def test_a_bad_line_is_refused_by_file_and_number(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "x.run").write_text(f"q Q0 a 1 1.0 t\n{line}\n")
    with pytest.raises(DocumentError) as caught:
        read_run(tmp_path / "x.run")
    assert says in str(caught.value)


def test_a_file_that_is_missing_empty_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="x: no such file; a run in TREC's form"):
        read_run(tmp_path / "x")
    with pytest.raises(SettingError, match="x: no such file; judgements in TREC's form"):
        read_qrels(tmp_path / "x")
    (tmp_path / "x").write_text("")
    with pytest.raises(DocumentError, match="x: is empty"):
        read_run(tmp_path / "x")
    with pytest.raises(SettingError, match="cannot be written"):
        write_qrels(tmp_path / "x" / "y", {})


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ("q99 Q0 zh-rizhi 1 1.0 t", "x.run:2: no query 'q99' in beir"),
        ("q01 Q0 nowhere 2 0.5 t", "x.run:2: no document 'nowhere' in beir"),
    ],
)
def test_ids_that_are_not_in_the_set_are_refused_by_line(tmp_path: Path, second: str, says: str) -> None:
    test_set = read_test_set(GOLDEN)
    path = tmp_path / "x.run"
    path.write_text("q01 Q0 zh-rizhi 1 1.0 t\n")
    check_run(read_run(path), test_set, path)
    path.write_text(f"q01 Q0 zh-rizhi 1 1.0 t\n{second}\n")
    with pytest.raises(DocumentError) as caught:
        check_run(read_run(path), test_set, path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("a.md", "a result must be \"path#start-end\" (it is 'a.md')"),
        ("a.md#5-5", 'must be "path#start-end"'),
        ("b.md#0-5", "no document 'b.md' in"),
        ("secret.md#0-5", "'secret.md' is withheld from set"),
    ],
)
def test_a_run_over_files_must_name_ranges_of_those_that_are_not_withheld(
    tmp_path: Path, document: str, says: str
) -> None:
    for name in ("a.md", "secret.md"):
        (tmp_path / name).write_text("text")
    test_set = SpanSet("set", "", {"q": Query("?")}, tmp_path, {}, frozenset({"secret.md"}))
    path = tmp_path / "x.run"
    path.write_text("q Q0 a.md#0-4 1 1.0 t\n")
    check_run(read_run(path), test_set, path)
    path.write_text(f"q Q0 a.md#0-4 1 1.0 t\nq Q0 {document} 2 0.5 t\n")
    with pytest.raises(DocumentError) as caught:
        check_run(read_run(path), test_set, path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert says in str(caught.value)


def _synthetic(test_set: PassageSet, seed: int) -> Run:
    """A ranking of a hundred documents for each query, relevant ones likelier, with many equal scores."""
    draw = np.random.default_rng(seed)
    ids = [entry.id for entry in test_set.corpus]
    found = {}
    for query in test_set.queries:
        relevant = [each for each in test_set.qrels.get(query, {}) if draw.random() < 0.8]
        others = [
            each for each in draw.choice(ids, min(100, len(ids)), replace=False) if each not in relevant
        ]
        order = [str(each) for each in draw.permutation([*relevant, *others[:20]])] + others[20:]
        scores = np.sort(np.round(draw.random(len(order)), 1))[::-1]
        found[query] = [(document, float(score)) for document, score in zip(order, scores, strict=True)]
    return _run(found)


def _ndcg(qrels: Mapping[str, int], ranking: list[str]) -> float:
    """nDCG@10 as K. Järvelin and J. Kekäläinen define it (2002), with the gain of the judgement itself."""
    gains = [max(0, qrels.get(document, 0)) for document in ranking[:10]]
    ideal = sorted(qrels.values(), reverse=True)[:10]
    return sum(gain / math.log2(n + 2) for n, gain in enumerate(gains)) / sum(
        gain / math.log2(n + 2) for n, gain in enumerate(ideal)
    )


_RANX = """
import sys, ranx
qrels, run = ranx.Qrels.from_file(sys.argv[1], kind="trec"), ranx.Run.from_file(sys.argv[2], kind="trec")
print(ranx.evaluate(qrels, run, "ndcg@10", make_comparable=True))
"""


@pytest.fixture(params=[GOLDEN, SCIFACT], ids=["golden", "scifact"])
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, float], Path, Path]:
    """nDCG@10 of each query by its definition, and the files of judgements and run."""
    if not request.param.is_dir():
        pytest.skip("the shared test sets are not here")
    test_set = read_test_set(request.param)
    assert isinstance(test_set, PassageSet)
    run = _synthetic(test_set, seed=7)
    write_qrels(tmp_path / "x.qrels", test_set.qrels)
    write_run(tmp_path / "x.run", run, "synthetic")
    expected = {query: _ndcg(judged, run.ids[query]) for query, judged in test_set.qrels.items()}
    assert 0.1 < np.mean(list(expected.values())) < 0.9
    return expected, tmp_path / "x.qrels", tmp_path / "x.run"


def test_ir_measures_reads_the_same_ranking(exported: tuple[dict[str, float], Path, Path]) -> None:
    import ir_measures

    expected, qrels, run = exported
    measured = ir_measures.iter_calc(
        [ir_measures.nDCG @ 10], ir_measures.read_trec_qrels(str(qrels)), ir_measures.read_trec_run(str(run))
    )
    assert {each.query_id: each.value for each in measured} == pytest.approx(expected, abs=1e-6)


def test_trec_eval_reads_the_same_ranking(exported: tuple[dict[str, float], Path, Path]) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    expected, qrels, run = exported
    with qrels.open() as judged, run.open() as ranked:
        evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(judged), {"ndcg_cut.10"})
        measured = evaluator.evaluate(pytrec_eval.parse_run(ranked))
    assert {
        query: each["ndcg_cut_10"] for query, each in measured.items() if query in expected
    } == pytest.approx(expected, abs=1e-6)


def test_ranx_reads_the_same_ranking(exported: tuple[dict[str, float], Path, Path]) -> None:
    if find_spec("ranx") is None:
        pytest.skip("ranx is not installed; nothing else here needs it")
    expected, qrels, run = exported
    # Compiling takes it half a minute and changes no figure.
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", _RANX, str(qrels), str(run)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(np.mean(list(expected.values())), abs=1e-6)
