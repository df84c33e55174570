"""A follow-up stands on its own: by rule, in both languages, and by a model where there is one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.conversation.standing import standing_question
from rag.generators import openai as remote
from rag.generators import transformers as local
from rag.protocols.models import Generator, Rewriter

LISTED = "There are two ways [1]:\n1. **Docker**: pull the image [1].\n2. **A wheel file**: install it [2]."
LISTED_ZH = "有两种方法：\n1. 使用容器。[1]\n2. 使用安装包。[2]"


@pytest.mark.parametrize(
    ("before", "follow_up", "standing"),
    [
        (
            "How do I install the server on Linux?",
            "and on Windows?",
            "How do I install the server on Windows?",
        ),
        ("How do I install the server?", "And on Windows?", "How do I install the server on Windows?"),
        (
            "What is the licence of the server?",
            "what about the client?",
            "What is the licence of the client?",
        ),
        ("Who wrote Dracula?", "And Frankenstein?", "Who wrote Frankenstein?"),
        ("Which GPU does release 2.1 need?", "And 2.2?", "Which GPU does release 2.2 need?"),
        ("What is the Eddystone lighthouse?", "Who built it?", "Who built the Eddystone lighthouse?"),
        ("How high is the tower?", "What is its colour?", "What is the tower's colour?"),
        ("Was the tower rebuilt?", "When?", "When was the tower rebuilt?"),
        ("如何在 Linux 上安装服务器？", "那在 Windows 上呢？", "如何在 Windows 上安装服务器？"),
        ("服务器的许可证是什么？", "那客户端呢？", "客户端的许可证是什么？"),
        ("vLLM 需要哪个版本的 CUDA？", "那 SGLang 呢？", "SGLang 需要哪个版本的 CUDA？"),
        ("服务器需要多少内存？", "显存呢？", "显存需要多少内存？"),
        ("灯塔是什么时候建成的？", "它有多高？", "灯塔有多高？"),
        ("什么是向量检索？", "它有什么缺点？", "向量检索有什么缺点？"),
        ("什么是向量检索？", "这个方法有什么缺点？", "这个方法有什么缺点？（什么是向量检索？）"),
        ("服务器需要多少内存？", "为什么？", "服务器需要多少内存，为什么？"),
    ],
)
def test_a_follow_up_is_completed_from_the_question_before_it(
    before: str, follow_up: str, standing: str
) -> None:
    assert standing_question(follow_up, [(before, "")]) == standing


@pytest.mark.parametrize(
    ("before", "answer", "follow_up", "standing"),
    [
        ("How?", LISTED, "How long does the second one take?", "How long does a wheel file take?"),
        ("How do I install it?", LISTED, "And the last one?", "How do I install it (a wheel file)?"),
        ("怎么安装服务器？", LISTED_ZH, "那第二种呢？", "怎么安装服务器（使用安装包）？"),
        ("怎么安装？", "第一种是使用容器，第二种是使用安装包。", "第二种要多久？", "使用安装包要多久？"),
    ],
)
def test_an_item_is_named_from_the_list_in_the_answer_before(
    before: str, answer: str, follow_up: str, standing: str
) -> None:
    assert standing_question(follow_up, [(before, answer)]) == standing


@pytest.mark.parametrize(
    "question",
    [
        "Where are the logs written?",
        "How do I change the port of the server?",
        "Which version of CUDA is needed on Windows?",
        "Is it possible to change the port?",
        "How long does it take to install the server?",
        "日志写到哪里？",
        "如何修改服务器的端口？",
        "显存至少需要多少？",
        "",
        "  ",
    ],
)
def test_a_question_that_stands_on_its_own_is_left_as_it_is(question: str) -> None:
    assert standing_question(question, [("How do I install the server?", LISTED)]) == question


def test_without_history_nothing_is_rewritten() -> None:
    assert standing_question("and on Windows?", []) == "and on Windows?"
    assert standing_question("and on Windows?", [("", "")]) == "and on Windows?"


def test_a_follow_up_may_lean_on_a_follow_up() -> None:
    history = [("How do I install the server on Linux?", "With make."), ("and on Windows?", "With a file.")]
    assert standing_question("and on macOS?", history) == "How do I install the server on macOS?"


@given(st.text(max_size=60), st.lists(st.tuples(st.text(max_size=60), st.text(max_size=120)), max_size=3))
def test_any_conversation_gives_some_question(question: str, history: list[tuple[str, str]]) -> None:
    standing = standing_question(question, history)
    assert standing.strip() or not question.strip()


def rewriting(generator: Generator) -> Rewriter:
    assert isinstance(generator, Rewriter)
    return generator


def test_a_model_out_of_reach_leaves_it_to_the_rules(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = remote.build(f"http://127.0.0.1:{probe.getsockname()[1]}", "alpha", retries=0)
        for rewriter in (server, local.build(str(tmp_path / "absent"))):
            history = [("Who wrote Dracula?", "")]
            standing = standing_question("and Frankenstein?", history, rewriting(rewriter))
            assert standing == "Who wrote Frankenstein?"


def test_a_model_is_asked_only_where_a_question_points_back(model_server: str) -> None:
    """The tiny model writes gibberish, and what it wrote is what stands."""
    rewriter = rewriting(remote.build(model_server, max_tokens=8))
    history = [("Who wrote Dracula?", "Bram Stoker [1].")]
    assert (
        standing_question("Where are the logs written?", history, rewriter) == "Where are the logs written?"
    )
    assert standing_question("and Frankenstein?", history, rewriter) == rewriter.rewrite(
        "and Frankenstein?", history
    )


@pytest.mark.parametrize("blank", ["\n", " ", "\n ", "\t\n"])
def test_an_answer_of_blank_space_is_no_more_work_than_one_of_words(blank: str) -> None:
    """Whoever asks may send an earlier answer of any length: this one took hours, each blank was tried."""
    history = [("Which ways are there?", blank * 200_000 + "2. A wheel file")]
    assert standing_question("the first one", history) == "Which ways are there (a wheel file)?"
    assert standing_question("那第一种呢？", [("有哪些方法？", blank * 200_000 + "2. 安装包")]) == (
        "有哪些方法（安装包）？"
    )
