"""Which quote an OpenAI client is shown at which marker."""

from __future__ import annotations

from api.openai_shape import url_citations
from rag.types import Answer, Citation


def answer(text: str, *quotes: tuple[int, str]) -> Answer:
    citations = tuple(
        Citation(marker, f"{marker}.md", None, (), 10 * at, 10 * at + len(quote), quote)
        for at, (marker, quote) in enumerate(quotes)
    )
    return Answer("1", "q?", text, False, None, None, citations, (), "extractive", {}, {}, "g")


def tied(given: Answer) -> list[tuple[str, str]]:
    """(what stands before the marker, start of the quote) of each annotation."""
    found = [each["url_citation"] for each in url_citations(given, "http://host/")]
    return [(given.text[: each["start_index"]][-9:], each["url"].split("start=")[1]) for each in found]


def test_two_quotes_of_one_passage_stand_each_at_its_own_marker() -> None:
    given = answer(
        "Oil burned until 1923. [1] The tower is 40 m high. [1]",
        (1, "The tower is 40 m high."),
        (1, "Oil burned until 1923."),
    )
    assert tied(given) == [("il 1923. ", "10&end=32"), ("0 m high. "[-9:], "0&end=23")]


def test_one_quote_stands_wherever_its_marker_does() -> None:
    given = answer("Oil burned. [1] It was rape oil. [1]", (1, "It was rape oil that burned."))
    assert len(tied(given)) == 2


def test_several_quotes_that_bear_out_one_statement_stand_there_together() -> None:
    given = answer("Oil until 1923, then gas [1][2].", (1, "Oil."), (1, "Until 1923."), (2, "Gas came."))
    assert [start for _, start in tied(given)] == ["0&end=4", "10&end=21", "20&end=29"]


def test_a_marker_without_a_quote_and_a_quote_without_a_marker_give_nothing() -> None:
    assert tied(answer("args[3] is 40 [2].", (1, "Forty."))) == []
