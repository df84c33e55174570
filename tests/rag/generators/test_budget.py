"""Packing: best first, whole passages, whole sentences of the last, nothing beyond the room."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from rag.generators._budget import Fits, pack
from rag.text import sentences
from rag.types import Chunk, Hit


def hit(text: str, ordinal: int = 0) -> Hit:
    return Hit(Chunk("a.md", ordinal, text, 10, 10 + len(text)), 1.0)


def within(room: int) -> Fits:
    def fits(hits: Sequence[Hit]) -> bool:
        return sum(len(each.chunk.text) for each in hits) <= room

    return fits


TEXTS = st.lists(
    st.lists(
        st.sampled_from(["One two.", "三个字。", "A longer sentence of eight words stands here.", "x"]),
        max_size=6,
    ).map(" ".join),
    max_size=6,
)


@given(TEXTS, st.integers(0, 300))
def test_what_is_packed_fits_and_begins_as_the_hits_do(texts: list[str], room: int) -> None:
    hits = [hit(text, number) for number, text in enumerate(texts)]
    packed = pack(hits, within(room))
    assert sum(len(each.chunk.text) for each in packed.hits) <= room
    assert len(packed.hits) + packed.left_out == len(hits)
    whole = len(packed.hits) - packed.cut
    assert list(packed.hits[:whole]) == hits[:whole]
    for shown, given_hit in zip(packed.hits[whole:], hits[whole:], strict=False):
        part, full = shown.chunk, given_hit.chunk
        assert full.text.startswith(part.text)
        assert (part.start, part.end) == (full.start, full.start + len(part.text))


@given(TEXTS, st.integers(0, 300))
def test_only_where_nothing_else_fits_is_a_sentence_cut(texts: list[str], room: int) -> None:
    hits = [hit(text, number) for number, text in enumerate(texts)]
    packed = pack(hits, within(room))
    if not packed.cut:
        return
    last, full = packed.hits[-1].chunk.text, hits[len(packed.hits) - 1].chunk.text
    ends = {end for _, end in sentences(full)}
    assert len(last) in ends or len(packed.hits) == 1


def test_another_sentence_would_not_have_fit() -> None:
    packed = pack([hit("One two."), hit("Three four. Five six. Seven.")], within(8 + 21))
    assert [each.chunk.text for each in packed.hits] == ["One two.", "Three four. Five six."]
    assert packed.usage == {"passages_left_out": 0, "passages_cut": 1}


def test_a_text_without_sentences_is_cut_after_a_word_and_one_without_words_anywhere() -> None:
    [words] = pack([hit("alpha beta gamma delta")], within(12)).hits
    assert words.chunk.text == "alpha beta"
    [run] = pack([hit("x" * 50)], within(12)).hits
    assert run.chunk.text == "x" * 12


def test_without_room_nothing_is_packed() -> None:
    assert pack([hit("alpha")], within(0)).hits == ()
