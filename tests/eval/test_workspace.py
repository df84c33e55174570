"""A workspace keeps one index for each way of making it, and unfinished results until all are done."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.datasets import read_test_set
from eval.systems import System
from eval.types import PassageSet
from eval.workspace import open_workspace
from rag.config import Settings, load_settings
from rag.errors import SettingError

GOLDEN = Path(__file__).parents[1] / "golden" / "beir"


@pytest.fixture(scope="module")
def golden() -> PassageSet:
    test_set = read_test_set(GOLDEN)
    assert isinstance(test_set, PassageSet)
    return test_set


def _system(settings: Settings) -> System:
    return System("hybrid", "hybrid", settings, {})


def test_an_index_is_made_once_for_all_settings_that_do_not_change_it(
    golden: PassageSet, tmp_path: Path
) -> None:
    with open_workspace(tmp_path / "work", None) as workspace:
        first, made = workspace.indexed(golden, load_settings({"retriever.depth": 50}))
        second, again = workspace.indexed(golden, load_settings({"retriever.depth": 90}))
    assert first.index == second.index
    assert made is again
    assert [path.name for path in (tmp_path / "work").iterdir()] == [first.index.name]


def test_results_are_kept_until_everything_is_finished(golden: PassageSet, tmp_path: Path) -> None:
    system = _system(load_settings())
    with open_workspace(tmp_path / "work", None) as workspace:
        with workspace.journal("queries", golden, system, "g1") as journal:
            journal.add("q1", 1)
        with workspace.journal("queries", golden, system, "g1") as journal:
            assert journal.done == {"q1": 1}
        workspace.finish()
        with workspace.journal("queries", golden, system, "g1") as journal:
            assert journal.done == {}


def test_results_of_another_kind_index_or_setting_are_not_taken(golden: PassageSet, tmp_path: Path) -> None:
    system = _system(load_settings())
    other = _system(load_settings({"retriever.depth": 7}))
    with open_workspace(tmp_path / "work", None) as workspace:
        with workspace.journal("queries", golden, system, "g1") as journal:
            journal.add("q1", 1)
        for unlike in [("answers", system, "g1"), ("queries", system, "g2"), ("queries", other, "g1")]:
            with workspace.journal(unlike[0], golden, unlike[1], unlike[2]) as journal:
                assert journal.done == {}


def test_a_workspace_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingError, match=r"--work .*: is a file"), open_workspace(tmp_path / "file", None):
        pass
