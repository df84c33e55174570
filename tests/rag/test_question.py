"""Which questions are refused before anything is searched, and that any other is answered."""

from __future__ import annotations

import pytest

from rag.build import build_engine
from rag.config import Settings
from rag.errors import QuestionError
from rag.question import MOST_PAGES
from rag.types import Filter, Mode


@pytest.mark.parametrize("question", ["", "   ", "\n\t\u3000"])
def test_an_empty_question_is_refused(index: Settings, question: str) -> None:
    engine = build_engine(index)
    with pytest.raises(QuestionError, match="question is empty"):
        engine.search(question)
    with pytest.raises(QuestionError, match="question is empty"):
        engine.ask(question)


def test_a_question_over_the_limit_is_refused_with_the_settings_name(index: Settings) -> None:
    engine = build_engine(index)
    assert engine.search("lamp " * 400).hits
    with pytest.raises(QuestionError, match=r"2001 characters, the limit is 2000.*question_limit"):
        engine.search("x" * 2001)


@pytest.mark.parametrize("half", [0xD800, 0xD83D, 0xDFFF])
def test_half_a_character_is_refused(index: Settings, half: int) -> None:
    with pytest.raises(QuestionError, match="lone surrogate"):
        build_engine(index).ask(f"lamp {chr(half)}")


@pytest.mark.parametrize(
    "chosen",
    [
        Filter(pages=(0, 1)),
        Filter(pages=(1, MOST_PAGES + 1)),
        Filter(paths=("a",) * 65),
        Filter(metadata=(("tag", "x"),) * 65),
    ],
)
def test_a_filter_that_asks_for_too_much_is_refused(index: Settings, chosen: Filter) -> None:
    with pytest.raises(QuestionError, match="the filter asks for too much: 64 paths"):
        build_engine(index).search("lamp", chosen=chosen)


def test_pages_the_wrong_way_round_are_named(index: Settings) -> None:
    with pytest.raises(QuestionError, match="first page, 7, is after its last, 3"):
        build_engine(index).search("a question", chosen=Filter(pages=(7, 3)))


def test_half_a_character_in_a_filter_is_refused(index: Settings) -> None:
    for chosen in (Filter(paths=("\ud83d",)), Filter(metadata=(("tag", "\ud83d"),))):
        with pytest.raises(QuestionError, match="lone surrogate"):
            build_engine(index).search("lamp", chosen=chosen)


@pytest.mark.parametrize(
    "question", ["?!", "😀", "\x00", "部署", "\u200b", "%s {} <script>", "ａｂｃ", "a" * 2000, "\u0301"]
)
@pytest.mark.parametrize("mode", ["sparse", "dense", "hybrid"])
def test_any_other_question_is_answered(index: Settings, question: str, mode: Mode) -> None:
    assert build_engine(index).ask(question, mode=mode).text
