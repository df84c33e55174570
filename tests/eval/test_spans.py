"""Labels are found in the documents, stale ones are said to be, and retrieved text is measured on them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.spans import ENOUGH, TokenRanges, chunk_id, locate, relevant, span_of, span_values, tokens, within
from eval.types import Label, Span

CHROMA = Path(__file__).parents[3] / "shared" / "data" / "retrieval" / "chroma_chunking"
WORDS = {"d": "one two three four five six seven eight nine ten", "e": "eins zwei drei"}


def _words(document: str) -> TokenRanges:
    return tokens(WORDS.get(document, ""))


def _label(quote: str, document: str = "d", start: int | None = None) -> Label:
    return Label(document, quote, start, "spans.jsonl:1")


def test_labels_become_spans_and_stale_ones_are_named() -> None:
    stale, gone = _label("eleven"), _label("one", "gone.md")
    labels = {
        "1": (_label("two three"), stale, _label("zwei", "e")),
        "2": (gone,),
        "3": (_label("two  three"),),
    }
    located = locate(labels, WORDS.get)
    assert located.gold == {"1": (Span("d", 4, 13), Span("e", 5, 9)), "3": (Span("d", 4, 13),)}
    assert located.stale == (("1", stale), ("2", gone))
    assert located.ambiguous == 0


def test_a_quote_that_stands_several_times_is_counted_unless_its_place_was_recorded() -> None:
    located = locate({"1": (_label("e", start=42), _label("e")), "2": (_label("e"), _label("e"))}, WORDS.get)
    assert located.gold == {"1": (Span("d", 43, 44), Span("d", 2, 3)), "2": (Span("d", 2, 3),)}
    assert located.ambiguous == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Keys rotate, daily.", ["Keys", "rotate", ",", "daily", "."]),
        ("量化 int8值", ["量", "化", "int8", "值"]),
        ("foo_bar v0.6", ["foo", "_", "bar", "v0", ".", "6"]),
        ("カタ한글", ["カ", "タ", "한", "글"]),
        (" \n\u3000", []),
    ],
)
def test_tokens_are_words_and_single_characters(text: str, expected: list[str]) -> None:
    ranges = tokens(text)
    assert ranges.shape == (len(expected), 2)
    assert [text[start:end] for start, end in ranges] == expected


@given(st.text())
def test_tokens_hold_everything_but_white_space(text: str) -> None:
    held = "".join(text[start:end] for start, end in tokens(text))
    assert held == "".join(text.split())


def test_recall_precision_and_iou_are_shares_of_tokens() -> None:
    # Gold: three four five; found: four five six | one two (counted twice) in two overlapping chunks.
    gold = (Span("d", 8, 23), Span("d", 8, 13))
    found = [Span("d", 14, 27), Span("d", 0, 7), Span("d", 0, 3)]
    values = span_values(gold, found, _words)
    for cut in ("5", "1000t"):
        assert values[f"span_recall@{cut}"] == pytest.approx(2 / 3)
        assert values[f"span_precision@{cut}"] == pytest.approx(2 / 5)
        assert values[f"span_iou@{cut}"] == pytest.approx(2 / 6)


def test_only_the_first_results_count_and_the_last_is_cut_at_the_budget() -> None:
    gold = (Span("d", 8, 23),)
    found = [Span("e", 0, 14), Span("d", 8, 27)]
    values = span_values(gold, found, _words, chunks=1, budget=5)
    assert values == {
        "span_recall@1": 0.0,
        "span_precision@1": 0.0,
        "span_iou@1": 0.0,
        "span_recall@5t": pytest.approx(2 / 3),
        "span_precision@5t": pytest.approx(2 / 5),
        "span_iou@5t": pytest.approx(2 / 6),
    }


def test_text_that_is_retrieved_twice_is_paid_for_twice() -> None:
    found = [Span("d", 0, 13), Span("d", 0, 13), Span("d", 14, 23)]
    values = span_values((Span("d", 14, 23),), found, _words, budget=7)
    assert values["span_recall@7t"] == pytest.approx(1 / 2)
    assert values["span_precision@7t"] == pytest.approx(1 / 4)


def test_nothing_found_is_worth_nothing_and_nothing_to_find_is_no_question() -> None:
    assert set(span_values((Span("d", 0, 3),), [], _words).values()) == {0.0}
    assert set(span_values((Span("d", 0, 3),), [Span("unknown", 0, 9)], _words).values()) == {0.0}
    with pytest.raises(ValueError, match="no token"):
        span_values((), [Span("d", 0, 3)], _words)


def test_a_token_belongs_to_a_span_that_holds_a_part_of_it() -> None:
    assert span_values((Span("d", 1, 2),), [Span("d", 0, 3)], _words)["span_iou@5"] == 1.0
    assert span_values((Span("d", 0, 3),), [Span("d", 3, 4)], _words)["span_recall@5"] == 0.0


@st.composite
def _spans(draw: st.DrawFn) -> Span:
    document = draw(st.sampled_from(sorted(WORDS)))
    start = draw(st.integers(0, len(WORDS[document]) - 1))
    return Span(document, start, draw(st.integers(start, len(WORDS[document]))))


_FOUND = st.lists(_spans(), max_size=8)
_GOLD = st.lists(_spans().filter(lambda span: span.end - span.start > 1), min_size=1, max_size=4).map(tuple)


@given(_GOLD, _FOUND, st.integers(1, 30))
def test_values_are_shares_and_iou_is_the_least_of_them(
    gold: tuple[Span, ...], found: list[Span], n: int
) -> None:
    values = span_values(gold, found, _words, chunks=n, budget=n)
    for cut in (f"{n}", f"{n}t"):
        recall, precision, iou = (values[f"span_{name}@{cut}"] for name in ("recall", "precision", "iou"))
        assert 0 <= iou <= min(recall, precision) <= max(recall, precision) <= 1


@given(_GOLD, _FOUND, st.integers(1, 12), st.integers(1, 30))
def test_values_are_those_of_plain_sets_of_tokens(
    gold: tuple[Span, ...], found: list[Span], chunks: int, budget: int
) -> None:
    def held(span: Span) -> list[tuple[str, int]]:
        ranges = enumerate(_words(span.document).tolist())
        return [(span.document, n) for n, (start, end) in ranges if start < span.end and end > span.start]

    wanted = {token for span in gold for token in held(span)}
    first = {token for span in found[:chunks] for token in held(span)}
    paid = set([token for span in found for token in held(span)][:budget])
    values = span_values(gold, found, _words, chunks=chunks, budget=budget)
    for cut, got in ((f"{chunks}", first), (f"{budget}t", paid)):
        common = len(wanted & got)
        assert values[f"span_recall@{cut}"] == pytest.approx(common / len(wanted))
        assert values[f"span_precision@{cut}"] == pytest.approx(common / len(got) if got else 0.0)
        assert values[f"span_iou@{cut}"] == pytest.approx(common / len(wanted | got))


@given(_GOLD, _FOUND, st.data())
def test_cutting_a_chunk_in_two_that_are_retrieved_together_changes_nothing(
    gold: tuple[Span, ...], found: list[Span], data: st.DataObject
) -> None:
    parts = []
    for span in found:
        cuts = sorted(data.draw(st.lists(st.integers(span.start, span.end), max_size=2)))
        parts += [Span(span.document, *each) for each in pairwise([span.start, *cuts, span.end])]
    whole, cut = (span_values(gold, each, _words, chunks=100, budget=1000) for each in (found, parts))
    # White space between two tokens belongs to neither; cutting inside a token leaves it in both parts.
    assert cut == whole


def test_a_chunk_is_relevant_if_it_holds_enough_of_a_label_or_all_of_it() -> None:
    chunks = [Span("d", start, start + 100) for start in range(0, 500, 100)]
    gold = {
        "inside": (Span("d", 110, 120),),
        "both": (Span("d", 60, 140),),
        "mostly": (Span("d", 90, 195),),
        "between": (Span("d", 280, 305),),
        "several": (Span("d", 10, 20), Span("d", 30, 40), Span("d", 410, 420)),
        "edge": (Span("d", 100, 200),),
        "enough": (Span("d", 75, 175),),
        "little": (Span("d", 76, 176),),
        "whole": (Span("d", 90, 2000),),
    }
    assert relevant(gold, reversed(chunks)) == {
        "inside": {"d#100-200": 1},
        "both": {"d#0-100": 1, "d#100-200": 1},
        "mostly": {"d#100-200": 1},
        "between": {"d#200-300": 1},
        "several": {"d#0-100": 1, "d#400-500": 1},
        "edge": {"d#100-200": 1},
        "enough": {"d#0-100": 1, "d#100-200": 1},
        "little": {"d#100-200": 1},
        "whole": {f"d#{start}-{start + 100}": 1 for start in range(100, 500, 100)},
    }


def test_a_label_outside_every_chunk_stays_as_one_that_nothing_retrieves() -> None:
    gold = {"1": (Span("d", 50, 60), Span("d", 0, 10)), "2": (Span("gone", 0, 5),)}
    assert relevant(gold, [Span("d", 0, 50), Span("d", 60, 90), Span("d", 55, 55)]) == {
        "1": {"d#50-60": 1, "d#0-50": 1},
        "2": {"gone#0-5": 1},
    }


_RANGES = st.tuples(st.integers(0, 200), st.integers(1, 80)).map(lambda each: Span("d", each[0], sum(each)))


@given(_RANGES, st.lists(_RANGES, max_size=12))
def test_relevant_chunks_are_those_that_looking_at_every_one_gives(gold: Span, chunks: list[Span]) -> None:
    held = {chunk: min(chunk.end, gold.end) - max(chunk.start, gold.start) for chunk in chunks}
    enough = ENOUGH * (gold.end - gold.start)
    expected = {
        chunk_id(chunk): 1
        for chunk, amount in held.items()
        if amount > 0 and (amount >= enough or amount == chunk.end - chunk.start)
    }
    found = relevant({"q": (gold,)}, chunks)["q"]
    most = max(held.values(), default=0)
    if expected:
        assert found == expected
    elif most <= 0:
        assert found == {chunk_id(gold): 1}
    else:
        [(only, _)] = found.items()
        assert held[next(chunk for chunk in chunks if chunk_id(chunk) == only)] == most


def test_a_chunks_id_names_its_span_also_where_the_path_looks_like_one() -> None:
    for span in (Span("a b.md", 10, 90), Span("a#1-2", 0, 5)):
        assert span_of(chunk_id(span)) == span
    for other in ("a.md", "a#5", "#1-2", "a#-1-2", "a#1-x"):
        assert span_of(other) is None


def test_a_part_of_a_chunk_is_that_chunk_and_what_no_chunk_holds_is_itself() -> None:
    chunks = [Span("a", 0, 50), Span("a", 40, 90), Span("a", 85, 120)]
    found = [Span("a", 0, 40), Span("a", 50, 90), Span("a", 95, 130), Span("b", 0, 9), Span("a", 85, 120)]
    assert within(found, chunks) == [chunks[0], chunks[1], found[2], found[3], chunks[2]]
