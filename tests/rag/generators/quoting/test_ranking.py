"""Questions that ask what something is, and sentences that say it."""

from __future__ import annotations

import pytest

from rag import text
from rag.generators._quoting.ranking import defined, defines, replies, suited
from rag.generators._quoting.units import units
from rag.types import Chunk, Hit


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


FAQ = """# FAQ

**Q: How long is the trial?**
A: Fourteen days. No card is needed.

**Q: Who gets the invoices?**
A: The owner of the account.

**问：发票寄给谁？**
答：账户的所有者。
"""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long is the trial?", "A: Fourteen days."),
        ("Who gets the invoices", "A: The owner of the account."),
        ("发票寄给谁？", "答：账户的所有者。"),
        ("Where is the data kept?", None),
    ],
)
def test_what_stands_right_behind_the_question_that_is_asked_answers_it(
    question: str, answer: str | None
) -> None:
    found = list(units(1, Hit(Chunk("faq.md", 0, FAQ, 0, len(FAQ)), 1.0)))
    gains = zip(suited(question, found), found, strict=True)
    assert [unit.text for gain, unit in gains if gain > 0] == ([answer] if answer else [])


def test_another_question_with_a_word_in_common_is_not_the_same() -> None:
    terms = frozenset(text.terms("How long does the battery of the lamp last?"))
    assert replies(terms, "**Q: Where is the lamp?**") == 0
