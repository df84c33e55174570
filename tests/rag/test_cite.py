"""Citations: a marker leads to exact words of a retrieved passage, or it is removed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.cite import cite
from rag.types import Chunk, Citation, Draft, Hit

DOCUMENTS = {
    "lamp.md": "# The lamp\n\nThe lamp burned rape oil. It was lit at dusk. 每天黄昏点亮。",
    "server.md": "Preface. The server needs CUDA 12.4 and 16 GB of memory.\nLogs go to `logs`.",
}


def hit(document: str, start: int, end: int, page: int | None = None) -> Hit:
    text = DOCUMENTS[document][start:end]
    return Hit(Chunk(document, 0, text, start, end, ("Top", "Part"), page), 1.0)


HITS = [
    hit("lamp.md", 12, len(DOCUMENTS["lamp.md"])),
    hit("server.md", 9, len(DOCUMENTS["server.md"]), page=3),
]


def is_exact(citation: Citation) -> bool:
    assert 1 <= citation.marker <= len(HITS)
    own = HITS[citation.marker - 1].chunk
    inside = own.start <= citation.start < citation.end <= own.end
    return inside and DOCUMENTS[citation.document][citation.start : citation.end] == citation.quote


def test_a_quote_is_cited_at_its_place_in_the_document() -> None:
    text, citations = cite(Draft("Rape oil [1].", quotes=((1, "The lamp burned rape oil."),)), HITS)
    assert text == "Rape oil [1]."
    assert citations == (Citation(1, "lamp.md", None, ("Top", "Part"), 12, 37, "The lamp burned rape oil."),)
    assert is_exact(citations[0])


def test_a_page_travels_with_its_citation() -> None:
    _, [citation] = cite(Draft("CUDA 12.4 [2].", quotes=((2, "CUDA 12.4"),)), HITS)
    assert citation.page == 3


@pytest.mark.parametrize(
    "quote",
    ["The lamp burned rape oil!", "the lamp burned rape oil.", "The  lamp burned", "Preface.", "", "16 GB"],
    ids=["changed", "another case", "another space", "outside", "empty", "another passage"],
)
def test_what_does_not_stand_word_for_word_in_the_passage_is_not_cited(quote: str) -> None:
    text, citations = cite(Draft("It burned rape oil [1].", quotes=((1, quote),)), HITS)
    assert citations == ()
    assert "[1]" not in text


@pytest.mark.parametrize("marker", [0, 3, 99, 999])
def test_a_marker_that_points_nowhere_is_removed(marker: int) -> None:
    text, citations = cite(Draft(f"The lamp burned rape oil [{marker}]. More [1]."), HITS)
    assert f"[{marker}]" not in text
    assert all(citation.marker in (1, 2) for citation in citations)
    assert cite(Draft(f"CUDA [{marker}].", quotes=((marker, "CUDA 12.4"),)), HITS) == ("CUDA .", ())


def test_without_quotes_the_nearest_sentence_of_the_passage_is_quoted() -> None:
    text, citations = cite(
        Draft("It burned oil from rape [1]. CUDA 12.4 is needed [2]. 黄昏时点亮[1]。"), HITS
    )
    assert text == "It burned oil from rape [1]. CUDA 12.4 is needed [2]. 黄昏时点亮[1]。"
    assert [(citation.marker, citation.quote) for citation in citations] == [
        (1, "The lamp burned rape oil."),
        (2, "The server needs CUDA 12.4 and 16 GB of memory."),
        (1, "每天黄昏点亮。"),
    ]


def test_a_statement_may_name_two_passages() -> None:
    _, citations = cite(Draft("The lamp burned oil and the server needs CUDA [1][2]."), HITS)
    assert [citation.marker for citation in citations] == [1, 2]


def test_a_statement_of_which_the_passage_has_no_word_loses_its_marker() -> None:
    text, citations = cite(Draft("Bread dough must rest [1]."), HITS)
    assert citations == ()
    assert "[" not in text


def test_full_width_markers_are_markers() -> None:
    text, [citation] = cite(Draft("灯在黄昏点亮【1】。另见【7】"), HITS)
    assert text == "灯在黄昏点亮[1]。另见"
    assert citation.quote == "每天黄昏点亮。"


@pytest.mark.parametrize("group", ["[1, 2]", "[1,2]", "【1、2】", "[ 1 ， 2 ]", "[1, 2, 9]"])
def test_markers_in_one_bracket_are_taken_apart(group: str) -> None:
    text, citations = cite(Draft(f"The lamp burned oil and the server needs CUDA {group}."), HITS)
    assert text == "The lamp burned oil and the server needs CUDA [1][2]."
    assert [citation.marker for citation in citations] == [1, 2]


def test_the_same_quote_is_cited_once() -> None:
    quote = (1, "It was lit at dusk.")
    _, citations = cite(Draft("At dusk [1]. Yes, at dusk [1].", quotes=(quote, quote)), HITS)
    assert len(citations) == 1


def test_citations_keep_the_order_of_the_drafts_quotes_which_is_that_of_evidence() -> None:
    quotes = ((2, "Logs go to"), (1, "It was lit at dusk."), (2, "CUDA 12.4"), (1, "The lamp"))
    _, citations = cite(Draft("[1][2]", quotes=quotes), HITS)
    assert [(citation.marker, citation.quote) for citation in citations] == list(quotes)


@pytest.mark.parametrize(
    "written",
    [
        "According to [1], the lamp burned rape oil.",
        "CUDA 12.4 is needed [2]. According to [1], the lamp burned rape oil.",
        "See [1]: the lamp burned rape oil.",
        "[1] says that the lamp burned rape oil.",
        "根据[1]，每天黄昏点亮。",
    ],
)
def test_a_marker_that_leads_its_statement_in_keeps_its_citation(written: str) -> None:
    text, citations = cite(Draft(written), HITS)
    assert text == written
    own = [citation.quote for citation in citations if citation.marker == 1]
    assert own in (["The lamp burned rape oil."], ["每天黄昏点亮。"])


def test_a_statement_drawn_from_two_sentences_cites_both() -> None:
    _, citations = cite(Draft("The server needs CUDA 12.4 and logs go to `logs` [2]."), HITS)
    assert [citation.quote for citation in citations] == [
        "The server needs CUDA 12.4 and 16 GB of memory.",
        "Logs go to `logs`.",
    ]


def test_without_passages_no_marker_is_left() -> None:
    assert cite(Draft("The documents do not say [1]."), []) == ("The documents do not say .", ())


WORDS = [
    "lamp",
    "oil",
    "server",
    "CUDA",
    "点亮",
    "[1]",
    "[2]",
    "[3]",
    "【2】",
    "[0]",
    "[12]",
    "[999]",
    ". ",
    "。",
    "\n",
]
WORDS += ["[", "]", "[1234]", "[1", "x[1]", "[１]", "[1, 2]", "[2,9]"]
DRAFTS = st.builds(
    Draft,
    text=st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=50),
    quotes=st.just(())
    | st.lists(
        st.tuples(
            st.integers(-1, 4),
            st.sampled_from(["The lamp", "lit at dusk", "CUDA 12.4", "点亮", "nothing", ""])
            | st.text(max_size=3),
        ),
        max_size=5,
    ).map(tuple),
)


@settings(deadline=None)
@given(draft=DRAFTS)
def test_whatever_is_drafted_every_quote_is_exact_and_every_marker_leads_to_one(draft: Draft) -> None:
    text, citations = cite(draft, HITS)
    assert all(is_exact(citation) for citation in citations)
    left = {int(marker) for marker in re.findall(r"\[(\d{1,3})\]", text)}
    assert left <= {0} | {citation.marker for citation in citations}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("It holds oil [1-2].", "It holds oil [1][2]."),
        ("It holds oil ［1］.", "It holds oil [1]."),
        ("Write sys.argv[0] first [1].", "Write sys.argv[0] first [1]."),
    ],
)
def test_markers_are_read_as_models_write_them_and_code_is_left_alone(written: str, kept: str) -> None:
    passages = [Hit(Chunk("a.md", 0, text, 0, len(text)), 1.0) for text in ("It holds oil first.",) * 2]
    assert cite(Draft(written), passages)[0] == kept


@pytest.mark.parametrize("own", ["［3］", "[ 3]"], ids=["in prose", "in code"])
def test_an_address_with_a_number_in_brackets_is_known_as_quotations_write_it(own: str) -> None:
    quote = "See https://example.org/rows[3]x and go on."
    draft = Draft(f"{quote.replace('[3]', own)} [1]", quotes=((1, quote),))
    text, [citation] = cite(draft, [Hit(Chunk("a.md", 0, quote, 0, len(quote)), 1.0)])
    assert text == draft.text
    assert citation.quote == quote


def test_a_citation_names_the_innermost_heading_that_its_quote_stands_under() -> None:
    written = "## Oil\n\nThe lamp burned rape oil.\n\n## Gas\n\nThe lamp burned coal gas."
    hits = [Hit(Chunk("lamp.md", 0, written, 0, len(written), ("Lamp",)), 1.0)]
    _, citations = cite(Draft("It burned coal gas. [1]", ((1, "The lamp burned coal gas."),)), hits)
    assert [citation.heading for citation in citations] == [("Lamp", "Gas")]


@pytest.mark.parametrize("run", [" ", "\n", "[1", "[1] ", "A-", "1,"])
def test_a_long_run_in_an_answer_is_read_in_bearable_time(run: str) -> None:
    # Tried at each of 50,000 places to its end, it would take minutes.
    answer, _ = cite(Draft("It was lit at dusk [1]." + run * (50_000 // len(run)) + "x", ()), HITS)
    assert answer.startswith("It was lit at dusk [1].")
