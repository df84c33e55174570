"""What every generator promises, over every file in rag/generators.

A new generator is found by itself; one that cannot be built from defaults gets its line in `options`.
"""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any, get_type_hints

import pytest

from rag import backends, prompt
from rag.cite import cite
from rag.errors import Cancelled
from rag.protocols.models import Generator
from rag.types import Chunk, Draft, Hit

QUESTIONS = {"en": "Which version of CUDA does the server need?", "zh": "服务器需要哪个版本的 CUDA？"}


def hit(document: str, ordinal: int, text: str) -> Hit:
    return Hit(Chunk(document, ordinal, text, 0, len(text), ("Requirements",)), 1.0 - ordinal / 10)


HITS = [
    hit("setup.md", 0, "The server needs CUDA 12.4 and a GPU with 16 GB of memory."),
    hit("部署.md", 1, "服务器需要 CUDA 12.4 版本，显存至少 16 GB。"),
    hit("setup.md", 2, "Logs are written to the folder `logs`, one file a day."),
]


@pytest.fixture(params=backends.names("rag.generators"))
def generator(request: pytest.FixtureRequest) -> Generator:
    options: dict[str, Any] = {}
    if request.param == "transformers":
        options = {"model": str(request.getfixturevalue("tiny_model")), "max_new_tokens": 16}
    if request.param == "openai":
        options = {"base_url": request.getfixturevalue("model_server"), "max_tokens": 16}
    built: Generator = import_module(f"rag.generators.{request.param}").build(**options)
    return built


@pytest.mark.parametrize("name", backends.names("rag.generators"))
def test_build_says_what_it_takes_and_that_it_makes_a_generator(name: str) -> None:
    build = import_module(f"rag.generators.{name}").build
    types = get_type_hints(build)
    assert types["return"] is Generator
    parameters = inspect.signature(build).parameters
    assert all(types.get(parameter) for parameter in parameters)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())


def test_it_has_a_name_for_people(generator: Generator) -> None:
    assert generator.name.strip() == generator.name != ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_answers_with_text_that_is_never_empty(generator: Generator, language: str) -> None:
    draft = generator.generate(QUESTIONS[language], HITS)
    assert isinstance(draft, Draft)
    assert draft.text.strip() == draft.text != ""


def test_the_same_question_and_passages_give_the_same_draft(generator: Generator) -> None:
    assert generator.generate(QUESTIONS["en"], HITS) == generator.generate(QUESTIONS["en"], HITS)


def test_what_it_quotes_is_exact_text_of_the_hit_it_names(generator: Generator) -> None:
    for marker, quote in generator.generate(QUESTIONS["en"], HITS).quotes:
        assert 1 <= marker <= len(HITS)
        assert quote
        assert quote in HITS[marker - 1].chunk.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_quote_it_gives_becomes_a_citation_at_its_place(generator: Generator, language: str) -> None:
    draft = generator.generate(QUESTIONS[language], HITS)
    _, citations = cite(draft, HITS)
    assert {(each.marker, each.quote) for each in citations} >= set(draft.quotes)
    for each in citations:
        assert HITS[each.marker - 1].chunk.text[each.start : each.end] == each.quote


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pieces_it_hands_over_are_the_text_of_the_draft(generator: Generator, language: str) -> None:
    pieces: list[str] = []
    draft = generator.generate(QUESTIONS[language], HITS, on_text=pieces.append)
    assert "".join(pieces) == draft.text
    assert all(pieces)
    pieces.clear()
    assert generator.generate(QUESTIONS[language], [], on_text=pieces.append).text
    assert "".join(pieces) in ("", prompt.REFUSALS["zh" if language == "zh" else "en"])


def test_handing_over_pieces_changes_nothing_in_the_draft(generator: Generator) -> None:
    heard = generator.generate(QUESTIONS["en"], HITS, on_text=lambda _: None, cancelled=Event())
    assert heard == generator.generate(QUESTIONS["en"], HITS)


def test_a_question_given_up_before_it_is_asked_is_not_answered(generator: Generator) -> None:
    cancelled = Event()
    cancelled.set()
    pieces: list[str] = []
    with pytest.raises(Cancelled) as given_up:
        generator.generate(QUESTIONS["en"], HITS, on_text=pieces.append, cancelled=cancelled)
    assert pieces == []
    assert "\n" not in str(given_up.value)


def test_given_up_in_the_middle_it_says_no_more_and_goes_on_serving(generator: Generator) -> None:
    cancelled = Event()
    pieces: list[str] = []

    def leave(piece: str) -> None:
        pieces.append(piece)
        cancelled.set()

    try:
        draft = generator.generate(QUESTIONS["en"], HITS, on_text=leave, cancelled=cancelled)
    except Cancelled:
        draft = None
    assert len(pieces) == 1
    assert draft is None or pieces == [draft.text]  # it had written all of it already
    assert generator.generate(QUESTIONS["en"], HITS).text


def test_askers_at_once_get_what_each_would_get_alone(generator: Generator) -> None:
    questions = [QUESTIONS["en"], QUESTIONS["zh"], "Where are logs written?"]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda question: generator.generate(question, HITS).text, questions))
    assert together == [generator.generate(question, HITS).text for question in questions]


def test_its_usage_counts_are_whole_numbers_from_zero(generator: Generator) -> None:
    usage = generator.generate(QUESTIONS["en"], HITS).usage
    assert all(isinstance(count, int) and count >= 0 for count in usage.values())


def test_its_confidence_is_a_share_or_not_stated(generator: Generator) -> None:
    confidence = generator.generate(QUESTIONS["en"], HITS).confidence
    assert confidence is None or 0.0 <= confidence <= 1.0


def test_a_draft_that_is_the_refusal_is_marked_as_an_abstention(generator: Generator) -> None:
    """The last question is one that a generator which quotes has no words for: it must refuse."""
    asked = [*QUESTIONS.values(), "Who was world champion of chess in 1972?"]
    drafts = [generator.generate(question, HITS) for question in asked]
    assert [draft.abstained for draft in drafts] == [prompt.is_refusal(draft.text) for draft in drafts]
    if generator.name == "extractive":
        assert [draft.abstained for draft in drafts] == [False, False, True]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_passages_it_abstains_in_the_questions_language_and_says_why(
    generator: Generator, language: prompt.Language
) -> None:
    draft = generator.generate(QUESTIONS[language], [])
    assert draft.abstained
    assert draft.text == prompt.REFUSALS[language]
    assert draft.reason
    assert draft.quotes == ()


@pytest.mark.parametrize(
    "text",
    ["", " ", "😀" * 200, "{question} {0} %s", "<|im_end|>[INST]", "a\x00b", "x" * 5000],
    ids=["empty", "blank", "emoji", "placeholders", "role marks", "control", "long word"],
)
def test_any_passage_is_only_text_to_it(generator: Generator, text: str) -> None:
    draft = generator.generate(QUESTIONS["en"], [hit("odd.md", 0, text), HITS[0]])
    assert draft.text


def test_passages_in_any_number_are_taken(generator: Generator) -> None:
    assert generator.generate(QUESTIONS["en"], [HITS[number % 3] for number in range(8)]).text


def test_importing_the_modules_loads_no_heavy_package(tmp_path: Path) -> None:
    """Help and sparse search never pay for a model's packages."""
    import subprocess
    import sys

    names = ", ".join(f"rag.generators.{name}" for name in backends.names("rag.generators"))
    heavy = ("torch", "transformers", "openai", "httpx2")
    code = f"import sys, {names}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
