"""Questions that ask what something is, and sentences that say it."""

from __future__ import annotations

import pytest

from rag.generators._quoting.ranking import defined, defines


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("What is CORS?", "CORS"),
        ("what are the path operations", "path operations"),
        ("What does JWT stand for?", "JWT"),
        ("什么是梯度下降？", "梯度下降"),
        ("CORS是什么?", "CORS"),
        ("What is the port of the server?", None),
        ("What is used in the lamp?", None),
        ("How is it set?", None),
        ("端口的默认值是什么？", None),
    ],
)
def test_what_is_to_be_explained(question: str, subject: str | None) -> None:
    assert defined(question) == subject


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("CORS", '[CORS or "Cross-Origin Resource Sharing"](https://a.test) refers to situations.'),
        ("JWT", 'JWT means "JSON Web Tokens".'),
        ("path operation", "A **path operation** is a path with a method."),
        ("梯度下降", "*梯度下降*（gradient descent）是一种优化方法。"),
        ("梯度下降", "本书用到的方法叫做*梯度下降*。"),
        ("OpenAPI", "This standard is called OpenAPI."),
    ],
)
def test_a_definition_is_known(subject: str, sentence: str) -> None:
    assert defines(subject, sentence)


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("CORS", "The server sends CORS headers."),
        ("JWT", "Using these ideas, a token of the kind that a JWT is may be sent."),
        ("梯度下降", "梯度下降最简单的用法要计算导数。"),
        ("art", "The cart is red."),
    ],
)
def test_a_mere_mention_is_none(subject: str, sentence: str) -> None:
    assert not defines(subject, sentence)


def test_white_space_without_end_in_a_question_is_read_in_bearable_time() -> None:
    # Tried at each of its places, 50,000 spaces would take minutes.
    assert defined(" " * 50_000 + "CORS" + " " * 50_000) is None
