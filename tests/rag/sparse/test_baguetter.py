"""BMX as baguetter scores it, without baguetter's traps."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.protocols.legs import SparseReader
from rag.sparse.baguetter import build
from rag.types import Segment

WORDS = [f"w{number}" for number in range(60)] + ["部署", "检查", "naïve", "v0.6.3", "torch.compile"]


def opened(folder: Path, documents: Sequence[Sequence[str]]) -> SparseReader:
    index = build()
    index.write(folder, documents)
    return index.open([Segment(folder, len(documents))])


def collection(seed: int, size: int = 120) -> list[list[str]]:
    """Documents of Zipf-like words, a few of them empty."""
    source = random.Random(seed)  # noqa: S311 - no secret
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [source.choices(WORDS, weights, k=source.choice([0, 3, 8, 20, 40])) for _ in range(size)]


def questions(seed: int) -> list[list[str]]:
    """Of one to six words, some of them repeated, some unknown."""
    source = random.Random(seed + 1000)  # noqa: S311 - no secret
    return [source.choices([*WORDS, "unknown"], k=source.randint(1, 6)) for _ in range(25)]


@pytest.mark.parametrize("seed", range(4))
def test_scores_and_ranking_are_those_of_baguetters_own_index(seed: int, tmp_path: Path) -> None:
    from baguetter.indices import BMXSparseIndex
    from baguetter.indices.sparse.text_preprocessor.text_processor import TextPreprocessorConfig

    documents = collection(seed)
    reader = opened(tmp_path, documents)
    theirs = BMXSparseIndex(preprocessor_or_config=TextPreprocessorConfig(stopwords=["never"]))
    theirs.build_index([str(row) for row in range(len(documents))], documents)
    compared = 0
    for question in questions(seed):
        if not set(question) & set(theirs.vocabulary):
            continue
        result = theirs.search(question, top_k=len(documents))
        expected = {
            int(key): float(score) for key, score in zip(result.keys, result.scores, strict=True) if score > 0
        }
        ours = reader.search(question, len(documents))
        assert set(ours.rows.tolist()) == set(expected)
        assert ours.scores == pytest.approx([expected[row] for row in ours.rows.tolist()], abs=1e-5)
        best = np.array(sorted(expected.values(), reverse=True))
        assert ours.scores == pytest.approx(best, abs=1e-5), "the same ranking, ties aside"
        compared += 1
    assert compared > 20


def test_a_score_is_what_the_formula_says(tmp_path: Path) -> None:
    """Written out from the paper, for one term and one document; both are alone in what they match."""
    documents = [["lamp", "lamp", "oil"], ["bread"], ["rye", "water"]]
    reader = opened(tmp_path, documents)
    ranking = reader.search(["lamp"], 10)
    average = 6 / 3
    alpha, beta = max(min(1.5, average / 100), 0.5), 1 / math.log(1 + 3)
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    entropy = 1.0  # normalised by the largest among the question's terms, itself
    length = 3 / average
    expected = idf * 2 * (alpha + 1) / (2 + alpha * length + alpha * entropy) + 1.0 * entropy * beta
    assert ranking.rows.tolist() == [0]
    assert ranking.scores.tolist() == pytest.approx([expected], abs=1e-5)


def test_words_the_collection_does_not_have_find_nothing(tmp_path: Path) -> None:
    reader = opened(tmp_path, collection(1))
    for question in (["unknown"], ["unknown", "other"], []):
        assert len(reader.search(question, 10).rows) == 0
        assert reader.score(question, [0, 1]).tolist() == [0.0, 0.0]


def test_only_documents_that_share_a_word_are_found(tmp_path: Path) -> None:
    documents = collection(2)
    reader = opened(tmp_path, documents)
    for question in questions(2):
        expected = {row for row, words in enumerate(documents) if set(words) & set(question)}
        assert set(reader.search(question, len(documents)).rows.tolist()) == expected


def test_equal_documents_stand_in_row_order_also_where_the_list_is_cut(tmp_path: Path) -> None:
    documents = [["lamp", "oil"], ["bread"], *[["lamp", "oil"]] * 40, ["lamp", "lamp", "oil"]]
    reader = opened(tmp_path, documents)
    rows = reader.search(["lamp"], 10).rows.tolist()
    assert rows == [42, 0, 2, 3, 4, 5, 6, 7, 8, 9]
    for depth in range(1, 43):
        assert (
            reader.search(["lamp"], depth).rows.tolist() == reader.search(["lamp"], 100).rows.tolist()[:depth]
        )


@pytest.mark.parametrize(
    "documents", [[], [[]], [[], [], []], [["lamp"]], [["lamp"], []], [["lamp"] * 5000], [["lamp"]] * 3]
)
def test_no_score_is_ever_not_a_number(documents: list[list[str]], tmp_path: Path) -> None:
    reader = opened(tmp_path, documents)
    ranking = reader.search(["lamp", "oil"], 10)
    assert np.isfinite(ranking.scores).all()
    assert (ranking.scores > 0).all()
    assert set(ranking.rows.tolist()) == {row for row, words in enumerate(documents) if words}
    assert np.isfinite(reader.score(["lamp"], range(len(documents)))).all()


def test_its_files_are_plain_arrays_without_objects(tmp_path: Path) -> None:
    opened(tmp_path, collection(3))
    files = sorted(tmp_path.iterdir())
    assert files
    for file in files:
        assert file.suffix == ".npy"
        assert np.load(file, allow_pickle=False).dtype.kind in "iuf"
