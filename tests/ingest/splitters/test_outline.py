"""Chunks of a PDF file under the titles of its outline."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.splitters._outline import Outline
from ingest.splitters.markdown import build
from rag.types import Document, Heading, Page

TEXT = "Installation\n\nRequirements\n\nA lamp. Oil.\n\nUse\n\nLight it."


def _at(title: str) -> int:
    return TEXT.index(title)


HEADINGS = (
    Heading(_at("Installation"), 1, "Installation"),
    Heading(_at("Requirements"), 2, "Requirements"),
    Heading(_at("Use"), 1, "Use"),
)


def test_each_piece_stands_under_the_titles_above_it() -> None:
    parts = Outline(HEADINGS).parts(0, len(TEXT))
    assert [(TEXT[start:end].split(maxsplit=1)[0], path) for start, end, path in parts] == [
        ("Installation", ("Installation",)),
        ("Requirements", ("Installation", "Requirements")),
        ("Use", ("Use",)),
    ]


@given(
    offsets=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 4))),
    start=st.integers(0, 50),
    length=st.integers(0, 50),
)
def test_the_pieces_of_a_range_are_the_range(offsets: list[tuple[int, int]], start: int, length: int) -> None:
    outline = Outline([Heading(offset, level, f"at {offset}") for offset, level in sorted(offsets)])
    parts = list(outline.parts(start, start + length))
    assert [at for first, last, _ in parts for at in range(first, last)] == list(range(start, start + length))


@given(
    offsets=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 4))),
    start=st.integers(0, 50),
    length=st.integers(0, 50),
)
def test_a_character_stands_under_the_last_title_at_or_before_it(
    offsets: list[tuple[int, int]], start: int, length: int
) -> None:
    headings = [Heading(offset, level, f"at {offset}") for offset, level in sorted(offsets)]
    for first, last, path in Outline(headings).parts(start, start + length):
        for at in range(first, last):
            before = [each.title for each in headings if each.offset <= at]
            assert path[-1:] == tuple(before[-1:])


def test_a_page_looks_at_its_own_titles_only() -> None:
    # Were each of them looked at for every page, this would take an hour.
    count = 100_000
    outline = Outline([Heading(at * 100, 1, f"Chapter {at}") for at in range(count)])
    for page in range(count):
        ((_, _, path),) = outline.parts(page * 100, page * 100 + 100)
        assert path == (f"Chapter {page}",)


def test_the_chunks_of_a_page_carry_the_path_of_the_outline_and_the_page() -> None:
    words = "The keeper trims the lamp at night and fills it with oil. " * 8
    text = TEXT + "\n\n" + words
    document = Document("a.pdf", text, "1", {"type": "pdf"}, (Page(7, 0, len(text)),), HEADINGS)
    chunks = build(lambda part: len(part.split()), 40).split(document)
    assert chunks[-1].heading == ("Use",)
    assert {chunk.page for chunk in chunks} == {7}
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text


def test_a_page_in_the_middle_of_a_chapter_stands_under_it() -> None:
    text = "Use\n\nLight it." + "\n\n" + "Put it out."
    pages = (Page(1, 0, 14), Page(2, 16, len(text)))
    document = Document("a.pdf", text, "1", {"type": "pdf"}, pages, (Heading(0, 1, "Use"),))
    assert [chunk.heading for chunk in build(lambda part: len(part.split())).split(document)] == [
        ("Use",),
        ("Use",),
    ]
