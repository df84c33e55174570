"""Answers are measured as people have them: calibrated on the documents, or by the fixed threshold."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from eval.answering import calibrated, measure_answers
from eval.cost import index_bytes
from eval.indexing import NOTE, prepare
from eval.journal import Journal
from eval.judgements import Judgements
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


def test_an_index_that_other_code_calibrated_is_calibrated_again(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = system(Path(shutil.copytree(indexed, tmp_path / "index")))
    calibrated(own)
    size = index_bytes(own.settings.index)
    monkeypatch.setattr("eval.answering.code_digest", lambda places: f"another {places}")
    again, unchanged = calibrated(own)[1], calibrated(own)[1]
    assert again is not None
    assert unchanged is not None
    assert again["seconds"] > 0
    assert unchanged["seconds"] is None
    assert index_bytes(own.settings.index) == size


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


def test_what_a_refused_question_would_have_been_answered_is_known(indexed: Path) -> None:
    """At a threshold of 1 all are; an answer to a question that has none is wrong whatever it says."""
    queries = {
        "right": Query("What is a chunk?", ("chunk",)),
        "wrong": Query("What is a chunk?", ("zebra",)),
        "none": Query("What is a chunk?", answerable=False),
        "unmarked": Query("What is a chunk?"),
        "empty": Query("", ("chunk",)),
    }
    guide = SpanSet("guide", "0", queries, indexed, {})
    refusing = system(indexed, **{"generator.threshold": 1.0})
    with Journal(None) as journal:
        told, values, confidences = measure_answers(
            guide, Judgements({}, {}), refusing, journal, seed=0, trials=100
        )
        found = {name: record["would_be_right"] for name, record in journal.done.items()}
    assert found == {"right": 1.0, "wrong": 0.0, "none": 0.0}
    assert {name: each["right"] for name, each in values.items()} == {"right": 0, "wrong": 0, "none": 1}
    assert told["abstention"]["coverage"] == 0
    assert told["risk_coverage"]["area"] == pytest.approx((2 / 3 + 2 / 3 + 2 / 3) / 3)
    assert len(set(confidences.values())) == 1


def test_a_generator_without_a_threshold_is_measured_as_it_is(
    indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = system(indexed, generator={"name": "transformers", "model": "some/model"})
    assert calibrated(own) == (own, None)
    assert capsys.readouterr().err == ""
    off = replace(own, settings=own.settings.model_copy(deep=True))
    off.settings.calibration.at_ingest = False
    assert calibrated(off) == (off, None)
