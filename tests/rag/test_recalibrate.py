"""An index is calibrated on questions made from its own documents, and only when enough has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rag.build import build_engine, build_indexer
from rag.calibration.stored import FILE, read_calibration
from rag.config import Settings, load_settings
from rag.errors import IndexDamaged
from rag.health.status import status
from rag.recalibrate import due, recalibrate
from rag.types import Chunk, Document

NAMES = (
    "Aster Borage Clover Daisy Elder Fennel Gorse Heather Iris Jasmine Kale Lupin Mallow Nettle Oxlip Poppy"
).split()
PLACES = (
    "Lisbon Oslo Quito Turin Basel Dakar Hanoi Kyoto Lagos Minsk Perth Riga Sofia Tunis Vienna Zagreb".split()
)
THINGS = (
    "valves rotors ladders lamps anchors kettles bridges looms pumps "
    "scales clocks drums flutes kites mills nets"
).split()


def text(name: str, place: str, thing: str) -> str:
    """A document of sentences that share their frame and differ in what they say."""
    return (
        f"The {name} depot keeps spare {thing} behind the northern gate of {place} harbour. "
        f"Inspectors from {place} count broken {thing} with brass markers every quiet morning. "
        f"A licence for {name} carriers expires after 30 days without signed {thing} reports. "
        f"Retired masons rebuilt the {name} chapel with funds from selling surplus {thing} abroad."
    )


def put(settings: Settings, documents: list[tuple[str, str]]) -> None:
    """Index documents of one passage each."""
    with build_indexer(settings) as indexer:
        for name, written in documents:
            indexer.add(Document(name, written, written), [Chunk(name, 0, written, 0, len(written))])
        indexer.publish()


DOCUMENTS = [
    (f"{name}.txt", text(name, place, thing))
    for name, place, thing in zip(NAMES, PLACES, THINGS, strict=True)
]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of sixteen documents with its calibration."""
    folder = tmp_path_factory.mktemp("calibrated") / "index"
    settings = load_settings({"index": folder, "calibration.seconds": 120})
    put(settings, DOCUMENTS)
    assert due(settings)
    assert recalibrate(settings) is not None
    return folder


@pytest.fixture
def settings(calibrated: Path, tmp_path: Path) -> Settings:
    """Settings over a copy of it."""
    shutil.copytree(calibrated, tmp_path / "index")
    return load_settings({"index": tmp_path / "index"})


def test_right_answers_are_told_from_near_misses(settings: Settings) -> None:
    found = read_calibration(settings.index)
    assert found is not None
    [fitted] = found.groups
    assert fitted.group == ("en", True)
    right = [each.confidence for each in fitted.outcomes if each.right]
    misses = [each.confidence for each in fitted.outcomes if each.near_miss]
    assert min(len(right), len(misses)) > 20
    assert sum(right) / len(right) > sum(misses) / len(misses) + 0.1


def test_answers_carry_the_calibrated_confidence_and_refusals_their_reason(settings: Settings) -> None:
    engine = build_engine(settings)
    known = engine.ask("Where does the Daisy depot keep spare lamps?")
    assert not known.abstained
    assert known.confidence is not None
    foreign = engine.ask("Who never painted the ceiling of the Sistine Chapel in 1512?")
    assert foreign.abstained
    assert foreign.confidence is not None
    assert foreign.confidence < known.confidence
    assert "questions made from these documents" in (foreign.reason or "")


def test_status_shows_what_is_promised(settings: Settings) -> None:
    [group] = status(settings)["calibration"]["groups"]
    assert group["confidence"] > 0
    assert 0 <= group["risk"] <= group["upper"] <= 1


def test_it_is_done_again_only_when_a_fifth_of_the_documents_changed(settings: Settings) -> None:
    assert not due(settings)
    put(settings, [("one.txt", text("Quince", "Porto", "ropes"))])
    assert not due(settings)
    put(settings, [(f"{at}.txt", text(f"Rue{at}", "Ghent", "bells")) for at in range(4)])
    assert due(settings)


def test_it_is_done_again_under_other_settings_and_never_for_a_set_threshold(settings: Settings) -> None:
    other = {"index": settings.index, "retriever.fusion": "rrf"}
    assert due(load_settings(other))
    told = load_settings({"index": settings.index, "generator.threshold": 0.4})
    assert not due(told)
    assert recalibrate(told) is None


def test_a_damaged_calibration_is_refused_by_name_and_made_anew(settings: Settings) -> None:
    file = settings.index / FILE
    file.write_bytes(file.read_bytes()[:-9])
    assert due(settings)
    with pytest.raises(IndexDamaged, match=FILE):
        build_engine(settings).ask("Where does the Daisy depot keep spare lamps?")
    assert FILE in str(status(settings)["calibration"])


def test_without_a_calibration_everything_is_as_before(settings: Settings) -> None:
    (settings.index / FILE).unlink()
    answer = build_engine(settings).ask("Where does the Daisy depot keep spare lamps?")
    assert not answer.abstained
    assert status(settings)["calibration"] is None


def test_too_few_questions_promise_nothing_and_say_so(tmp_path: Path) -> None:
    settings = load_settings({"index": tmp_path / "index"})
    put(settings, DOCUMENTS[:2])
    found = recalibrate(settings)
    assert found is not None
    assert found.groups == ()
    assert "too few" in found.short["en"]
    assert "could be made" in found.short["en"]
    assert not due(settings)
    assert not build_engine(settings).ask("Where does the Aster depot keep spare valves?").abstained


def test_too_little_time_is_told_from_too_few_questions(tmp_path: Path) -> None:
    settings = load_settings({"index": tmp_path / "index", "calibration.seconds": 1e-6})
    put(settings, DOCUMENTS)
    found = recalibrate(settings)
    assert found is not None
    assert "could be asked in calibration.seconds" in found.short["en"]
