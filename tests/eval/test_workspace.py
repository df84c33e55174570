"""A workspace keeps one index for each way of making it, and unfinished results until all are done."""

from __future__ import annotations

from dataclasses import replace
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


def test_results_of_anything_else_are_not_taken(
    golden: PassageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another kind, test set, mode, setting or index, or of other code."""
    system = _system(load_settings())
    depth = _system(load_settings({"retriever.depth": 7}))
    sparse, other = replace(system, mode="sparse"), replace(golden, digest="another")
    with open_workspace(tmp_path / "work", None) as workspace:
        with workspace.journal("queries", golden, system, "g1") as journal:
            journal.add("q1", 1)
        for kind, test_set, unlike, generation in [
            ("answers", golden, system, "g1"),
            ("queries", other, system, "g1"),
            ("queries", golden, sparse, "g1"),
            ("queries", golden, depth, "g1"),
            ("queries", golden, system, "g2"),
        ]:
            with workspace.journal(kind, test_set, unlike, generation) as journal:
                assert journal.done == {}
        with workspace.journal("queries", golden, system, "g1") as journal:
            assert journal.done == {"q1": 1}
        monkeypatch.setattr("eval.workspace.code_digest", lambda: "other code")
        with workspace.journal("queries", golden, system, "g1") as journal:
            assert journal.done == {}


def test_a_workspace_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingError, match=r"--work .*: is a file"), open_workspace(tmp_path / "file", None):
        pass
