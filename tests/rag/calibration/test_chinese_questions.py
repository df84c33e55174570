"""Chinese questions read as a person would ask them, and phrases are words, not pieces of words."""

from __future__ import annotations

import pytest

from rag.calibration.chinese import Phrases, definition, definition_question, heading_question, is_generic


@pytest.mark.parametrize(
    ("title", "parent", "question"),
    [
        ("第一次提问很慢怎么办", "疑难解答", "第一次提问很慢怎么办"),
        ("创建任务函数", "后台任务", "后台任务：如何创建任务函数？"),
        ("线性模型", "线性回归", "线性回归中的线性模型"),
        ("训练误差", "模型选择", "模型选择中的训练误差"),
        ("设置一览", "", "设置一览"),
        ("从文件读取", "数据导入", "数据导入：从文件读取"),
    ],
)
def test_a_heading_is_asked_in_its_own_words(title: str, parent: str, question: str) -> None:
    assert heading_question(title, parent) == question


@pytest.mark.parametrize("title", ["概述", "小结", "参考文献", "简介", "练习"])
def test_a_heading_of_any_text_is_generic(title: str) -> None:
    assert is_generic(title)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("底账是一个 SQLite 数据库。", "什么是底账？"),
        ("所谓过拟合，就是模型记住了训练数据。", "什么是过拟合？"),
        ("束搜索（beam search）是贪心搜索的改进版本。", "什么是束搜索？"),
        ("反向传播（backpropagation）指的是计算梯度的方法。", "什么是反向传播？"),
        ("ASGI 是一种接口规范。", "什么是 ASGI？"),
    ],
)
def test_a_defining_sentence_is_asked_for_its_term(sentence: str, question: str) -> None:
    term = definition(sentence)
    assert term is not None
    assert definition_question(term) == question


@pytest.mark.parametrize(
    "sentence",
    [
        "这是一个例子。",
        "它是一种模型。",
        "该方法是一种改进。",
        "结果是一个列表。",
        "由于时间是一个问题，我们等待。",
    ],
)
def test_other_sentences_define_nothing(sentence: str) -> None:
    assert definition(sentence) is None


def test_no_phrase_is_half_of_a_word_that_a_function_character_is_part_of() -> None:
    corpus = ["上面相同的错误会返回。", "转发请求体日志。", "请求体日志已保存，请求体日志很长。"]
    finder = Phrases(corpus)
    for sentence in corpus:
        assert not {"面相同", "求体日志", "求体"} & set(finder.phrases(sentence, ()))
    assert finder.phrases("神经网络的参数共享，和数据增强。", ()) == ["神经网络", "参数共享", "数据增强"]


def test_phrases_leave_identifiers_and_numbers_out() -> None:
    found = Phrases([]).phrases("参数名为 file_path 的字段，默认是 25 个词元。", {"file_path"})
    assert not [each for each in found if "file" in each or "25" in each]
