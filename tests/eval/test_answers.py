"""The measures of an answer where the right one is known, over real answers and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.answers import answer_values, answers_text, summary
from eval.types import Query, Span
from rag.cite import cite
from rag.generators.extractive import build
from rag.text import normalise
from rag.types import Answer, Chunk, Draft, Hit, Leg

STEAM = "The engine was built in 1874. It burned coal and water. 它每小时耗煤 136 公斤。"
LUNCH = "The canteen opens at noon. Soup is served on Mondays."
HITS = tuple(
    Hit(Chunk(name, 0, text, 100, 100 + len(text)), 1.0, Leg(1, 1.0), Leg(1, 0.1))
    for name, text in (("steam.md", STEAM), ("lunch.md", LUNCH))
)
ABOUT = ("exact_match", "f1", "gold_in_quotes", "gold_in_first_quote")


def answered(draft: Draft) -> Answer:
    """What the engine makes of this draft."""
    text, citations = cite(draft, () if draft.abstained else HITS)
    return Answer(
        id="1",
        question="?",
        text=text,
        abstained=draft.abstained,
        reason=draft.reason,
        confidence=draft.confidence,
        citations=citations,
        passages=HITS,
        generator="test",
        timings={},
        usage=draft.usage,
        generation="1",
    )


def quoted(question: str, sentences: int = 3) -> Answer:
    """The answer in quotes that the generator without a model gives."""
    return answered(build(sentences=sentences).generate(question, HITS))


def place(words: str) -> Span:
    start = 100 + STEAM.index(words)
    return Span("steam.md", start, start + len(words))


REFUSED = "Who won the world cup?"


def test_a_quote_that_holds_the_answer_is_right() -> None:
    answer = quoted("When was the engine built?", sentences=1)
    values = answer_values(Query("?", answers=("1874",)), answer)
    assert values == {
        "answered": 1,
        "quotes": 1,
        "quote_characters": len("The engine was built in 1874."),
        "citation_precision": 1,
        "citation_recall": 1,
        "statements_supported": 1,
        "exact_match": 0,
        "f1": pytest.approx(2 / 6),  # engine was built in 1874, of which one is the answer
        "gold_in_quotes": 1,
        "gold_in_first_quote": 1,
        "right": 1,
    }


def test_the_first_quote_is_told_from_the_others() -> None:
    answer = quoted("the engine burned coal")
    values = answer_values(Query("?", answers=("1874",)), answer)
    assert answer.citations[0].quote == "It burned coal and water."
    assert (values["gold_in_quotes"], values["gold_in_first_quote"], values["right"]) == (1, 0, 1)


def test_a_chinese_answer_is_found_with_or_without_its_space() -> None:
    values = answer_values(Query("?", answers=("136公斤",)), quoted("它每小时耗煤多少？"))
    assert values["right"] == 1


def test_quotes_without_the_answer_are_wrong() -> None:
    values = answer_values(Query("?", answers=("87",)), quoted("When was the engine built?"))
    assert (values["gold_in_quotes"], values["right"]) == (0, 0)


def test_a_refused_question_with_an_answer_counts_zero() -> None:
    assert quoted(REFUSED).abstained
    values = answer_values(Query("?", answers=("the", "documents do not say")), quoted(REFUSED))
    assert values == {"answered": 0, **dict.fromkeys(ABOUT, 0), "right": 0}


def test_a_question_without_an_answer_asks_for_a_refusal() -> None:
    query = Query("?", answers=("1874",), answerable=False)
    assert answer_values(query, quoted(REFUSED)) == {"answered": 0, "right": 1}
    values = answer_values(query, quoted("When was the engine built?"))
    assert values["right"] == 0
    assert not set(ABOUT) & set(values)
    assert values["citation_precision"] == 1


def test_where_the_truth_is_unknown_nothing_is_right_or_wrong() -> None:
    values = answer_values(Query("?"), quoted("When was the engine built?"))
    amounts = {"answered", "quotes", "quote_characters"}
    assert set(values) == {*amounts, "citation_precision", "citation_recall", "statements_supported"}


def test_a_written_answer_is_right_by_its_own_text() -> None:
    query = Query("?", answers=("one thousand",))
    assert answer_values(query, answered(Draft("It burned one thousand coals [1].")))["right"] == 1
    values = answer_values(Query("?", answers=("coal, and water",)), answered(Draft("Coal and water [1].")))
    assert (values["exact_match"], values["f1"], values["right"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("gold", "first", "any_quote"),
    [
        ([place("built in 1874")], 1, 1),
        ([place("It burned coal and water.")], 0, 1),
        ([place(STEAM)], 0, 1),  # both quotes together cover half of it, the first alone does not
        ([place("它每小时耗煤 136 公斤。")], 0, 0),
        ([Span("lunch.md", 100, 120)], 0, 0),
        ([Span("lunch.md", 100, 120), place("1874")], 1, 1),
        ([Span("steam.md", 100, 100)], 0, 0),
        ([Span("steam.md", 100, 10_000)], 0, 0),
    ],
)
def test_a_labelled_range_is_in_the_quotes_if_half_of_it_is(
    gold: list[Span], first: float, any_quote: float
) -> None:
    draft = Draft("x [1]", quotes=((1, "The engine was built in 1874."), (1, "It burned coal and water.")))
    values = answer_values(Query("?"), answered(draft), gold)
    assert (values["gold_in_first_quote"], values["gold_in_quotes"]) == (first, any_quote)
    assert values["right"] == any_quote
    assert not {"exact_match", "f1"} & set(values)


def test_white_space_is_no_part_of_a_labelled_range() -> None:
    text = "ab" + " " * 50 + "cd"
    hit = Hit(Chunk("a.md", 0, text, 0, len(text)), 1.0)
    answer = replace(
        answered(Draft("x")), passages=(hit,), citations=cite(Draft("[1]", ((1, "ab"),)), [hit])[1]
    )
    assert answer_values(Query("?"), answer, [Span("a.md", 0, len(text))])["gold_in_quotes"] == 1


def summarised(confidences: dict[str, float | None]) -> dict[str, object]:
    """Four questions: right, wrong, rightly and wrongly refused."""
    questions = {
        "right": (Query("?", ("1874",)), quoted("When was the engine built?")),
        "wrong": (Query("?", ("1875",)), quoted("When was the engine built?")),
        "none": (Query("?", answerable=False), quoted(REFUSED)),
        "missed": (Query("?", ("1874",)), quoted(REFUSED)),
    }
    values = {name: answer_values(*pair) for name, pair in questions.items()}
    return summary(
        {name: query for name, (query, _) in questions.items()},
        values,
        confidences,
        {"right": 1.0, "wrong": 0.0, "none": 0.0, "missed": None},
        seed=0,
        trials=100,
    )


def test_a_summary_averages_over_the_questions_that_have_the_measure() -> None:
    found = summarised({"right": 0.9, "wrong": 0.5, "none": None, "missed": 0.1})
    assert (found["questions"], found["unanswerable"]) == (4, 1)
    assert found["gold_in_quotes"] == pytest.approx(1 / 3)
    assert found["citation_precision"] == 1
    assert found["abstention"] == {
        "answered_right": 1,
        "answered_wrong": 1,
        "rightly_refused": 1,
        "wrongly_refused": 1,
        "coverage": 1 / 2,
        "risk": 1 / 2,
    }
    # the refused question without a confidence stands last; what "missed" would have got is unknown
    assert found["risk_coverage"] == {
        "points": [[0.25, 0.0, 0.9], [0.5, 0.5, 0.5], [0.75, pytest.approx(2 / 3), 0.0]],
        "area": pytest.approx((0 + 1 / 2 + 2 / 3) / 3),
        "complete": False,
    }
    intervals = found["intervals"]
    assert isinstance(intervals, dict)
    low, high = intervals["gold_in_quotes"]
    assert 0 <= low <= 1 / 3 <= high <= 1
    assert json.loads(json.dumps(found)) == found


def test_a_generator_that_tells_no_confidence_has_no_curve() -> None:
    assert summarised({})["risk_coverage"] is None


def test_a_summary_in_lines_tells_measures_refusals_and_area() -> None:
    lines = answers_text(summarised({"right": 0.9, "wrong": 0.5, "none": None, "missed": 0.1}))
    assert lines[3].startswith("gold in quotes       0.333  [")
    assert lines[-3:] == [
        "answered 1 right, 1 wrong; refused 1 rightly, 1 wrongly",
        "coverage 0.500, risk 0.500",
        "area under the risk-coverage curve 0.389  [0.000, 1.000] (of the answered questions only)",
    ]


def test_without_any_answer_the_summary_has_what_is_left() -> None:
    query = Query("?", answerable=False)
    found = summary({"q": query}, {"q": {"answered": 0.0, "right": 1.0}}, {}, {"q": 0.0}, seed=0, trials=10)
    assert "quotes" not in found
    assert answers_text(found)[1:] == [
        "answered 0 right, 0 wrong; refused 1 rightly, 0 wrongly",
        "coverage 0.000",
    ]
    assert answers_text(summary({}, {}, {}, {}, seed=0, trials=10)) == []


def test_every_answer_of_a_published_chinese_set_is_found_in_its_own_paragraph() -> None:
    folder = Path(__file__).parents[3] / "shared" / "data" / "retrieval" / "cmrc2018_trial"
    if not folder.is_dir():
        pytest.skip(f"{folder}: not here")
    corpus = {each["_id"]: normalise(each["text"]) for each in _lines(folder / "corpus.jsonl")}
    asked = {each["_id"]: each for each in _lines(folder / "queries.jsonl")}
    judged = (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
    found = 0
    for query, document, _ in (line.split("\t") for line in judged[:200]):
        text = corpus[document]
        hit = Hit(Chunk(document, 0, text, 0, len(text)), 1.0)
        citations = cite(Draft("[1]", ((1, text),)), [hit])[1]
        answer = replace(answered(Draft("x")), passages=(hit,), citations=citations)
        found += answer_values(Query("?", tuple(asked[query]["answers"])), answer)["gold_in_quotes"] == 1
    assert found >= 195


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
