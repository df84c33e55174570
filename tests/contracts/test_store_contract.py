"""What every store promises, over every file in rag/stores."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import backends, text
from rag.protocols.stores import SearchingStore, Store
from rag.types import Chunk, Document, Filter, Page, Vectors, Warned

# Letters of one to four bytes, one that has a combining mark and one outside the basic plane.
ANY_TEXT = st.text("ab é部署😀\n\u0301𠀀", min_size=1, max_size=40).map(text.normalise).filter(bool)


@pytest.fixture(params=backends.names("rag.stores"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(name: str, tmp_path: Path) -> Iterator[Store]:
    opened: Store = import_module(f"rag.stores.{name}").build(folder=tmp_path)
    yield opened
    opened.close()


def vectors(*values: float) -> Vectors:
    """One window a value."""
    return np.array([[value, 1.0, -0.0] for value in values], dtype=np.float32)


def halves(name: str, content: str) -> list[Chunk]:
    middle = len(content) // 2
    cuts = [(0, middle), (middle, len(content))]
    return [Chunk(name, n, content[a:b], a, b, ("Top", f"第{n}节"), n + 1) for n, (a, b) in enumerate(cuts)]


def put(store: Store, name: str, content: str, digest: str = "1", *values: float) -> None:
    chunks = halves(name, content)
    store.replace(Document(name, content, digest), chunks, [vectors(*(values or (1.0,)))] * len(chunks))


def living(store: Store) -> dict[str, str]:
    return {document.id: document.digest for document in store.documents()}


def keys(store: Store) -> list[int]:
    return [stored.key for stored in store.chunks()]


def test_build_says_what_it_takes_and_that_it_makes_a_store(name: str) -> None:
    build = import_module(f"rag.stores.{name}").build
    types = get_type_hints(build)
    assert types["return"] in (Store, SearchingStore)
    assert {"folder", "read_only", "start_over"} <= set(inspect.signature(build).parameters)


def test_a_document_comes_back_as_it_was_put(store: Store) -> None:
    document = Document("a/b.md", "Grün 😀 部署", "d", {"title": "标题"}, (Page(1, 0, 4), Page(2, 4, 4)))
    chunks = halves("a/b.md", document.text)
    own = [vectors(1.0, 2.0), vectors(3.0)]
    store.replace(document, chunks, own, source="/somewhere/b.md", empty_pages=1)
    assert store.document("a/b.md") == document
    [stored] = store.documents()
    assert (stored.id, stored.source, stored.digest) == ("a/b.md", "/somewhere/b.md", "d")
    assert (stored.chunks, stored.empty_pages) == (2, 1)
    found = list(store.chunks())
    assert [each.chunk for each in found] == chunks
    for each, expected in zip(found, own, strict=True):
        assert each.vectors.dtype == np.float32
        assert np.array_equal(each.vectors, expected)
    assert store.fetch(keys(store)) == dict(zip(keys(store), chunks, strict=True))


@pytest.mark.parametrize("backend", backends.names("rag.stores"))
@settings(max_examples=40, deadline=None)
@given(contents=st.lists(ANY_TEXT, min_size=1, max_size=3))
def test_fetched_chunks_are_the_exact_characters_of_their_documents(
    backend: str, contents: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store: Store = import_module(f"rag.stores.{backend}").build(folder=tmp_path_factory.mktemp("store"))
    for number, content in enumerate(contents):
        put(store, f"{number}.md", content)
    for chunk in store.fetch(keys(store)).values():
        document = store.document(chunk.document_id)
        assert document is not None
        assert document.text[chunk.start : chunk.end] == chunk.text
    store.close()


def test_a_filter_selects_by_path_page_and_metadata(store: Store) -> None:
    for name, tag in (("notes/a.md", "x"), ("notes/b/c.pdf", "y"), ("notesy.md", "x"), ("d[1].md", "")):
        chunks = [replace(each, ordinal=n) for n, each in enumerate(halves(name, "some text"))]
        store.replace(Document(name, "some text", "1", {"tag": tag}), chunks, [vectors(1.0)] * 2)

    def selected(**chosen: Any) -> set[tuple[str, int]]:
        found = store.fetch(store.select(Filter(**chosen))).values()
        return {(chunk.document_id, chunk.page or 0) for chunk in found}

    assert {name for name, _ in selected(paths=("notes",))} == {"notes/a.md", "notes/b/c.pdf"}
    assert selected(paths=("notes/",)) == selected(paths=("notes",))
    assert {name for name, _ in selected(paths=("*.pdf", "d[1].md"))} == {"notes/b/c.pdf", "d[1].md"}
    assert selected(paths=("notes/*.md",), pages=(2, 9)) == {("notes/a.md", 2)}
    assert {name for name, _ in selected(metadata=(("tag", "x"),))} == {"notes/a.md", "notesy.md"}
    assert selected(metadata=(("tag", "x"), ("other", "x"))) == set()
    assert len(selected()) == 8
    assert selected(paths=("'; DROP TABLE chunk; --",)) == set()


def test_the_places_of_chunks_are_told_without_their_texts(store: Store) -> None:
    put(store, "a.md", "some text")
    first, second = keys(store)
    assert store.places([second, 10_000, first]) == {first: ("a.md", 0), second: ("a.md", 1)}


def test_an_unknown_document_is_none(store: Store) -> None:
    assert store.document("nobody.md") is None


def test_a_document_without_chunks_is_a_document(store: Store) -> None:
    store.replace(Document("empty.md", "", "d"), [], [])
    assert [document.chunks for document in store.documents()] == [0]
    assert list(store.chunks()) == []


def test_documents_and_chunks_come_in_the_order_of_ids_and_ordinals(store: Store) -> None:
    for name in ("b.md", "a.md", "é.md", "B.md", "部.md", "a/z.md"):
        put(store, name, "some text")
    names = [document.id for document in store.documents()]
    assert names == sorted(names)
    order = [(each.chunk.document_id, each.chunk.ordinal) for each in store.chunks()]
    assert order == [(name, ordinal) for name in sorted(names) for ordinal in (0, 1)]


def test_replacing_puts_the_new_version_in_the_olds_place(store: Store) -> None:
    put(store, "a.md", "the old text", "1")
    put(store, "a.md", "what is new", "2")
    assert living(store) == {"a.md": "2"}
    assert "".join(each.chunk.text for each in store.chunks()) == "what is new"


def test_removing_forgets_only_what_is_named(store: Store) -> None:
    for name in ("a.md", "b.md", "c.md"):
        put(store, name, "some text")
    store.remove(["a.md", "nobody.md", "c.md"])
    assert living(store) == {"b.md": "1"}
    assert store.document("a.md") is None


def test_a_reader_of_the_generation_before_still_finds_its_words(store: Store) -> None:
    put(store, "a.md", "version one", "1")
    put(store, "gone.md", "is removed", "1")
    first = keys(store)
    before = store.fetch(first)
    store.collect(1)
    put(store, "a.md", "version two", "2")
    store.remove(["gone.md"])
    assert store.fetch(first) == before, "while the next generation is being made"
    store.collect(2)
    assert store.fetch(first) == before, "while a reader may still be on the generation before"
    second = keys(store)
    store.collect(3)
    assert store.fetch(first) == {}, "two publishes later nobody can be reading it"
    assert len(store.fetch(second)) == len(second) == 2
    store.collect(9)
    assert keys(store) == second, "what lives is never collected"


def test_a_key_is_never_given_twice(store: Store) -> None:
    seen: set[int] = set()
    for publish in range(1, 6):
        put(store, "a.md", f"version {publish}", str(publish))
        assert not seen & set(keys(store))
        seen |= set(keys(store))
        store.remove(["a.md"])
        store.collect(publish * 2)


def test_a_missing_key_is_left_out(store: Store) -> None:
    put(store, "a.md", "some text")
    assert list(store.fetch([*keys(store), 10**12])) == keys(store)
    assert store.fetch([]) == {}


def test_many_keys_and_texts_may_be_asked_for_at_once(store: Store) -> None:
    chunks = [Chunk("a.md", n, f"{n:05d}", 5 * n, 5 * n + 5) for n in range(1500)]
    document = Document("a.md", "".join(chunk.text for chunk in chunks), "1")
    store.replace(document, chunks, [vectors(float(n)) for n in range(1500)])
    assert list(store.fetch(keys(store)).values()) == chunks
    known = store.known([chunk.text for chunk in chunks] + ["never seen"])
    assert [known[chunk.text][0, 0] for chunk in chunks] == list(range(1500))
    assert len(known) == 1500


def test_vectors_may_be_made_while_they_are_recorded(store: Store) -> None:
    put(store, "a.md", "some text", "1", 4.0)
    chunks = [Chunk("a.md", n, f"{n:05d}", 5 * n, 5 * n + 5) for n in range(100)]
    document = Document("a.md", "".join(chunk.text for chunk in chunks), "2")

    def made(count: int) -> Iterator[Vectors]:
        for number in range(count):
            # What was embedded before is looked up meanwhile.
            assert not store.known(["never seen"])
            yield vectors(float(number))

    for count in (99, 101):
        with pytest.raises(ValueError, match="zip"):
            store.replace(document, chunks, made(count))
        assert living(store) == {"a.md": "1"}
    store.replace(document, chunks, made(100))
    assert [stored.vectors[0, 0] for stored in store.chunks()] == list(range(100))


def test_what_was_embedded_is_known_also_after_its_document_went(store: Store) -> None:
    put(store, "a.md", "some text", "1", 4.0, 5.0)
    embedded_text = next(iter(store.chunks())).chunk.indexed_text
    for _ in range(2):
        known = store.known([embedded_text, "other text"])
        assert list(known) == [embedded_text]
        assert known[embedded_text][:, 0].tolist() == [4.0, 5.0]
        store.remove(["a.md"])


def test_a_heading_is_part_of_what_was_embedded(store: Store) -> None:
    put(store, "a.md", "some text")
    first = next(iter(store.chunks())).chunk
    assert store.known([first.text]) == {}
    assert list(store.known([first.indexed_text])) == [first.indexed_text]


def test_clearing_takes_no_vector_over_and_keeps_readers_words(store: Store) -> None:
    put(store, "a.md", "some text")
    store.collect(1)
    old, texts = keys(store), [each.chunk.indexed_text for each in store.chunks()]
    store.clear()
    assert living(store) == {}
    assert list(store.chunks()) == []
    assert store.known(texts) == {}
    assert len(store.fetch(old)) == len(old)
    put(store, "a.md", "some text")
    assert set(store.known(texts)) == set(texts)


def test_settings_are_remembered_and_survive_clearing(store: Store) -> None:
    store.remember("embedder", "one")
    store.remember("embedder", "two")
    store.clear()
    assert store.settings()["embedder"] == "two"


def test_everything_is_there_when_it_is_opened_again(name: str, tmp_path: Path) -> None:
    build = import_module(f"rag.stores.{name}").build
    store: Store = build(folder=tmp_path)
    put(store, "a.md", "some text")
    store.remember("embedder", "one")
    expected = living(store), keys(store), dict(store.settings())
    store.close()
    for read_only in (False, True):
        again: Store = build(folder=tmp_path, read_only=read_only)
        assert (living(again), keys(again), dict(again.settings())) == expected
        again.close()


def test_what_was_embedded_instead_of_the_text_comes_back_and_is_what_is_known(store: Store) -> None:
    content = "|a|b|\n|-|-|\n|1|2|\n|3|4|"
    seen = "|a|b|\n|-|-|\n|3|4|"
    chunks = [Chunk("a.md", 0, content[:18], 0, 18), Chunk("a.md", 1, content[18:], 18, 24, embedded=seen)]
    store.replace(Document("a.md", content, "1"), chunks, [vectors(1.0), vectors(2.0)])
    assert [each.chunk for each in store.chunks()] == chunks
    assert list(store.fetch(keys(store)).values()) == chunks
    assert list(store.known([content[18:], seen])) == [seen]


def test_what_was_said_when_a_document_was_read_is_kept_with_its_version(store: Store) -> None:
    said = (Warned("encoding", "read as GB18030"), Warned("broken_pages", "第3页 \udcff"))
    store.replace(Document("a.md", "text", "1"), [], [], warnings=said)
    store.replace(Document("b.md", "text", "1"), [], [])
    assert [document.warnings for document in store.documents()] == [said, ()]
    store.replace(Document("a.md", "text", "2"), [], [], warnings=said[:1])
    assert [document.warnings for document in store.documents()] == [said[:1], ()]


def test_a_sound_record_has_no_faults(store: Store) -> None:
    assert store.faults() == []
    put(store, "a.md", "some text")
    put(store, "a.md", "other text", "2")
    store.collect(1)
    assert store.faults() == []
