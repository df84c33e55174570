"""Citation precision and recall over real answers, cited by `rag.cite`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.support import citation_values, numbers, statements, supports, unmarked
from rag.cite import cite
from rag.generators.extractive import build
from rag.types import Answer, Chunk, Draft, Hit

LAMP = "The lamp burned rape oil. It was lit at dusk in 1874. 每天黄昏点亮油灯。"
SERVER = "The server needs CUDA 12.4 and 16 GB of memory. Logs go to a file."

ALL = ("citation_precision", "citation_recall", "statements_supported")


def reply(draft: Draft, passages: Sequence[str] = (LAMP, SERVER)) -> Answer:
    """What the engine makes of this draft over these passages."""
    hits = tuple(Hit(Chunk(f"{n}.md", 0, each, 0, len(each)), 1.0) for n, each in enumerate(passages, 1))
    text, citations = cite(draft, () if draft.abstained else hits)
    return Answer(
        id="1",
        question="?",
        text=text,
        abstained=draft.abstained,
        reason=None,
        confidence=draft.confidence,
        citations=citations,
        passages=hits,
        generator="test",
        timings={},
        usage=draft.usage,
        generation="1",
    )


@pytest.mark.parametrize(
    ("statement", "quote"),
    [
        ("It burned rape oil.", "The lamp burned rape oil."),
        ("The lamp was lit at dusk in 1874.", "It was lit at dusk in 1874."),
        ("It holds 1,000 litres of oil.", "The tank holds 1000 litres of oil."),
        ("油灯在黄昏点亮。", "每天黄昏点亮油灯。"),
        ("需要 16 GB 内存", "至少需要１６GB内存。"),
    ],
)
def test_a_quote_with_the_numbers_and_half_the_terms_supports(statement: str, quote: str) -> None:
    assert supports(statement, quote)


@pytest.mark.parametrize(
    ("statement", "quote"),
    [
        ("It was lit at dusk in 1875.", "It was lit at dusk in 1874."),
        ("It was lit at dusk in 187.", "It was lit at dusk in 1874."),
        ("The lamp was sold to a museum abroad.", "The lamp burned rape oil."),
        ("需要 32 GB 内存", "至少需要16GB内存。"),
        ("灯塔建于海边的山上。", "每天黄昏点亮油灯。"),
        ("It is.", "It is."),
        ("", "anything"),
    ],
)
def test_another_number_or_too_few_terms_do_not_support(statement: str, quote: str) -> None:
    assert not supports(statement, quote)


def test_half_of_the_terms_are_enough_and_less_are_not() -> None:
    assert supports("red green blue gold", "red green")
    assert not supports("red green blue gold pink", "red green")


def test_numbers_are_read_whole_and_without_separators() -> None:
    assert numbers("In 1974, 1,200,000 men of v0.6.3 had 6½ 次 or 10².") == {
        "1974", "1200000", "0.6.3", "6", "1", "2", "10"
    }  # fmt: skip


def test_statements_are_sentences_with_the_markers_that_follow_them() -> None:
    answer = reply(Draft("Well then. The lamp burned oil [1]. It needs CUDA 12.4. [2] The end is near."))
    found = [(each.text, [cited.marker for cited in each.citations]) for each in statements(answer)]
    assert found == [
        ("Well then.", []),
        ("The lamp burned oil", [1]),
        ("It needs CUDA 12.4.", [2]),
        ("The end is near.", []),
    ]


def test_a_statement_rests_on_the_nearest_of_the_quotes_its_marker_has() -> None:
    answer = reply(Draft("The lamp burned oil [1]. It was lit at dusk [1]."))
    assert [[cited.quote for cited in each.citations] for each in statements(answer)] == [
        ["The lamp burned rape oil."],
        ["It was lit at dusk in 1874."],
    ]


def test_a_lists_numbers_are_no_numbers_of_its_statements() -> None:
    answer = reply(Draft("1. The lamp burned oil [1]\n2) It was lit at dusk [1]\n- 16 GB of memory [2]"))
    assert [each.text for each in statements(answer)] == [
        "The lamp burned oil",
        "It was lit at dusk",
        "16 GB of memory",
    ]
    assert citation_values(answer) == dict.fromkeys(ALL, 1)


def test_a_citation_that_does_not_bear_its_statement_out_lowers_precision() -> None:
    answer = reply(Draft("The lamp burned oil [1][2]. CUDA 12.5 is needed [2]."))
    # [2] has no word of the lamp: its quote is that of the second statement, whose number is another
    assert citation_values(answer)["citation_precision"] == pytest.approx(1 / 3)


def test_a_supported_statement_without_a_citation_lowers_recall() -> None:
    answer = reply(Draft("The lamp burned oil. It was lit at dusk [1]. Nobody knows why the poet left."))
    expected = {
        "citation_precision": 1,
        "citation_recall": 1 / 2,
        "statements_supported": pytest.approx(1 / 3),
    }
    assert citation_values(answer) == expected


def test_what_only_a_passage_left_out_supports_needs_no_citation() -> None:
    draft = Draft("It was lit at dusk [1]. The server needs memory.")
    assert citation_values(reply(draft))["citation_recall"] == 1 / 2
    assert citation_values(reply(replace(draft, usage={"passages_left_out": 1})))["citation_recall"] == 1


def test_a_quote_attached_to_no_statement_counts_against_precision() -> None:
    answer = reply(Draft("The lamp burned oil [1].", quotes=((1, "The lamp burned rape oil."), (2, "Logs"))))
    assert citation_values(answer)["citation_precision"] == 1 / 2


def test_a_refusal_has_no_such_values() -> None:
    assert citation_values(reply(Draft("The documents do not say.", abstained=True))) == {}


def test_an_answer_that_is_all_invention_supports_none_of_its_statements() -> None:
    assert citation_values(reply(Draft("Bread dough must rest."))) == {"statements_supported": 0}


def test_an_answer_without_its_markers_reads_as_written() -> None:
    answer = reply(Draft("The lamp [1] burned oil [1]. args[0] stays."))
    assert unmarked(answer).split() == ["The", "lamp", "burned", "oil", "args[0]", "stays."]


@pytest.mark.parametrize("question", ["When was the lamp lit at dusk?", "油灯什么时候点亮？", "CUDA memory"])
def test_the_quoting_generator_is_precise_and_complete(question: str) -> None:
    hits = reply(Draft("")).passages
    draft = build(threshold=0.0).generate(question, hits)
    assert citation_values(reply(draft)) == dict.fromkeys(ALL, 1)


@given(st.text("Lampoil .[12]是。1874\n-", max_size=60))
def test_whatever_is_written_both_are_shares(written: str) -> None:
    values = citation_values(reply(Draft(written)))
    assert all(0 <= value <= 1 for value in values.values())


def test_a_quotation_of_several_clauses_is_one_statement_of_its_marker() -> None:
    """Each clause alone would be a sentence without a marker, and the extractive generator never be right."""
    passage = "油灯在黄昏点亮；到黎明熄灭；灯油是菜籽油。看守人住在塔里。"
    quoted = "油灯在黄昏点亮；到黎明熄灭；灯油是菜籽油。"
    answer = reply(Draft(f"这样说。 {quoted} [1]", ((1, quoted),)), [passage])
    assert [(each.text, len(each.citations)) for each in statements(answer)] == [("这样说。", 0), (quoted, 1)]
    answer = reply(build(threshold=0.0).generate("油灯何时点亮，灯油是什么？", answer.passages), [passage])
    assert citation_values(answer) == dict.fromkeys(ALL, 1.0)


def test_a_documents_own_number_in_brackets_does_not_part_a_quotation_from_its_marker() -> None:
    passage = "The lamp [12] burned oil. It was lit at dusk [13]. Then came gas."
    quoted = passage.removesuffix(" Then came gas.")
    written = quoted.replace("[", "［").replace("]", "］")
    answer = reply(Draft(f"{written} [1]", ((1, quoted),)), [passage])
    assert [each.text for each in statements(answer)] == [written]
