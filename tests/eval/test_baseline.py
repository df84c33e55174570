"""A baseline is written whole, read back as it was, and refused by file and line if it is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.baseline import read_baseline, save_baseline
from rag.errors import SettingError

ROWS = {"q1": {"ndcg@10": 0.5, "latency_ms": None, "results": ["d1", "文"]}, "q2": {"ndcg@10": 1.0}}


def _evaluation(dataset: str = "scifact", **more: Any) -> dict[str, Any]:
    return {"dataset": dataset, "digest": "0a1b", "per_query": {"hybrid": ROWS}, "seed": 0} | more


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    one, several = [_evaluation()], [_evaluation(), _evaluation("fiqa", comparisons=[{"p": 1.0}, {}])]
    for evaluations in (one, several):
        save_baseline(tmp_path / "b.json", evaluations)
        assert read_baseline(tmp_path / "b.json") == evaluations


def test_one_test_set_is_stored_as_it_is_and_several_under_evaluations(tmp_path: Path) -> None:
    save_baseline(tmp_path / "b.json", [_evaluation()])
    assert json.loads((tmp_path / "b.json").read_text("utf-8")) == _evaluation()
    save_baseline(tmp_path / "b.json", [_evaluation(), _evaluation("fiqa")])
    assert list(json.loads((tmp_path / "b.json").read_text("utf-8"))) == ["evaluations"]


def test_each_query_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    for evaluations in ([_evaluation()], [_evaluation(), _evaluation("fiqa")]):
        save_baseline(tmp_path / "b.json", evaluations)
        lines = (tmp_path / "b.json").read_text("utf-8").splitlines()
        assert sum(
            '"q1": {"ndcg@10": 0.5, "latency_ms": null, "results": ["d1", "文"]}' in line for line in lines
        ) == len(evaluations)


_FIGURES = st.integers(-(10**15) + 1, 10**15 - 1)  # beyond them a file is refused: no measure gives such


@given(name=st.text(), value=st.recursive(st.none() | _FIGURES | st.text(), st.lists))
def test_any_names_and_values_survive(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    file = tmp_path_factory.mktemp("baseline") / "b.json"
    evaluation = _evaluation(per_query={name: {name: {name: value}}}, extra=value)
    save_baseline(file, [evaluation])
    assert read_baseline(file) == [evaluation]


def test_half_a_character_in_an_id_survives(tmp_path: Path) -> None:
    evaluation = _evaluation(per_query={"s": {"q\ud800": {"ndcg@10": 1.0}}})
    save_baseline(tmp_path / "b.json", [evaluation])
    assert read_baseline(tmp_path / "b.json") == [evaluation]


def test_a_baseline_that_cannot_be_written_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    save_baseline(file, [_evaluation()])
    with pytest.raises(ValueError, match="Out of range"):
        save_baseline(file, [_evaluation(seed=float("nan"))])
    with pytest.raises(ValueError, match="'per_query' is missing"):
        save_baseline(file, [{"dataset": "scifact", "digest": "0a1b"}])
    with pytest.raises(ValueError, match="needs an evaluation"):
        save_baseline(file, [])
    assert read_baseline(file) == [_evaluation()]
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "missing" / "b.json", tmp_path / "folder"):
        with pytest.raises(SettingError, match=rf"--save-baseline {place}: cannot be written"):
            save_baseline(place, [_evaluation()])
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_link_keeps_pointing_at_the_baseline(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "b.json")
    save_baseline(tmp_path / "link.json", [_evaluation()])
    assert (tmp_path / "link.json").is_symlink()
    assert read_baseline(tmp_path / "b.json") == [_evaluation()]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", r"b\.json:1: no JSON"),
        ('{"dataset": "x",\n"digest" "y"}', r"b\.json:2: no JSON \(Expecting ':' delimiter\)"),
        ('{"seed": NaN}', r"b\.json: no JSON \(NaN is no number\)"),
        ("[" * 200_000, r"b\.json: no JSON"),
        ("[]", "holds no evaluation"),
        ("3", "holds no evaluation"),
        ('{"evaluations": []}', "holds no evaluation"),
        ('{"evaluations": {"a": 1}}', "holds no evaluation"),
        ('{"evaluations": [3]}', "an evaluation is an object"),
        ("{}", "'dataset' is missing"),
        ('{"dataset": "x", "digest": 3}', "'digest' is missing"),
        ('{"dataset": "x", "digest": "d", "systems": []}', "'systems' is no object"),
        ('{"dataset": "x", "digest": "d"}', "x: 'per_query' is missing: the figures of every query"),
        ('{"dataset": "x", "digest": "d", "per_query": []}', "x: 'per_query' names no system"),
        ('{"dataset": "x", "digest": "d", "per_query": {"s": {}}}', "x: 'per_query' has no queries for 's'"),
        ('{"dataset": "x", "digest": "d", "per_query": {"s": {"q": 1}}}', "a query of 's' without figures"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_and_says_why(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "b.json").write_text(content, "utf-8")
    with pytest.raises(SettingError, match=says) as error:
        read_baseline(tmp_path / "b.json")
    assert str(error.value).startswith(f"--baseline {tmp_path / 'b.json'}")
    assert str(error.value).endswith("make it anew with --save-baseline")
    assert "\n" not in str(error.value)


def test_the_evaluation_at_fault_is_named_by_its_number(tmp_path: Path) -> None:
    content = {"evaluations": [_evaluation(), {"dataset": "fiqa"}]}
    (tmp_path / "b.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(SettingError, match="evaluation 2: 'digest' is missing"):
        read_baseline(tmp_path / "b.json")


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no such file; make one with --save-baseline"):
        read_baseline(tmp_path / "b.json")
    with pytest.raises(SettingError, match="cannot be read"):
        read_baseline(tmp_path)
    (tmp_path / "b.json").write_bytes(b'{"dataset": "\xff"}')
    with pytest.raises(SettingError, match="no JSON"):
        read_baseline(tmp_path / "b.json")
