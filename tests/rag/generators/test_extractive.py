"""The generator without a model: exact quotes, few of them, and refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SettingError
from rag.generators.extractive import build
from rag.types import Chunk, Hit, Leg


def hit(written: str, *, document: str = "notes.md", cosine: float | None = None) -> Hit:
    """A hit on a chunk of this text."""
    dense = None if cosine is None else Leg(1, cosine)
    return Hit(Chunk(document, 0, written, 0, len(written)), 1.0, Leg(1, 1.0), dense)


PORT = "The server starts quickly. Its port is set with the option api.port. Logs go to a file."
LUNCH = "The canteen opens at noon. Soup is served on Mondays."


def test_the_sentence_that_answers_is_quoted_word_for_word() -> None:
    draft = build().generate("Which option sets the port of the server?", [hit(PORT), hit(LUNCH)])
    assert not draft.abstained
    assert (1, "Its port is set with the option api.port.") in draft.quotes
    assert "Its port is set with the option api.port. [1]" in draft.text


def test_a_chinese_question_is_answered_by_the_chinese_sentence() -> None:
    passage = "服务启动很快。端口由 api.port 设置。日志写到文件里。"
    draft = build(sentences=1).generate("怎么设置端口？", [hit(passage)])
    assert draft.quotes == ((1, "端口由 api.port 设置。"),)


@pytest.mark.parametrize(
    ("question", "refusal"),
    [("Who won the world cup in 1966?", "The documents do not say."), ("谁赢了世界杯？", "文档中没有说明。")],
)
def test_a_question_the_passages_do_not_touch_is_refused_in_its_language(question: str, refusal: str) -> None:
    draft = build().generate(question, [hit(PORT, cosine=0.1), hit(LUNCH, cosine=0.05)])
    assert draft.abstained
    assert draft.text == refusal
    assert draft.reason
    assert draft.quotes == ()


def test_without_hits_the_answer_is_a_refusal() -> None:
    assert build().generate("anything", []).abstained


def test_the_threshold_decides_how_much_must_be_shown() -> None:
    question = "Which option sets the port and the colour of the server banner?"
    assert not build(threshold=0.0).generate(question, [hit(PORT)]).abstained
    assert build(threshold=1.0).generate(question, [hit(PORT)]).abstained


def test_a_near_passage_counts_beside_the_words_it_shares() -> None:
    far = build().generate("listening address", [hit(PORT, cosine=0.0)])
    near = build().generate("listening address", [hit(PORT, cosine=0.9)])
    assert (far.confidence or 0) < (near.confidence or 0)


def test_the_same_sentence_in_two_documents_is_quoted_once() -> None:
    draft = build().generate("port option", [hit(PORT), hit(PORT, document="copy.md")])
    quotes = [quote for _, quote in draft.quotes]
    assert len(quotes) == len(set(quotes))


def test_headings_and_fences_are_no_answers() -> None:
    draft = build().generate(
        "install the port", [hit("# Install the port\n\nRun the installer of the port.")]
    )
    assert draft.quotes == ((1, "Run the installer of the port."),)


def test_a_passage_without_a_sentence_end_is_cut_to_a_bearable_length() -> None:
    draft = build().generate("port", [hit("port " * 1000)])
    assert all(len(quote) <= 600 for _, quote in draft.quotes)


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_whatever_is_asked_quotes_are_exact_few_and_confidence_is_a_share(
    question: str, passages: list[str]
) -> None:
    hits = [hit(passage) for passage in passages]
    draft = build(sentences=2, threshold=0.0).generate(question, hits)
    assert len(draft.quotes) <= 2
    assert all(quote in passages[marker - 1] for marker, quote in draft.quotes)
    assert draft.confidence is None or 0.0 <= draft.confidence <= 1.0


@pytest.mark.parametrize("options", [{"sentences": 0}, {"threshold": 1.5}, {"threshold": -0.1}])
def test_senseless_options_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="generator\\."):
        build(**options)  # type: ignore[arg-type]


def test_a_near_passage_in_other_words_is_quoted_rather_than_nothing_said() -> None:
    draft = build().generate("are cars banned", [hit("Vehicles are prohibited.", cosine=0.76)])
    assert not draft.abstained
    assert draft.quotes == ((1, "Vehicles are prohibited."),)


def test_numbers_in_a_documents_own_brackets_do_not_pose_as_markers() -> None:
    draft = build().generate("What did Smith show?", [hit("Smith [3] showed the gradient [12].")])
    assert draft.text == "Smith ［3］ showed the gradient ［12］. [1]"
    assert draft.quotes == ((1, "Smith [3] showed the gradient [12]."),)
