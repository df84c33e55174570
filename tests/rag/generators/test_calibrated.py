"""Refusals as calibrated, over the real extractive generator; the plain one where nothing is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.calibration.curve import Promise
from rag.calibration.evidence import Group
from rag.calibration.stored import Fitted
from rag.config import load_settings
from rag.generators._calibrated import Calibrated, group
from rag.generators.extractive import build
from rag.models import plain_embedder
from rag.protocols.models import Embedder
from rag.types import Chunk, Hit, Leg

PORT = "The server starts quickly. Its port is set with the option api.port. Logs go to a file."
QUESTION = "Which option sets the port of the server?"


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return plain_embedder(load_settings({"index": tmp_path_factory.mktemp("none")}))


def hit(*, cosine: float | None = 0.6) -> Hit:
    """A hit on the passage."""
    dense = None if cosine is None else Leg(1, cosine)
    return Hit(Chunk("a.md", 0, PORT, 0, len(PORT)), 1.0, Leg(1, 3.0), dense)


def calibrated(
    embedder: Embedder, begins: float, *, accepted: float | None = None, dense: bool = True
) -> Calibrated:
    """A generator whose answers begin at this confidence; the map's middle is a score of 5."""
    fitted = Fitted("en", dense, slope=1.0, intercept=-5.0, outcomes=())
    promise = Promise(begins, 0.5, 0.1, 0.2, accepted)
    known: dict[Group, tuple[Fitted, Promise]] = {("en", dense): (fitted, promise)}
    return Calibrated(build(threshold=0.0), build(), embedder, lambda: known)


def test_what_lies_above_the_threshold_is_answered_with_its_probability(embedder: Embedder) -> None:
    heard: list[str] = []
    draft = calibrated(embedder, 0.01).generate(QUESTION, [hit()], on_text=heard.append)
    assert not draft.abstained
    assert draft.confidence is not None
    assert 0.01 < draft.confidence < 1
    assert "".join(heard) == draft.text


def test_what_lies_below_is_refused_and_the_refusal_alone_is_heard(embedder: Embedder) -> None:
    heard: list[str] = []
    generator = calibrated(embedder, 0.999, accepted=0.1)
    draft = generator.generate(QUESTION, [hit()], on_text=heard.append)
    assert draft.abstained
    assert draft.quotes == ()
    assert draft.confidence is not None
    assert "at most 10 % of them are wrong" in (draft.reason or "")
    assert heard == [draft.text]


def test_without_an_accepted_risk_the_reason_says_what_the_threshold_means(embedder: Embedder) -> None:
    draft = calibrated(embedder, 0.999).generate(QUESTION, [hit()])
    assert "hardly an answer was right" in (draft.reason or "")


def test_the_better_answer_has_the_higher_confidence(embedder: Embedder) -> None:
    generator = calibrated(embedder, 0.0)
    good = generator.generate(QUESTION, [hit()]).confidence
    missing = generator.generate("Which option sets the port of the Apache server?", [hit()]).confidence
    denied = generator.generate("Which option never sets the port of the server?", [hit()]).confidence
    assert good is not None
    assert missing is not None
    assert denied is not None
    assert good > max(missing, denied)


def test_a_group_of_which_nothing_is_known_is_answered_as_before(embedder: Embedder) -> None:
    generator = calibrated(embedder, 0.999)
    plain = build().generate(QUESTION, [hit(cosine=None)])
    assert generator.generate(QUESTION, [hit(cosine=None)]) == plain
    chinese = "谁赢了世界杯？"
    assert generator.generate(chinese, [hit()]) == build().generate(chinese, [hit()])
    assert generator.generate(QUESTION, []) == build().generate(QUESTION, [])


def test_of_a_group_too_small_what_words_alone_tell_is_taken(embedder: Embedder) -> None:
    generator = calibrated(embedder, 0.0, dense=False)
    read = generator.generate(QUESTION, [hit()])
    assert read.confidence == generator.generate(QUESTION, [hit(cosine=None)]).confidence
    assert read.confidence != build().generate(QUESTION, [hit()]).confidence


@pytest.mark.parametrize("carries", [True, False])
def test_a_question_in_another_language_than_the_passages_is_beyond_what_was_learnt(
    carries: bool, embedder: Embedder
) -> None:
    """But only where the generators carry it over."""
    fitted = Fitted("zh", False, slope=1.0, intercept=-5.0, outcomes=())
    learnt: dict[Group, tuple[Fitted, Promise]] = {("zh", False): (fitted, Promise(0.001, 0.5, 0.1, 0.2))}
    generator = Calibrated(build(threshold=0.0), build(), embedder, lambda: learnt, carries=carries)
    question = "port 在哪里设置？"
    plain = build().generate(question, [hit()])
    assert (generator.generate(question, [hit()]) == plain) is carries
    assert generator.generate("端口在哪里？", []) == build().generate("端口在哪里？", [])


def test_the_group_is_the_language_and_whether_the_embedder_reads_the_question(embedder: Embedder) -> None:
    assert group(QUESTION, [hit()], embedder) == ("en", True)
    assert group(QUESTION, [hit(cosine=None)], embedder) == ("en", False)
    assert group("怎么设置端口？", [hit()], embedder) == ("zh", False)


def test_a_threshold_that_was_set_is_the_plain_one(tmp_path: Path) -> None:
    from rag.models import build_generator, calibrated_with

    told = load_settings({"index": tmp_path, "generator.threshold": 0.3})
    untold = load_settings({"index": tmp_path})
    assert not isinstance(build_generator(told), Calibrated)
    assert calibrated_with(told) == ""
    assert isinstance(build_generator(untold), Calibrated)
    sparse = load_settings({"index": tmp_path, "retriever.mode": "sparse", "retriever.k": 3})
    assert calibrated_with(sparse) == calibrated_with(untold)
    assert calibrated_with(load_settings({"index": tmp_path, "generator.sentences": 1})) != calibrated_with(
        untold
    )
