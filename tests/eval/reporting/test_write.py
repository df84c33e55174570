"""A report is three files in a folder, each replaced whole, and nothing else there is touched."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from eval.reporting.write import write_report
from rag.errors import SettingError

Make: TypeAlias = Callable[..., dict[str, Any]]


def test_the_json_twin_is_what_was_given(tmp_path: Path, evaluation: Make) -> None:
    given = [evaluation(), evaluation("zweites 手册")]
    before = copy.deepcopy(given)
    write_report(tmp_path, given)
    kept = (tmp_path / "report.json").read_text("utf-8")
    assert kept == json.dumps({"evaluations": before}, ensure_ascii=False) + "\n"
    assert given == before


def test_the_same_evaluations_give_the_same_bytes(tmp_path: Path, evaluation: Make) -> None:
    for name in ("one", "two"):
        write_report(tmp_path / name, [evaluation(), evaluation("second")])
    for file in ("report.html", "report.md", "report.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_only_the_reports_own_files_are_replaced(tmp_path: Path, evaluation: Make) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "report.md").write_text("old")
    write_report(tmp_path, [evaluation()])
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "notes.txt",
        "report.html",
        "report.json",
        "report.md",
    ]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "old" not in (tmp_path / "report.md").read_text("utf-8").split("\n")[0]


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_folder_that_is_a_file_is_a_setting_error_that_names_it(
    tmp_path: Path, inside: str, evaluation: Make
) -> None:
    file = tmp_path / "taken"
    file.write_text("mine")
    with pytest.raises(SettingError, match=r"--report .*taken.* is a file; name a folder"):
        write_report(file / inside, [evaluation()])
    assert file.read_text() == "mine"


def test_a_folder_in_the_place_of_a_report_file_is_refused_and_leaves_no_draft(
    tmp_path: Path, evaluation: Make
) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(SettingError, match="--report"):
        write_report(tmp_path, [evaluation()])
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_text_that_utf_8_cannot_hold_is_written_as_an_escape(tmp_path: Path, evaluation: Make) -> None:
    found = evaluation("bad \udcff name")
    write_report(tmp_path, [found])
    kept = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert kept["evaluations"][0]["dataset"] == "bad \udcff name"
