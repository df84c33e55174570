"""Copies and near copies among the documents of an index are found without comparing all pairs."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.health import copies
from rag.health.copies import SIGNATURE_BYTES, Duplicate, duplicates, groups, signature
from rag.text import CJK_CHARACTER

CORPORA = Path(__file__).parents[4] / "shared" / "data" / "corpora"
ENGLISH = "fox whale tea heron swan bear bird river stone cloud house garden letter window road".split()
_UNIT = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|\W")
CHINESE = "狐鲸茶鹭鹅熊鸟河石云屋园信窗路山海林火木金水土日月星风雨雪"


def _text(seed: int, words: int = 300, *, chinese: bool = False) -> str:
    chance = random.Random(seed)  # noqa: S311
    if chinese:
        return "".join(chance.choice(CHINESE) for _ in range(words))
    return " ".join(chance.choice(ENGLISH) for _ in range(words))


def _edited(text: str, share: float, seed: int) -> str:
    """`text` with this share of its words, or of its Chinese characters, replaced."""
    chance = random.Random(seed)  # noqa: S311
    units = _UNIT.findall(text)
    for at, unit in enumerate(units):
        if unit.isalnum() and chance.random() < share:
            units[at] = chance.choice(CHINESE if CJK_CHARACTER.match(unit) else ENGLISH)
    return "".join(units)


def _found(texts: dict[str, str], threshold: float = 0.5) -> list[Duplicate]:
    return list(duplicates([(name, signature(text)) for name, text in texts.items()], threshold))


def test_a_copy_names_the_first_document_of_the_same_text() -> None:
    text = _text(1)
    found = _found({"a.md": text, "b.md": _text(2), "c.md": text.upper() + "!\n", "d.md": text})
    assert [(each.id, each.of, each.exact) for each in found] == [
        ("c.md", "a.md", True),
        ("d.md", "a.md", True),
    ]
    assert found[0].warning == ("c.md", "duplicate", "is the same text as a.md")


@pytest.mark.parametrize("chinese", [False, True])
def test_an_edited_copy_is_found_with_its_likeness(chinese: bool) -> None:
    texts = {f"{seed}.md": _text(seed, chinese=chinese) for seed in range(20)}
    texts |= {f"{seed}.md copy": _edited(_text(seed, chinese=chinese), 0.02, seed) for seed in range(20)}
    found = _found(texts)
    assert [(each.id, each.of) for each in found] == [(f"{seed}.md copy", f"{seed}.md") for seed in range(20)]
    assert all(0.7 < each.similarity < 1 and not each.exact for each in found)
    name, kind, detail = found[0].warning
    assert (name, kind) == ("0.md copy", "near_duplicate")
    assert detail == f"is {found[0].similarity:.0%} the same text as 0.md"


@pytest.mark.parametrize("words", [20, 60, 2000])
def test_the_likeness_is_the_share_of_shingles_in_common(words: int) -> None:
    def runs(text: str) -> set[str]:
        plain = "".join(text.split())
        return {plain[at : at + 8] for at in range(len(plain) - 7)}

    for seed in range(10):
        one = _text(seed, words)
        other = _edited(one, 0.05, seed)
        if one == other:
            continue
        exact = len(runs(one) & runs(other)) / len(runs(one) | runs(other))
        (found,) = _found({"a": one, "b": other}, threshold=0.2)
        assert found.similarity == pytest.approx(exact, abs=0.15)


def test_documents_without_words_and_short_ones_are_not_called_near() -> None:
    assert _found({"a": "", "b": "---", "c": "\n", "d": "version 3.11", "e": "version 3.12"}) == []


def test_a_group_begins_with_its_first_document() -> None:
    text = _text(1)
    found = _found(
        {"a": text, "b": _edited(text, 0.02, 1), "c": text, "d": _edited(text, 0.02, 2), "e": _text(2)}
    )
    assert groups(found) == [["a", "b", "c", "d"]]


@given(st.text("abcdef ,ß部署镜像😀", min_size=90, max_size=200), st.integers(1, 40))
def test_a_long_text_is_signed_piece_by_piece_as_it_would_be_at_once(text: str, piece: int) -> None:
    whole = signature(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(copies, "_PIECE", piece)
        assert signature(text) == whole


def test_a_signature_has_one_size_and_is_a_function_of_the_text() -> None:
    assert {len(signature(text)) for text in ("", "a", _text(1), _text(2, 20_000))} == {SIGNATURE_BYTES}
    # Stored signatures have to fit those made later: another value here needs another file format.
    assert (
        signature("Red foxes run over the hills, and white swans fly.").hex()[:48]
        == "80a68b8a207ec03644ce7b8b5531af6affffffffffffffff"
    )


@pytest.mark.parametrize("language", ["fastapi_en", "fastapi_zh", "d2l_zh"])
def test_edited_copies_of_real_documents_are_found_and_no_others(language: str) -> None:
    folder = CORPORA / language
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    texts = {str(file): file.read_text("utf-8") for file in sorted(folder.rglob("*.md"))[::3]}
    copies = {
        f"{name} copy": _edited(text, 0.05, number) for number, (name, text) in enumerate(texts.items())
    }
    found = _found(texts | copies)
    right = sum(each.id == f"{each.of} copy" for each in found)
    assert right / len(texts) >= 0.95
    assert right / len(found) >= 0.98
