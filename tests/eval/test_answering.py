"""Answers are measured as people have them: calibrated on the documents, or by the fixed threshold."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from eval.answering import calibrated
from eval.indexing import NOTE, prepare
from eval.systems import System
from eval.types import Query, SpanSet
from rag.calibration.stored import FILE
from rag.config import load_settings

Indexed: TypeAlias = tuple[Path, Path]

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "en"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that the evaluation made of some pages of the guide."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "pages").mkdir()
    for page in sorted(GUIDE.glob("0[2478]-*.md")):
        shutil.copy(page, folder / "pages")
    guide = SpanSet("guide", "0", {"q": Query("What is a chunk?")}, folder / "pages", {})
    prepare(guide, system(folder / "index").settings, ours=True)
    return folder / "index"


def system(index: Path, **flags: object) -> System:
    settings = load_settings({"index": index, "calibration.seconds": 0.001, **flags})
    return System("hybrid", "hybrid", settings, {})


def test_an_index_that_the_evaluation_made_is_calibrated_once_by_all_questions_however_long_it_takes(
    indexed: Path, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(indexed, tmp_path / "index"))
    assert not (index / FILE).exists(), "the ingest left it to the evaluation, which tells its time"
    own = system(index)
    same, told = calibrated(own)
    assert same == own
    assert told is not None
    assert told["seconds"] > 0
    [english] = told["groups"]
    assert (english["language"], english["dense"]) == ("en", True)
    assert 0 < english["confidence"] < 1
    assert calibrated(own) == (own, {**told, "seconds": None})


def test_an_index_that_people_use_is_measured_as_they_have_it(indexed: Path, tmp_path: Path) -> None:
    index = Path(shutil.copytree(indexed, tmp_path / "index"))
    (index / NOTE).unlink()
    own = system(index)
    assert calibrated(own) == (own, None)
    assert not (index / FILE).exists()


def test_without_calibrating_the_fixed_threshold_holds_whatever_an_earlier_run_learnt(
    indexed: Path, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(indexed, tmp_path / "index"))
    (index / FILE).write_text("not looked at")
    off = {"calibration.at_ingest": False}
    plain, told = calibrated(system(index, **off))
    assert told is None
    assert plain.settings.generator.options == {"threshold": 0.4}
    chosen = system(index, **off, **{"generator.threshold": 0.7})
    assert calibrated(chosen)[0] == chosen


def test_a_generator_without_a_threshold_is_measured_as_it_is(indexed: Path) -> None:
    own = system(indexed, generator={"name": "transformers", "model": "some/model"})
    assert calibrated(own) == (own, None)
    off = replace(own, settings=own.settings.model_copy(deep=True))
    off.settings.calibration.at_ingest = False
    assert calibrated(off) == (off, None)
