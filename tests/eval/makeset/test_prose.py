"""Sentences come with their place, whatever the text; what is no prose is never fit to be quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.makeset.corpus import Corpus, family
from rag.calibration.prose import Source, sections
from rag.text import normalise

PIECES = """# Title
## 标题
Some words stand here.
这里有一个完整的句子。
- item
> quoted
```
| a | b |
---
$$
[link](u) only.
`code` and **bold** text here.
&amp;
<b>html</b>""".split("\n")


def _source(text: str, *, markdown: bool = True) -> Source:
    return Source("a.md", text, markdown, (), ((0, len(text)),))


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20)).map("\n".join), st.booleans())
def test_sentences_lie_in_order_inside_the_text(text: str, markdown: bool) -> None:
    text = normalise(text)
    last = 0
    for section in sections(_source(text, markdown=markdown)):
        for sentence in section.sentences:
            assert last <= sentence.start < sentence.end <= len(text)
            last = sentence.start
            quote = text[sentence.start : sentence.end]
            assert quote == quote.strip()
            assert not sentence.fit or len(quote) >= (10 if sentence.language == "zh" else 20)


@pytest.mark.parametrize(
    "line",
    [
        "See [the whole long list of links](https://example.org).",
        "    This is an indented code block with words.",
        "The formula $x = y$ says what is to be said.",
        "Why would anyone ask such a question here?",
        "this begins in the middle of a sentence somehow.",
        'It stops at the ("wrong place.',
    ],
)
def test_what_is_no_whole_statement_is_not_fit(line: str) -> None:
    found = sections(_source(f"# T\n\n{line}\n"))
    assert not [sentence for section in found for sentence in section.sentences if sentence.fit]


def test_markup_attributes_and_numbers_are_no_part_of_a_title() -> None:
    text = "# 3.2 **Keys** and `vaults` { #keys }\n\n## (加载和保存)\n\nText.\n"
    assert sections(_source(text))[-1].titles == ("Keys and vaults", "加载和保存")


def test_a_heading_without_markup_is_not_taken_for_the_start_of_a_sentence() -> None:
    text = (
        "Signing keys\nThe signing keys of this project are rotated every ninety days by the security team.\n"
    )
    found = sections(_source(text, markdown=False))
    assert not [sentence for section in found for sentence in section.sentences if sentence.fit]


@pytest.mark.parametrize("paths", [("en/a.md", "zh/a.md"), ("a.md", "a.zh.md"), ("x/b.md", "x/b_origin.md")])
def test_translations_are_one_family(paths: tuple[str, str]) -> None:
    assert family(paths[0]) == family(paths[1])
    assert family("en/a.md") != family("en/b.md")


def test_a_quote_broken_over_lines_is_still_the_same_words() -> None:
    first, second = (
        _source("Keys are\nrotated often."),
        Source("b.md", "Keys are rotated often.", True, (), ()),
    )
    assert not Corpus([first, second]).unique("Keys are rotated often.")
    assert Corpus([first]).unique("Keys are rotated often.")
