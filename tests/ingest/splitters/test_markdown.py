"""What a chunk holds, where it ends, and what its heading path says."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.loaders._front_matter import front_matter
from ingest.loaders.pdf import join
from ingest.splitters.markdown import build
from rag.errors import SettingError
from rag.text import normalise
from rag.types import Chunk, Document

Count = Callable[[str], int]
Shape = list[tuple[int, int, list[int]]]
SENTENCE = "The index keeps every vector in memory and answers in one pass. "
CHINESE = "量化可以减少显存占用，但会略微降低精度。"


def _document(text: str, kind: str = "markdown") -> Document:
    return Document("a.md", text, "", {"type": kind})


def _split(text: str, count_tokens: Count, tokens: int = 250, kind: str = "markdown") -> list[Chunk]:
    document = _document(text, kind)
    chunks = build(count_tokens, tokens).split(document)
    _exact(document, chunks)
    return chunks


def _exact(document: Document, chunks: list[Chunk], start: int = 0) -> None:
    """Chunks are true excerpts in order, each with text of its own, and together hold all that is not
    blank from `start` on.
    """
    begun, reached = start - 1, start
    for ordinal, chunk in enumerate(chunks):
        assert (chunk.ordinal, chunk.document_id) == (ordinal, document.id)
        assert document.text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
        assert chunk.start > begun
        assert chunk.end > reached
        assert not document.text[reached : max(reached, chunk.start)].strip()
        begun, reached = chunk.start, chunk.end
    assert not document.text[reached:].strip()


def test_sections_carry_their_heading_path(count_tokens: Count) -> None:
    prose = SENTENCE * 3
    text = f"# Guide\n\n{prose}\n\n## Install {{ #install }}\n\n{prose}\n\nMore\n----\n{prose}\n"
    chunks = _split(text, count_tokens)
    assert [chunk.heading for chunk in chunks] == [("Guide",), ("Guide", "Install"), ("Guide", "More")]
    assert chunks[1].text.startswith("## Install { #install }\n\nThe index")


def test_a_heading_never_stands_alone_where_text_follows(count_tokens: Count) -> None:
    text = f"# Guide\n\n## Setup\n\n### Linux\n\n{SENTENCE * 40}\n\n## Empty\n\n## Usage\n\n{SENTENCE * 4}"
    chunks = _split(text, count_tokens)
    assert chunks[0].text.startswith("# Guide\n\n## Setup\n\n### Linux\n\nThe index")
    assert chunks[0].heading == ("Guide", "Setup", "Linux")
    assert chunks[-1].text.startswith("## Empty\n\n## Usage\n\nThe index")
    assert chunks[-1].heading == ("Guide", "Usage")


def test_a_tiny_section_joins_its_sibling_under_their_common_path(count_tokens: Count) -> None:
    text = f"# API\n\n{SENTENCE * 4}\n\n## get\n\nReads.\n\n## put\n\nWrites.\n\n# Other\n\n{SENTENCE * 4}"
    chunks = _split(text, count_tokens)
    assert [chunk.heading for chunk in chunks] == [("API",), ("Other",)]
    assert chunks[0].text.endswith("## put\n\nWrites.")


def test_the_budget_holds_with_the_heading_path(count_tokens: Count) -> None:
    code = "".join(f"value_{i} = compute({i})\n" for i in range(200))
    items = "".join(f"- item {i}: {SENTENCE}\n" for i in range(40))
    rows = "|name|value|\n|-|-|\n" + "".join(f"|row {i}|{i * i}|\n" for i in range(100))
    parts = [SENTENCE * 30, f"```python\n{code}```", items, rows, CHINESE * 30, f"> {SENTENCE * 20}"]
    text = "# A long title for the document\n\n" + "\n\n".join(
        f"## Use `part` {i}\n\n{p}" for i, p in enumerate(parts)
    )
    for tokens in (64, 250):
        chunks = _split(text, count_tokens, tokens)
        assert max(count_tokens(chunk.indexed_text) for chunk in chunks) <= tokens


def test_blocks_that_fit_a_chunk_are_not_cut(count_tokens: Count) -> None:
    fence = "````md\n```\n# no heading\n\n```\n````"
    table = "|a|b|\n|-|-|\n|`x\\|y`|1|\n|z|2|"
    listing = "- one\n\n  more of one\n\n  - nested\n\n    ```\n    code\n    ```\n- two"
    html = "<details>\n<summary>More</summary>\n</details>"
    text = "\n\n".join([SENTENCE * 3, fence, SENTENCE * 3, table, SENTENCE * 3, listing, SENTENCE * 3, html])
    chunks = _split(text, count_tokens, 96)
    assert len(chunks) > 2
    for whole in (fence, table, listing, html):
        assert any(whole in chunk.text for chunk in chunks), whole


def test_an_oversize_block_is_cut_between_rows_items_and_lines(count_tokens: Count) -> None:
    rows = [f"|row {i}|{i * i}|" for i in range(100)]
    for chunk in _split("|name|value|\n|-|-|\n" + "\n".join(rows), count_tokens, 64):
        assert set(chunk.text.split("\n")) <= {"|name|value|", "|-|-|", *rows}
    lines = [f"value_{i} = compute({i})" for i in range(100)]
    for chunk in _split("```\n" + "\n".join(lines) + "\n```", count_tokens, 64):
        assert set(chunk.text.split("\n")) <= {"```", *lines}
    for chunk in _split("".join(f"- item {i}\n  goes on\n" for i in range(60)), count_tokens, 64):
        assert chunk.text.startswith("- item")
        assert chunk.text.endswith("goes on")


def test_a_table_head_stays_with_its_first_rows(count_tokens: Count) -> None:
    text = "|name|value|\n|-|-|\n" + "".join(f"|row {i}|{i}|\n" for i in range(100))
    assert _split(text, count_tokens, 64)[0].text.startswith("|name|value|\n|-|-|\n|row 0|0|")


def test_an_unclosed_fence_runs_to_the_end_and_is_still_cut(count_tokens: Count) -> None:
    chunks = _split("# A\n\n```python\n" + "x = 1\n" * 300, count_tokens, 64)
    assert {chunk.heading for chunk in chunks} == {("A",)}
    assert len(chunks) > 5


@pytest.mark.parametrize(("sentence", "ends"), [(SENTENCE, "."), (CHINESE, "。")])
@pytest.mark.parametrize("kind", ["markdown", "text"])
def test_prose_is_cut_after_sentences(count_tokens: Count, sentence: str, ends: str, kind: str) -> None:
    chunks = _split(sentence * 60, count_tokens, 100, kind)
    assert len(chunks) > 5
    assert all(chunk.text.endswith(ends) for chunk in chunks)
    sizes = [count_tokens(chunk.text) for chunk in chunks]
    assert min(sizes) > 0.5 * max(sizes)


def test_an_admonition_keeps_its_fences(count_tokens: Count) -> None:
    parts = [f"{SENTENCE * n}\n\n/// warning\n\n{SENTENCE}\n\n///\n" for n in range(1, 12)]
    for chunk in _split("\n\n".join(parts), count_tokens, 128):
        assert not chunk.text.endswith("/// warning")
        assert not chunk.text.startswith("///\n")


def test_a_label_line_stays_with_its_heading(count_tokens: Count) -> None:
    (chunk,) = _split("# 线性回归\n:label:`sec_linear`\n\n回归很常用。\n", count_tokens)
    assert chunk.heading == ("线性回归",)
    assert ":label:`sec_linear`" in chunk.text


def test_front_matter_is_in_no_chunk(count_tokens: Count) -> None:
    text = "---\ntitle: secret\n---\n\n# A\n\ntext\n"
    document = _document(text)
    chunks = build(count_tokens).split(document)
    _exact(document, chunks, front_matter(text).end)
    assert chunks[0].text == "# A\n\ntext"


def test_plain_text_has_no_headings(count_tokens: Count) -> None:
    (chunk,) = _split("# 1 apple\n\n- or two\n", count_tokens, kind="text")
    assert chunk.heading == ()


def test_chunks_of_a_pdf_stay_on_their_page(count_tokens: Count) -> None:
    text, pages = join([SENTENCE.strip(), "", (SENTENCE * 20).strip(), "# short"])
    document = Document("a.pdf", text, "", {"type": "pdf"}, pages)
    chunks = build(count_tokens, 100).split(document)
    _exact(document, chunks)
    assert {chunk.page for chunk in chunks} == {1, 3, 4}
    for chunk in chunks:
        page = pages[(chunk.page or 0) - 1]
        assert page.start <= chunk.start < chunk.end <= page.end
        assert chunk.heading == ()


@pytest.mark.parametrize("text", ["", "\n \n", "---\na: b\n---\n"])
def test_nothing_to_read_gives_no_chunk(count_tokens: Count, text: str) -> None:
    assert build(count_tokens).split(_document(text)) == []


def test_headings_alone_are_kept(count_tokens: Count) -> None:
    assert len(_split("# A\n\n## B\n\n## C\n", count_tokens)) == 1
    many = _split("".join(f"## Heading number {i}\n\n" for i in range(300)), count_tokens)
    assert 5 < len(many) < 60


@pytest.mark.parametrize("word", ["a", "量", "👩‍👩‍👧 ", "e\u0323\u0302"])
@pytest.mark.parametrize("kind", ["markdown", "text"])
def test_a_megabyte_without_a_break_is_cut_all_the_same(count_tokens: Count, word: str, kind: str) -> None:
    text = normalise(word * (1_000_000 // len(word.encode())))
    started = time.monotonic()
    chunks = _split(text, count_tokens, kind=kind)
    assert max(len(chunk.text) for chunk in chunks) <= 250 * 17
    assert time.monotonic() - started < 30


def test_characters_that_belong_together_are_not_parted(count_tokens: Count) -> None:
    for chunk in _split("👩‍👩‍👧" * 2000, count_tokens, 64, "text"):
        assert chunk.text[0] == "👩"
        assert not chunk.text.endswith("\u200d")


def test_a_budget_too_small_to_hold_anything_is_refused(count_tokens: Count) -> None:
    with pytest.raises(SettingError, match="at least 16"):
        build(count_tokens, 3)


def test_the_fingerprint_names_the_setting(count_tokens: Count) -> None:
    assert build(count_tokens, 100).fingerprint == "markdown/3 tokens=100 overlap=25"
    assert build(count_tokens, 100, overlap_tokens=0).fingerprint == "markdown/3 tokens=100"


LINES = (
    "# A|## B|### C `d` {#e}|A sentence. And more!|- item|  - nested|1. one|> quote|```|    code|<div>"
    "|</div>|---|===||中文。句子；|[x]: y|///|/// note|:label:`x`|\ttab|\u3000|$$x = 1$$|🙂"
).split("|")
MARKED = st.lists(
    st.one_of(st.sampled_from([*LINES, "|a|b|", "|-|-|"]), st.text(max_size=20)), max_size=60
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(text=MARKED, tokens=st.integers(16, 64), kind=st.sampled_from(["markdown", "text"]))
def test_every_character_is_in_a_chunk_and_without_overlap_in_one_alone(
    count_tokens: Count, text: str, tokens: int, kind: str
) -> None:
    document = _document(normalise(text), kind)
    start = front_matter(document.text).end if kind == "markdown" else 0
    _exact(document, build(count_tokens, tokens).split(document), start)
    chunks = build(count_tokens, tokens, overlap_tokens=0).split(document)
    _exact(document, chunks, start)
    assert all(left.end <= right.start for left, right in pairwise(chunks))


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(MARKED, max_size=4))
def test_every_character_of_every_page_is_in_a_chunk(count_tokens: Count, texts: list[str]) -> None:
    text, pages = join([normalise(text).strip() for text in texts])
    document = Document("a.pdf", text, "", {"type": "pdf"}, pages)
    _exact(document, build(count_tokens, 32).split(document))


SECTIONS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 8), st.lists(st.integers(1, 60), min_size=1, max_size=4)),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@example(shape=[(1, 4, [1]), (2, 7, [1, 54])])
@given(shape=SECTIONS)
def test_headings_begin_chunks_and_the_budget_holds_for_any_outline(
    count_tokens: Count, shape: Shape
) -> None:
    lines = []
    for number, (level, words, sizes) in enumerate(shape):
        word = " `wide`" if words % 2 else " wide"
        lines.append(f"{'#' * level} h{number}{word * words}")
        lines += ["note " * size for size in sizes]
    chunks = _split("\n\n".join(lines), count_tokens, 96)
    for chunk in chunks:
        assert not chunk.text.rpartition("\n")[2].startswith("#")
        assert count_tokens(chunk.indexed_text) <= 96


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from([SENTENCE * 3, CHINESE * 4, "# Head\n", "- item\n- item\n", "[a](b) " * 9]),
        max_size=9,
    )
)
def test_with_an_overlap_chunks_repeat_the_sentences_before_them_within_the_budget(
    count_tokens: Count, pieces: list[str]
) -> None:
    text = "\n\n".join(piece.strip() for piece in pieces)
    document = _document(text)
    reached = 0
    for chunk in build(count_tokens, 60, overlap_tokens=20).split(document):
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip()
        assert not text[reached : max(reached, chunk.start)].strip()
        assert count_tokens(text[chunk.start : reached]) <= 20
        assert chunk.end > reached
        reached = chunk.end
    assert not text[reached:].strip()


def test_an_overlap_is_the_sentence_before_the_chunk(count_tokens: Count) -> None:
    numbered = " ".join(f"Sentence number {number} says what it says." for number in range(60))
    chunks = build(count_tokens, 100, overlap_tokens=25).split(_document(numbered))
    assert len(chunks) > 3
    for left, right in pairwise(chunks):
        assert 0 < left.end - right.start < 120
        assert right.text.startswith("Sentence number")
        assert count_tokens(right.indexed_text) <= 100


@pytest.mark.parametrize(
    "block", ["```python\nx = 1\n\nprint(x)\n```", "$$\ny = x\n$$", "|a|b|\n|-|-|\n|1|2|"]
)
def test_an_overlap_repeats_code_formulas_and_tables_whole_or_not_at_all(
    count_tokens: Count, block: str
) -> None:
    text = f"{SENTENCE * 9}\n\n{block}\n\n{SENTENCE * 9}"
    for overlap in range(0, 26, 3):
        for chunk in build(count_tokens, 100, overlap_tokens=overlap).split(_document(text)):
            assert block in chunk.text or not set("`$|").intersection(chunk.text)


def test_an_overlap_is_never_more_than_a_quarter_of_a_chunk(count_tokens: Count) -> None:
    text = _document("It is so. " * 300)
    assert build(count_tokens, 64).split(text) == build(count_tokens, 64, overlap_tokens=16).split(text)
    assert build(count_tokens, 64).split(text) != build(count_tokens, 64, overlap_tokens=15).split(text)


def test_an_overlap_below_nothing_is_refused(count_tokens: Count) -> None:
    with pytest.raises(SettingError, match="overlap_tokens is -1: give at least 0"):
        build(count_tokens, overlap_tokens=-1)


@pytest.mark.parametrize(
    "silent", ["![](images/page_0001.png)", "<!-- a note -->", "<!-- {} -->".format("-" * 99)]
)
@pytest.mark.parametrize("before", ["", "# T\n\n", "Hello world.\n\n"], ids=["nothing", "heading", "prose"])
def test_what_is_quoted_stays_bounded_where_nothing_of_it_is_shown(
    count_tokens: Count, silent: str, before: str
) -> None:
    text = f"{before}{silent}\n\n" + f"{silent}\n\n" * 2000 + "The end of it."
    chunks = _split(text, count_tokens, tokens=100)
    assert max(len(chunk.text) for chunk in chunks) <= 2 * 100 * 16
    assert len(chunks) <= len(text) / (100 * 16 / 2)


def test_a_comment_stays_with_what_it_stands_after_and_is_not_shown(count_tokens: Count) -> None:
    text = f"# Guide\n\n{SENTENCE}\n\n<!-- checked -->\n\n![](a.png)\n\n{SENTENCE * 3}"
    (whole,) = _split(text, count_tokens)
    assert whole.text == text.strip()
    assert "checked" not in whole.indexed_text
    first, second = _split(text, count_tokens, tokens=48)
    assert first.text.endswith("![](a.png)")
    assert second.text.startswith("The index")


def test_no_long_text_is_kept_after_its_document(count_tokens: Count) -> None:
    splitter = build(count_tokens)
    splitter.split(_document("Words.", "text"))
    tracemalloc.start()
    try:
        splitter.split(_document("\n\n".join(f"value_{n} " * 5_000 for n in range(5)), "text"))
        gc.collect()
        held = [trace.size for trace in tracemalloc.take_snapshot().traces if trace.size > 30_000]
    finally:
        tracemalloc.stop()
    assert sum(held) < 40_000
