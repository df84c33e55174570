"""What a list of hits looks like once repetitions are folded and no document takes more than its share."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rag.hits.shape import AS_RANKED, Shape, once, shaped, shaped_from, within_share
from rag.types import Chunk, Hit

PROSE = [
    " ".join(f"{word}{number} stands here" for number in range(60)) for word in ("lamp", "bread", "gale")
]
FOLD = Shape("fold")


def hit(document: str, text: str, score: float, ordinal: int = 0, start: int = 0) -> Hit:
    return Hit(Chunk(document, ordinal, text, start, start + len(text)), score)


def listed(documents: str) -> list[Hit]:
    """A hit for each letter, the document's name, best first, every text of its own."""
    seen: Counter[str] = Counter()
    found = []
    for rank, name in enumerate(documents):
        text = f"text of {name} {seen[name]}"
        found.append(hit(name, text, 100.0 - rank, seen[name], 100 * seen[name]))
        seen[name] += 1
    return found


def names(hits: list[Hit] | tuple[Hit, ...]) -> str:
    return "".join(each.chunk.document_id for each in hits)


def test_what_says_the_same_is_one_hit_with_its_other_places_and_the_next_one_moves_up() -> None:
    ranked = [hit("a", PROSE[0], 3.0), hit("b", PROSE[0].upper(), 2.0), hit("c", PROSE[1], 1.0)]
    found = shaped(ranked, 2, FOLD)
    assert names(found.hits) == "ac"
    assert [(place.document, place.start, place.end) for place in found.hits[0].also] == [
        ("b", 0, len(PROSE[0]))
    ]
    assert found.hits[0].score == 3.0
    assert [found.fate(row) for row in range(3)] == ["shown", "folded", "shown"]


def test_passages_that_merely_resemble_each_other_stay_hits_of_their_own() -> None:
    half = PROSE[0][: len(PROSE[0]) // 2] + PROSE[1][len(PROSE[1]) // 2 :]
    assert names(shaped([hit("a", PROSE[0], 2.0), hit("b", half, 1.0)], 2, FOLD).hits) == "ab"


def test_what_a_better_passage_shows_is_not_shown_again_and_a_hit_is_no_longer_than_a_passage() -> None:
    text = "0123456789" * 3
    parts = [(10, 20), (0, 12), (25, 30), (18, 24), (11, 19)]
    ranked = [
        Hit(Chunk("a", rank, text[start:end], start, end), 9.0 - rank)
        for rank, (start, end) in enumerate(parts)
    ]
    found = shaped(ranked, 8, AS_RANKED)
    assert [(each.chunk.start, each.chunk.end) for each in found.hits] == [
        (10, 20), (0, 10), (25, 30), (20, 24),
    ]  # fmt: skip
    assert all(text[each.chunk.start : each.chunk.end] == each.chunk.text for each in found.hits)
    assert [found.fate(row) for row in range(5)] == ["shown"] * 4 + ["merged"]
    assert shaped(ranked, 2, AS_RANKED).hits == found.hits[:2]


def test_a_document_gives_at_most_its_share_while_others_can_take_the_place() -> None:
    share = Shape("keep", 2)
    found = shaped(listed("abaaacb"), 4, share)
    assert names(found.hits) == "abac"
    assert [found.fate(row) for row in range(7)] == [
        "shown", "shown", "shown", "capped", "capped", "shown", "cut",
    ]  # fmt: skip
    assert names(shaped(listed("abaaa"), 4, share).hits) == "abaa"


def test_a_document_that_leads_by_more_than_its_share_is_the_answer_and_keeps_its_hits() -> None:
    assert names(shaped(listed("aaabaacbb"), 6, Shape("keep", 2)).hits) == "aaabaa"
    assert names(shaped(listed("aabaacb"), 4, Shape("keep", 2)).hits) == "aabc"


def test_more_is_asked_for_until_enough_are_shown_or_it_no_longer_pays() -> None:
    ranked = [hit(f"{n:03}", PROSE[0], 900.0 - n) for n in range(60)] + [hit("x", PROSE[1], 1.0)]
    asked = []

    def best(count: int) -> list[Hit]:
        asked.append(count)
        return ranked[:count]

    found = shaped_from(best, 2, FOLD)
    assert [each.chunk.document_id for each in found.hits] == ["000", "x"]
    assert asked == [8, 16, 32, 64]
    endless = [hit(f"{n:05}", PROSE[0], 1.0) for n in range(10_000)]
    assert len(shaped_from(lambda count: endless[:count], 2, FOLD).ranked) <= 200
    asked.clear()
    assert len(shaped_from(best, 2, AS_RANKED).hits) == 2
    assert asked == [2]


@given(st.text("abc", max_size=12), st.integers(1, 8), st.integers(0, 4))
def test_shaping_keeps_the_order_and_never_shows_fewer_than_there_are(
    documents: str, k: int, most: int
) -> None:
    ranked = listed(documents)
    found = shaped_from(lambda count: ranked[:count], k, Shape("fold", most))
    assert found.hits == shaped(ranked, k, Shape("fold", most)).hits
    assert len(found.hits) == min(k, len(ranked))
    scores = [each.score for each in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert list(found.hits) == within_share(ranked, k, most)
    if not most:
        assert list(found.hits) == ranked[:k]


def test_what_one_list_folded_and_another_shows_is_one_again() -> None:
    """Each list was shaped by itself: two of them may show one text by different passages."""
    lamp, copy, third = (hit(name, PROSE[0], 9.0 - at) for at, name in enumerate("abc"))
    bread = hit("d", PROSE[1], 1.0)
    first = shaped([lamp, third, bread], 8, FOLD).hits
    second = shaped([copy, third], 8, FOLD).hits
    both = once([*first, *second], FOLD)
    assert names(both) == "ad"
    assert [place.document for place in both[0].also] == ["c", "b"]
    assert names(once([*first, *second], AS_RANKED)) == "adb"


@given(st.lists(st.sampled_from(PROSE), max_size=8), st.sampled_from([FOLD, AS_RANKED]))
def test_a_shaped_list_shaped_again_is_the_same(texts: list[str], shape: Shape) -> None:
    found = shaped([hit(str(n), text, 9.0 - n) for n, text in enumerate(texts)], 8, shape).hits
    assert once(found, shape) == list(found)


@given(st.lists(st.sampled_from(PROSE), max_size=8))
def test_every_ranked_passage_is_a_hit_or_a_place_of_one(texts: list[str]) -> None:
    ranked = [hit(str(n), text, 9.0 - n) for n, text in enumerate(texts)]
    found = shaped(ranked, 8, FOLD)
    shown = [each.chunk.document_id for each in found.hits]
    places = [place.document for each in found.hits for place in each.also]
    assert sorted(shown + places) == [str(n) for n in range(len(texts))]
    assert len(found.hits) == len(set(texts))
