"""Questions made from documents: each points to its sentence, and near misses differ from known items."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.calibration.prose import Source
from rag.calibration.questions import KINDS, questions
from rag.text import normalise

SOURCES = [
    Source(
        f"{name}.md",
        f"The {name} gateway stores signed receipts inside the {place} archive for 30 days. "
        f"Engineers from {place} inspect the {name} turbines before every winter season. "
        f"A damaged {name} rotor never leaves the {place} workshop without a written report.",
        markdown=False,
    )
    for name, place in [("Aster", "Lisbon"), ("Borage", "Oslo"), ("Clover", "Quito"), ("Daisy", "Turin")]
]
CHINESE = [
    Source(
        f"{place}.md",
        f"{place}的档案馆保存了全部签名收据，并且按照年份编号。工程师在冬季之前检查{place}的涡轮机组和备用电池。",
        markdown=False,
    )
    for place in ("里斯本", "奥斯陆", "基多城", "都灵市")
]


def test_a_known_item_points_to_the_sentence_it_asks_after() -> None:
    for asked in questions(SOURCES, 40):
        [source] = [each for each in SOURCES if each.path == asked.document]
        sentence = source.text[asked.start : asked.end]
        assert sentence.endswith(".")
        assert sentence in source.text


def test_half_of_the_questions_are_near_misses_of_every_kind() -> None:
    made = questions(SOURCES, 40)
    kinds = Counter(each.kind for each in made)
    assert set(kinds) == set(KINDS)
    assert kinds["known"] * 2 == len(made)


def test_the_same_documents_give_the_same_questions() -> None:
    assert questions(SOURCES, 40) == questions(SOURCES, 40)
    assert questions(SOURCES, 40) != questions(SOURCES, 40, seed=1)


def test_a_denying_near_miss_denies_what_its_sentence_affirms() -> None:
    for asked in questions(SOURCES + CHINESE, 80):
        [source] = [each for each in SOURCES + CHINESE if each.path == asked.document]
        denial = ("没" if asked.language == "zh" else "not ") in asked.text
        affirmed = "never" not in source.text[asked.start : asked.end]
        assert denial == (affirmed == (asked.kind == "denied"))


def test_both_languages_are_asked_each_in_its_own() -> None:
    made = questions(SOURCES + CHINESE, 10)
    assert {each.language for each in made} == {"en", "zh"}
    assert all(each.text.endswith("？" if each.language == "zh" else "?") for each in made)


def test_no_more_known_items_are_made_than_asked_for() -> None:
    assert sum(each.kind == "known" for each in questions(SOURCES, 3)) == 3
    assert questions([], 10) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=120), max_size=4), st.booleans())
def test_any_documents_give_questions_or_none(texts: list[str], markdown: bool) -> None:
    sources = [Source(f"{at}.md", normalise(text), markdown) for at, text in enumerate(texts)]
    for asked in questions(sources, 5):
        assert asked.text
