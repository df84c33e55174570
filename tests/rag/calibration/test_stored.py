"""The calibration's file: what was written comes back, and what was changed is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.calibration.describe import described, lines
from rag.calibration.stored import (
    FILE,
    LEAST,
    Calibration,
    Fitted,
    Outcome,
    Thresholds,
    read_calibration,
    write_calibration,
)
from rag.errors import IndexDamaged


def calibration(made_with: str = "these") -> Calibration:
    """200 outcomes of which the upper half is right."""
    outcomes = tuple(Outcome(at / 200, at >= 100, at % 2 == 0 and at < 100) for at in range(200))
    fitted = Fitted("en", dense=True, slope=1.0, intercept=0.0, outcomes=outcomes)
    return Calibration("abc", 10, 12, made_with, (fitted,), {"zh": "3 known items could be made"})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_calibration(tmp_path, calibration())
    assert read_calibration(tmp_path) == calibration()
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_an_index_without_one_goes_on_working(tmp_path: Path) -> None:
    assert read_calibration(tmp_path) is None
    assert Thresholds(tmp_path, "these", 0.0)() == {}


def test_every_changed_byte_is_noticed_by_name(tmp_path: Path) -> None:
    write_calibration(tmp_path, calibration())
    file = tmp_path / FILE
    written = file.read_bytes()
    for damaged in (written.replace(b"0.995", b"0.994"), written[:-20], b"", b"[]", b"\xff" * 10):
        file.write_bytes(damaged)
        with pytest.raises(IndexDamaged, match=FILE):
            read_calibration(tmp_path)
        with pytest.raises(IndexDamaged, match=FILE):
            Thresholds(tmp_path, "these", 0.0)()


def test_one_made_under_other_settings_is_not_used(tmp_path: Path) -> None:
    write_calibration(tmp_path, calibration("others"))
    assert Thresholds(tmp_path, "these", 0.0)() == {}
    assert Thresholds(tmp_path, "others", 0.0)()


def test_thresholds_follow_the_file_as_it_is_replaced(tmp_path: Path) -> None:
    thresholds = Thresholds(tmp_path, "these", 0.0)
    assert thresholds() == {}
    write_calibration(tmp_path, calibration())
    _, begins = thresholds()["en", True]
    assert begins.accepted is None
    (tmp_path / FILE).unlink()
    assert thresholds() == {}


def test_a_risk_that_cannot_be_kept_to_keeps_right_answers_instead() -> None:
    [fitted] = calibration().groups
    promised, kept = fitted.threshold(0.2), fitted.threshold(0.001)
    assert promised is not None
    assert promised.accepted == 0.2
    assert kept is not None
    assert kept.accepted is None
    assert kept == fitted.threshold(0.0)


def test_one_unsure_right_answer_of_few_lets_nothing_through_that_is_nearly_always_wrong() -> None:
    outcomes = (*(Outcome(0.01 + at / 1000, at == 3, False) for at in range(30)),)
    outcomes += (*(Outcome(0.5 + at / 100, True, False) for at in range(40)),)
    begins = Fitted("zh", dense=False, slope=1.0, intercept=0.0, outcomes=outcomes).threshold(0)
    assert begins is not None
    assert begins.confidence == LEAST
    assert begins.risk == 0


def test_it_is_told_in_figures_and_in_sentences() -> None:
    found = described(calibration(), 0.2)
    [group] = found["groups"]
    assert group["near_misses"] == 50
    assert group["promised"] is True
    assert group["risk"] <= group["upper"] <= 0.2
    said = list(lines(calibration(), 0.2))
    assert said[0].startswith("English: answers begin at confidence")
    assert "calibration.risk" not in said[0]
    assert next(lines(calibration(), 0.0)).endswith("set calibration.risk")
    assert "3 known items could be made" in said[1]
    assert any("no confidence keeps to 0%" in each for each in lines(calibration(), 0.001))
