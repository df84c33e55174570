"""Other wordings of a question and possible answers to it, by a real language model, and how they count."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import Cancelled, GeneratorError
from rag.expansion.variants import Expander, Replies, Reply, joined, mean_vector
from rag.generators.extractive import build as build_extractive
from rag.generators.openai import build as build_remote
from rag.generators.transformers import build as build_local
from rag.prompt import Message
from rag.protocols.models import Generator
from rag.sections import VariantsName
from rag.types import Chunk, Hit, Variants

QUESTION = "How do I deploy it?"


def saying(text: str) -> Callable[[list[Message], int, Event | None], str]:
    return lambda *_: text


def hits(scores: dict[str, float]) -> list[Hit]:
    ranked = sorted(scores.items(), key=lambda each: -each[1])
    return [Hit(Chunk(name, 0, name, 0, len(name)), score) for name, score in ranked]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("How to install it?\\nHow is it rolled out?", ("How to install it?", "How is it rolled out?")),
        (
            "1. How to install it?\\n2) Rolled out?\\n(3) Set up?",
            ("How to install it?", "Rolled out?", "Set up?"),
        ),
        ('- "How to install it?"\\n* **Set up?**', ("How to install it?", "Set up?")),
        ("how do i DEPLOY it?\\nSet up?\\nset up?\\n\\n", ("Set up?",)),
        ("<think>hm\\nhm</think>Set up?", ("Set up?",)),
        ("1、如何安装？\\n（2）怎样部署？", ("如何安装？", "（2）怎样部署？")),
        ("a\\n" * 3 + "b" * 500, ()),
        ("One?\\nTwo?\\nThree?\\nFour?\\nFive?", ("One?", "Two?", "Three?")),
    ],
)
def test_other_questions_are_read_line_by_line(written: str, expected: tuple[str, ...]) -> None:
    found, note = Expander("multi-query", 3, saying(written.replace("\\n", "\n"))).expand(QUESTION)
    assert found == Variants(questions=expected)
    assert bool(note) == (not expected)


def test_a_possible_answer_is_one_line_of_text() -> None:
    found, note = Expander("hyde", 3, saying("<think>so</think>It is\n\ndeployed by make.")).expand(QUESTION)
    assert found == Variants(passages=("It is deployed by make.",))
    assert note == ""


@pytest.mark.parametrize("kind", ["multi-query", "hyde"])
def test_a_model_that_fails_or_writes_nothing_leaves_the_question_and_says_so(kind: VariantsName) -> None:
    def fails(*_: object) -> str:
        raise GeneratorError("no server answers at http://127.0.0.1:9")

    for given_reply, reason in ((fails, "no server answers"), (saying("  "), f"nothing for {kind}")):
        found, note = Expander(kind, 3, given_reply).expand(QUESTION)
        assert found == Variants()
        assert note.startswith("searched for the question as it stands: ")
        assert reason in note


def test_the_model_is_asked_in_the_language_of_the_question() -> None:
    asked: list[str] = []

    def noted(parts: list[Message], *_: object) -> str:
        asked.append(parts[0]["content"])
        return "x?"

    kinds: tuple[VariantsName, ...] = ("multi-query", "hyde")
    for kind in kinds:
        Expander(kind, 2, noted).expand("怎样部署？")
        Expander(kind, 2, noted).expand(QUESTION)
    assert ["用中文" in each for each in asked] == [True, False, True, False]
    assert all(each.endswith(("怎样部署？", QUESTION)) for each in asked)
    assert "2 other wordings" in asked[1]


def _asking(generator: Generator) -> Reply:
    assert isinstance(generator, Replies)
    replies: Replies = generator
    return lambda parts, limit, cancelled: replies.reply(parts, limit, cancelled=cancelled)


@pytest.mark.parametrize("kind", ["multi-query", "hyde"])
@pytest.mark.parametrize("where", ["here", "there"])
def test_a_real_model_writes_variants(kind: VariantsName, where: str, request: pytest.FixtureRequest) -> None:
    generator: Generator = (
        build_local(str(request.getfixturevalue("tiny_model")), device="cpu", dtype="float32")
        if where == "here"
        else build_remote(request.getfixturevalue("model_server"))
    )
    expander = Expander(kind, 2, _asking(generator))
    first = expander.expand(QUESTION)
    assert first == expander.expand(QUESTION)
    assert first[0] != Variants() or first[1]
    cancelled = Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        expander.expand(QUESTION, cancelled)


def test_a_server_that_is_gone_leaves_the_question() -> None:
    generator = build_remote("http://127.0.0.1:9", retries=0)
    found, note = Expander("hyde", 3, _asking(generator)).expand(QUESTION)
    assert found == Variants()
    assert "no server answers at http://127.0.0.1:9/v1" in note


def test_a_generator_that_quotes_has_no_model_to_ask() -> None:
    assert not isinstance(build_extractive(), Replies)


def test_the_question_counts_one_half_and_its_other_wordings_share_the_rest() -> None:
    own = hits({"a": 3.0, "b": 2.0, "c": 1.0})
    first = hits({"c": 30.0, "b": 20.0, "d": 10.0})
    second = hits({"d": 7.0, "c": 6.0, "e": 5.0})
    unit = float(np.std([1.0, 2.0, 3.0]))
    top, low = 1.0 / unit, -1.0 / unit
    expected = {
        "a": 0.5 * top + 0.25 * low + 0.25 * low,
        "b": 0.5 * 0.0 + 0.25 * 0.0 + 0.25 * low,
        "c": 0.5 * low + 0.25 * top + 0.25 * 0.0,
        "d": 0.5 * low + 0.25 * low + 0.25 * top,
        "e": 0.5 * low + 0.25 * low + 0.25 * low,
    }
    found = joined([own, first, second])
    assert {hit.chunk.text: hit.score for hit in found} == pytest.approx(expected, abs=1e-6)
    assert [hit.chunk.text for hit in found] == sorted(expected, key=lambda name: (-expected[name], name))


@given(
    st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-5, 5, width=32)), min_size=1, max_size=4)
)
def test_joined_lists_hold_every_hit_once_in_the_order_of_its_score(lists: list[dict[str, float]]) -> None:
    found = joined([hits(each) for each in lists])
    assert sorted(hit.chunk.text for hit in found) == sorted({name for each in lists for name in each})
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert all(np.isfinite(hit.score) for hit in found)


def test_one_list_stays_as_it_is() -> None:
    own = hits({"a": 3.0, "b": 2.0})
    assert joined([own]) == own


def test_the_vector_searched_with_is_the_mean_of_question_and_passages() -> None:
    question = np.array([1.0, 0.0], dtype=np.float32)
    found = mean_vector(question, np.array([[0.0, 1.0]], dtype=np.float32))
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array([0.5, 0.5]) / np.sqrt(0.5))
    assert np.array_equal(mean_vector(question, -question[None]), question)


def test_a_search_by_words_alone_has_no_use_for_a_passage() -> None:
    assert [Expander("hyde", 3, saying("")).serves(mode) for mode in ("sparse", "dense", "hybrid")] == [
        False,
        True,
        True,
    ]
    assert Expander("multi-query", 3, saying("")).serves("sparse")
