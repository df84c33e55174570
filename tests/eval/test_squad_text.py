"""Answers compared as SQuAD does, in English and Chinese."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from eval.squad_text import exact_match, f1, holds, tokens

WRITTEN = st.text(alphabet="the an7 中四十次,.'-¼ABs\n１。", max_size=20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Denver  Broncos!", ["denver", "broncos"]),
        ("an apple a day", ["apple", "day"]),
        ("U.S. 1,000", ["us", "1000"]),
        ("贾里德有 136 次擒杀。", ["贾", "里", "德", "有", "136", "次", "擒", "杀"]),
        ("《ＣＵＤＡ》 １２版", ["cuda", "12", "版"]),
        ("6½ 次", ["6", "1⁄2", "次"]),
        ("A", ["a"]),
        ("。", []),
    ],
)
def test_a_text_is_cut_into_words_and_single_chinese_characters(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("the Denver Broncos.", ["Denver Broncos"], 1),
        ("Denver Broncos defeated", ["Denver Broncos"], 0),
        ("136次", ["一百", "136 次"], 1),
        ("卡万肖特", ["卡万·肖特"], 1),
        ("卡万", ["卡万·肖特"], 0),
    ],
)
def test_exact_match_overlooks_case_punctuation_articles_and_space(
    text: str, answers: list[str], expected: float
) -> None:
    assert exact_match(text, answers) == expected


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        # shared 2, own 3, gold 2: precision 2/3, recall 1
        ("Denver Broncos defeated", ["The Denver Broncos"], 0.8),
        # shared 136 and 次, own 8, gold 2: precision 1/4, recall 1
        ("贾里德有 136 次擒杀", ["136次"], 0.4),
        # the best of the answers counts; a repeated token counts once for each time it is in both
        ("run run", ["walk", "run fast run far"], 2 * 1 * 0.5 / 1.5),
        ("Seattle", ["Denver"], 0),
        ("the", ["Denver"], 0),
    ],
)
def test_f1_by_hand(text: str, answers: list[str], expected: float) -> None:
    assert f1(text, answers) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("quote", "answers"),
    [
        ("他曾以 136 次擒杀成为领袖。", ["136次"]),
        ("他曾以136次擒杀成为领袖。", ["136 次"]),
        ("只丢了 308分", ["308"]),
        ("It was lit at the dusk.", ["at dusk"]),
        ("It was lit at dusk.", ["nothing", "The dusk"]),
        ("a 24–10 lead", ["24"]),
        ("a 24–10 lead", ["24-10"]),
        ("some 1,000 men of the U.S. Army", ["1000 men", "no"]),
        ("some 1,000 men of the U.S. Army", ["US army"]),
        ("Charles Darwin's theory", ["Charles Darwin"]),
        ("the theory of Darwin", ["Darwin's"]),
        ("it cost £100 (then)", ["100"]),
        ("蒂娜·特纳(Tina Turner)唱", ["Tina Turner"]),
        ("vitamin A is one", ["A"]),
        ("第十四次拦截", ["十四次"]),
        ("收视率为7.07，15岁至44岁", ["7.07"]),
    ],
)
def test_an_answer_in_the_quote_is_found(quote: str, answers: list[str]) -> None:
    assert holds(quote, answers)


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        ("in 1974 it was", "7"),
        ("于1974年", "7"),
        ("于 1974 年", "97"),
        ("some 7,000 men", "7"),
        ("7.5 metres", "7"),
        ("十四次拦截", "四次"),
        ("一九七四年", "七"),
        ("concatenation", "cat"),
        ("lit dusk at", "at dusk"),
        ("anything", "."),
        ("anything", ""),
        ("10²", "102"),
    ],
)
def test_an_answer_within_another_word_or_number_is_not_found(quote: str, answer: str) -> None:
    assert not holds(quote, [answer])


def test_no_answer_is_in_no_quote() -> None:
    assert not holds("anything", [])


@given(WRITTEN, st.lists(WRITTEN, min_size=1, max_size=3))
@example("a", ["the"])
def test_f1_is_a_share_that_is_symmetric_and_full_on_an_exact_match(text: str, answers: list[str]) -> None:
    assert 0 <= f1(text, answers) <= 1
    assert f1(text, answers[:1]) == pytest.approx(f1(answers[0], [text]))
    assert exact_match(text, answers) <= f1(text, answers)
    assert f1(text, [*answers, text]) == exact_match(text, [*answers, text]) == 1


@given(WRITTEN, WRITTEN)
def test_a_quote_holds_its_own_words_among_others(answer: str, other: str) -> None:
    assume(tokens(answer))
    assert holds(f"{other} ; {answer} ; {other}", [answer])
    assert holds(answer, [answer])


@given(st.lists(st.text("abthe.,-' 12", max_size=12), min_size=2, max_size=2))
def test_ascii_text_scores_as_by_the_published_script(pair: list[str]) -> None:
    """The script's normalisation written out: lower case, no punctuation, no articles, split at space."""

    def published(text: str) -> list[str]:
        bare = "".join(each for each in text.lower() if each not in set(string.punctuation))
        return re.sub(r"\b(a|an|the)\b", " ", bare).split()

    own, gold = (published(text) for text in pair)
    assume(own)
    assume(gold)
    shared = sum((Counter(own) & Counter(gold)).values())
    precision, recall = shared / len(own), shared / len(gold)
    expected = 2 * precision * recall / (precision + recall) if shared else 0.0
    assert f1(pair[0], [pair[1]]) == pytest.approx(expected)
    assert exact_match(pair[0], [pair[1]]) == (own == gold)
