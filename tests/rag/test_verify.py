"""Sentences of an answer are held against what they cite, and kept, marked or dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Chunk, Draft, Hit
from rag.verify import MARK, unsupported, verified

LAMP = "The lamp burned rape oil until 1923. It was lit at dusk. 每天黄昏点亮。"
SERVER = "The server needs CUDA 12.4 and 16 GB of memory. Logs go to `logs`."


def hit(written: str) -> Hit:
    return Hit(Chunk("a.md", 0, written, 0, len(written), ("Varde",)), 1.0)


HITS = [hit(LAMP), hit(SERVER)]


@pytest.mark.parametrize(
    "written",
    [
        "The lamp burned rape oil until 1923 [1].",
        "In Varde the lamp burned rape oil until 1923. [1]",
        "According to [1], it was lit at dusk.",
        "The lamp burned oil. It was lit at dusk [1].",
        "Here is what is known:\n\n- The lamp burned rape oil [1].\n- The server needs CUDA 12.4 [2].",
        "每天黄昏点亮[1]。",
    ],
)
def test_a_sentence_that_its_quotes_bear_out_stays_as_it_is(written: str) -> None:
    result = verified(Draft(written), HITS, "drop")
    assert result.text == written
    assert result.unsupported == ()


@pytest.mark.parametrize(
    ("false", "lacking"),
    [
        ("The lamp burned rape oil until 1932 [1].", "1932"),
        ("It was not lit at dusk [1].", "not lit dusk"),
        ("The server needs CUDA 12.5 and 16 GB of memory [2].", "12.5"),
        ("The server in Paris needs CUDA 12.4 [2].", "Paris"),
    ],
)
def test_a_sentence_that_they_do_not_is_named_and_dropped_or_marked(false: str, lacking: str) -> None:
    draft = Draft(f"Logs go to `logs` [2]. {false}")
    dropped, marked, kept = (verified(draft, HITS, policy) for policy in ("drop", "mark", "keep"))
    assert dropped.text == "Logs go to `logs` [2]."
    assert marked.text == f"Logs go to `logs` [2]. {false} {MARK}"
    assert kept.text == draft.text
    for result in (dropped, marked, kept):
        [fault] = result.unsupported
        assert lacking in fault.lacking


def test_what_is_dropped_takes_its_citations_with_it() -> None:
    result = verified(Draft("Logs go to `logs` [2]. It was lit in 1999 at dusk [1]."), HITS, "drop")
    assert [citation.marker for citation in result.citations] == [2]


def test_a_sentence_that_cites_nothing_is_unsupported() -> None:
    [fault] = verified(Draft("The lamp was red."), HITS).unsupported
    assert fault.lacking == ()
    assert verified(Draft("The lamp was red."), HITS, "drop").text == ""


def test_a_finished_answer_is_checked_against_the_quotes_of_its_markers() -> None:
    quotes = {1: ["The lamp burned rape oil until 1923."]}
    assert unsupported("It burned rape oil until 1923 [1].", quotes) == []
    assert unsupported("It burned rape oil until 1924 [1].", quotes)


@given(
    st.text(max_size=80), st.lists(st.sampled_from(["The lamp ", "1923", "[1]", "[2]", "[7]", ". ", "\n\n"]))
)
def test_whatever_is_drafted_keeping_changes_no_word_and_dropping_leaves_nothing_false(
    free: str, parts: list[str]
) -> None:
    draft = Draft("".join([free, *parts]))
    assert len(verified(draft, HITS, "drop").text) <= len(verified(draft, HITS, "keep").text)


CODE = "```bash\nsudo apt-get update\n\nsudo apt-get install restic\n\nrestic version\n```"
VERBATIM = [
    CODE,
    "Install it with:\n\n" + CODE,
    "As shown by Smith et al. [2] the gradient vanishes, cf. Fig. 3. It is small",
    "Approx. 3 of 4 files, i.e. most of them, are kept. See [the manual](https://example.org/a) <b>first</b>",
    "The lamp burned\n   rape oil until 1923",
    "参见【2】。灯塔建于1856年[3]，至今仍在使用",
]


@pytest.mark.parametrize("quote", VERBATIM)
@pytest.mark.parametrize("other", VERBATIM)
def test_what_is_quoted_word_for_word_is_borne_out_and_nothing_is_put_into_it(quote: str, other: str) -> None:
    hits = [hit(quote), hit(other)]
    shown = [each.translate(str.maketrans("[]【】", "［］［］")) for each in (quote, other)]
    draft = Draft(f"{shown[0]}\n[1]\n\n{shown[1]}\n[2]", quotes=((1, quote), (2, other)))
    result = verified(draft, hits)
    assert result.unsupported == ()
    assert MARK not in result.text
    assert unsupported(result.text, {1: [quote], 2: [other]}) == []


def test_words_beside_a_quote_are_not_borne_out_by_it() -> None:
    quotes = {1: ["The lamp burned rape oil until 1923"]}
    assert unsupported("In Paris the lamp burned rape oil until 1923 [1].", quotes)
    assert unsupported("The lamp burned rape oil until 1923 [1]. It stands in Paris [1].", quotes)


def test_a_mark_stands_behind_a_block_and_never_in_it() -> None:
    block = "```sh\npip install server\n\npip install CUDA-13.7\n```"
    marked = verified(Draft(f"Logs go to `logs` [2].\n\n{block}"), HITS).text
    assert marked.endswith(f"{block}\n\n{MARK}")


@pytest.mark.parametrize(
    "run", ["? ", "1. ", "\n#", "| a\n", "```\n", "not a ", "不好", "【1", "：", "1a", "3月", " "]
)
def test_a_long_run_in_an_answer_is_checked_in_bearable_time(run: str) -> None:
    # With each sentence, number or denial compared with each, it would take minutes.
    answer = run * (20_000 // len(run))
    checked = verified(Draft(f"It was lit. {answer} [1]"), [hit(f"It was lit. {answer}.")], "mark")
    assert checked.text.startswith("It was lit.")


def test_a_sentence_is_held_against_the_next_markers_of_its_paragraph_or_else_the_last() -> None:
    answer = "It was lit at dusk. The lamp burned oil [1]. It was lit at dusk.\n\nIt was lit at dusk."
    found = unsupported(answer, {1: [LAMP]})
    assert [(each.sentence, each.lacking) for each in found] == [("It was lit at dusk.", ())]
