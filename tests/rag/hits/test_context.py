"""A short passage is given to the generator with the text around it, still exact characters."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.hits.context import widened
from rag.types import Chunk, Document, Hit, Page

PARTS = ["The lamp burned oil.", "It stood until 1923.", "A gale broke it.", "Nobody mended it.", "The end."]
TEXT = "\n\n".join(PARTS)


def hit(part: int, text: str = TEXT) -> Hit:
    start = text.index(PARTS[part])
    return Hit(Chunk("a.md", part, PARTS[part], start, start + len(PARTS[part])), 1.0)


def source(text: str = TEXT, pages: tuple[Page, ...] = ()) -> Document:
    return Document("a.md", text, "digest", pages=pages)


def wide(hits: list[Hit], characters: int, document: Document | None) -> list[str]:
    return [each.chunk.text for each in widened(hits, characters, lambda _: document)]


def test_whole_paragraphs_from_both_sides_are_taken_while_there_is_room() -> None:
    assert wide([hit(2)], 60, source()) == ["\n\n".join(PARTS[1:4])]
    assert wide([hit(2)], 1000, source()) == [TEXT]
    assert wide([hit(2)], 30, source()) == [PARTS[2]]


def test_a_passage_takes_nothing_that_another_has() -> None:
    assert wide([hit(1), hit(2)], 1000, source()) == ["\n\n".join(PARTS[:2]), "\n\n".join(PARTS[2:])]


def test_a_passage_stays_on_its_page() -> None:
    at = TEXT.index(PARTS[2])
    pages = (Page(1, 0, at), Page(2, at, len(TEXT)))
    assert wide([hit(1)], 1000, source(pages=pages)) == ["\n\n".join(PARTS[:2])]


def test_a_document_that_changed_or_went_leaves_its_hits_as_they_are() -> None:
    assert wide([hit(2)], 1000, source("Something else altogether.")) == [PARTS[2]]
    assert wide([hit(2)], 1000, None) == [PARTS[2]]


def test_no_document_is_read_where_nothing_is_widened() -> None:
    read: list[str] = []
    widened([hit(2)], 0, read.append)
    assert read == []


@given(
    st.lists(st.sampled_from(["a", "b c", "", "\n", "部署"]), min_size=1, max_size=30).map("\n".join),
    st.integers(0, 200),
    st.lists(st.integers(0, 200), min_size=2, max_size=6),
)
def test_what_is_given_is_exact_no_longer_than_asked_and_in_one_passage_only(
    text: str, characters: int, cuts: list[int]
) -> None:
    ends = sorted({min(cut, len(text)) for cut in cuts})
    hits = [
        Hit(Chunk("a", n, text[start:end], start, end), 1.0) for n, (start, end) in enumerate(pairwise(ends))
    ][::2]
    found = widened(hits, characters, lambda _: Document("a", text, "d"))
    last = 0
    for before, after in zip(hits, found, strict=True):
        chunk = after.chunk
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.start <= before.chunk.start
        assert chunk.end >= before.chunk.end
        assert len(chunk.text) <= max(characters, len(before.chunk.text))
        assert chunk.start >= last
        last = chunk.end
