"""Glossed: an embedder that reads no Chinese reads it by its gloss, and nothing else changes."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.errors import SettingError
from rag.expansion.dictionary import Dictionary
from rag.expansion.glossed import Glossed, agreed, glosses_more, way_back, without_glosses
from rag.fusion import trust
from rag.protocols.models import Embedder
from rag.types import Vectors

ENTRIES = """燈塔 灯塔 [deng1 ta3] /lighthouse/
油 油 [you2] /oil/fat/
燃燒 燃烧 [ran2 shao1] /to burn/
"""


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    file = tmp_path_factory.mktemp("dictionary") / "dictionary.gz"
    file.write_bytes(gzip.compress(ENTRIES.encode()))
    return Dictionary(file)


@pytest.fixture(scope="module")
def glossed(embedder: Embedder, dictionary: Dictionary) -> Glossed:
    return Glossed(embedder, dictionary, yields=True)


class ReadsChinese:
    """An embedder whose vocabulary knows every character; what it is given is kept."""

    fingerprint = "multilingual@1"
    dimension = 2
    device = "cpu"

    def __init__(self) -> None:
        self.given: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def windows(self, text: str) -> list[str]:
        return [text]

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        return np.ones((len(texts), 2), dtype=np.float32)

    encode_few = encode

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self.encode([text])[0]
        return vector

    def readable(self, text: str) -> float:
        return float(bool(text))


def test_chinese_has_the_vector_of_its_gloss(glossed: Glossed, embedder: Embedder) -> None:
    gloss = "lighthouse burn oil"
    assert np.array_equal(glossed.encode_query("灯塔燃烧的油"), embedder.encode_query(gloss))
    assert np.array_equal(glossed.encode(["燈塔燃燒的油"]), embedder.encode([gloss]))
    assert np.array_equal(glossed.encode_few(["灯塔燃烧油"]), embedder.encode_few([gloss]))
    assert glossed.windows("灯塔燃烧油") == [gloss]


@pytest.mark.parametrize(
    "text", ["The lamp  burned\noil.", "", "v0.6.3 😀", "ランプの油", "この灯塔は", "oil " * 700]
)
def test_what_is_not_chinese_is_read_as_it_stands(text: str, glossed: Glossed, embedder: Embedder) -> None:
    assert glossed.windows(text) == embedder.windows(text)
    assert np.array_equal(glossed.encode([text]), embedder.encode([text]))
    assert glossed.readable(text) == embedder.readable(text)


def test_a_gloss_longer_than_the_model_reads_is_cut_into_windows(glossed: Glossed) -> None:
    windows = glossed.windows("灯塔" * 300)
    assert len(windows) > 1
    assert " ".join(" ".join(windows).split()) == " ".join(["lighthouse"] * 300)


def test_a_character_that_is_read_by_its_gloss_counts_for_less_and_an_unknown_one_for_nothing(
    glossed: Glossed,
) -> None:
    whole, half = glossed.readable("灯塔的油"), glossed.readable("灯塔魑魅")
    assert 0 < half == pytest.approx(whole / 2)
    assert 0.2 < trust(whole) < trust(glossed.readable("Which oil 灯塔?")) < trust(1.0)
    assert glossed.readable("Which oil?") == 1.0


def test_counting_is_of_the_text_as_it_stands(glossed: Glossed, embedder: Embedder) -> None:
    assert glossed.count_tokens("灯塔的油") == embedder.count_tokens("灯塔的油") == 4
    assert glossed.device == embedder.device
    assert glossed.dimension == embedder.dimension


def test_an_embedder_that_reads_chinese_is_left_alone(dictionary: Dictionary) -> None:
    plain = ReadsChinese()
    same = Glossed(plain, dictionary, yields=True)
    assert same.fingerprint == plain.fingerprint
    same.encode(["灯塔"])
    same.encode_query("灯塔的油")
    assert plain.given == ["灯塔", "灯塔的油"]
    assert same.readable("灯塔") == 1.0


def test_the_fingerprint_names_the_dictionarys_data(
    glossed: Glossed, embedder: Embedder, tmp_path: Path
) -> None:
    assert glosses_more(glossed.fingerprint, embedder.fingerprint)
    assert not glosses_more(embedder.fingerprint, embedder.fingerprint)
    other = tmp_path / "other.gz"
    other.write_bytes(gzip.compress(b"\n"))
    assert Glossed(embedder, Dictionary(other), yields=True).fingerprint != glossed.fingerprint


def test_over_an_index_made_without_glosses_they_are_left_out_unless_they_are_asked_for(
    glossed: Glossed, embedder: Embedder, dictionary: Dictionary
) -> None:
    assert agreed(Path("index"), embedder.fingerprint, glossed) is embedder
    assert agreed(Path("index"), glossed.fingerprint, glossed) is glossed
    assert without_glosses(glossed, None) is glossed
    asked = Glossed(embedder, dictionary, yields=False)
    with pytest.raises(SettingError, match=r"set embedder\.dictionary to auto or off.*--rebuild"):
        agreed(Path("index"), embedder.fingerprint, asked)


def test_what_brings_an_embedder_back_is_told(glossed: Glossed, embedder: Embedder) -> None:
    plain, own = embedder.fingerprint, glossed.fingerprint
    assert way_back(own, plain).startswith("pip install 'lectern[cedict]'")
    assert way_back(plain, own) == "set embedder.dictionary to auto or off"
    assert way_back(own, f"{own}x") == "install the version of the dictionary it was made with"
    assert way_back("another", own) == way_back("another", plain) == "set embedder.model back"


def test_a_question_of_function_words_alone_is_not_read(glossed: Glossed) -> None:
    assert trust(glossed.readable("为什么呢")) == trust(glossed.readable("这是什么？")) == 0.0


def test_an_index_made_with_glosses_asks_for_the_dictionary(glossed: Glossed, embedder: Embedder) -> None:
    with pytest.raises(SettingError, match=r"pip install 'lectern\[cedict\]'.*embedder\.dictionary"):
        agreed(Path("index"), glossed.fingerprint, embedder)
