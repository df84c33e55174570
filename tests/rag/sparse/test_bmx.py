"""Our BMX against baguetter's, against the formula written out, and against itself in other segments."""

from __future__ import annotations

import gc
import math
import random
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rag.errors import IndexDamaged
from rag.protocols.legs import SparseIndex
from rag.sparse import _bmx_merge, _bmx_reader, baguetter
from rag.sparse._bmx_build import write_documents
from rag.sparse._bmx_formula import VARIANTS, Variant
from rag.sparse._bmx_reader import BmxReader
from rag.sparse.bmx import BmxIndex
from rag.text import terms
from rag.types import Segment

WORDS = [f"w{number}" for number in range(60)] + ["部署", "检查", "naïve", "v0.6.3", "", "\ud800"]
Documents = list[list[str]]


def collection(seed: int, size: int = 150) -> Documents:
    """Documents of Zipf-like words, a few of them empty."""
    source = random.Random(seed)  # noqa: S311 - no secret
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [source.choices(WORDS, weights, k=source.choice([0, 3, 8, 20, 40, 600])) for _ in range(size)]


def questions(seed: int, count: int = 25) -> Documents:
    source = random.Random(seed + 1000)  # noqa: S311 - no secret
    return [source.choices([*WORDS, "unknown"], k=source.randint(1, 7)) for _ in range(count)]


def opened(folder: Path, documents: Documents, variant: str = "baguetter") -> BmxReader:
    index = BmxIndex(variant)  # type: ignore[arg-type]  # a name of VARIANTS
    return index.open([written(index, folder, documents)])


def written(index: SparseIndex, folder: Path, documents: Documents, deleted: Sequence[int] = ()) -> Segment:
    folder.mkdir(parents=True, exist_ok=True)
    index.write(folder, documents)
    return Segment(folder, len(documents), np.array(deleted, dtype=np.int64))


def by_hand(documents: Sequence[Sequence[str]], question: Sequence[str], variant: Variant) -> list[float]:
    """The formula, document by document, in Python's own numbers."""
    counts = [Counter(document) for document in documents]
    df = Counter(term for each in counts for term in each)
    known = [term for term in (sorted(set(question)) if variant.distinct else question) if df[term]]
    if not known:
        return [0.0] * len(documents)
    asked = len(set(question) if variant.distinct else question) if variant.unknown else len(known)
    p = {term: [1 / (1 + math.exp(-each[term])) for each in counts if each[term]] for term in known}
    entropy = {term: -sum(each * math.log(each) for each in p[term]) for term in known}
    largest = max(entropy.values())
    relative = {term: entropy[term] / largest if largest else 1.0 for term in known}
    average = sum(map(len, documents)) / len(documents)
    alpha, beta = min(1.5, max(0.5, average / 100)), 1 / math.log(1 + len(documents))
    mean = sum(relative[term] for term in known) / len(known)
    scores = []
    for document, each in zip(documents, counts, strict=True):
        held = [term for term in known if each[term]]
        divisor = alpha * len(document) / average + alpha * mean
        score = 0.0
        for term in held:
            idf = math.log(1 + (len(documents) - df[term] + 0.5) / (df[term] + 0.5))
            score += idf * each[term] * (alpha + 1) / (each[term] + divisor)
        shared = known if variant.whole and held else held
        scores.append(score + beta * sum(relative[term] for term in shared) * len(held) / asked)
    return scores


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile once, so that no example of a property waits for it."""
    opened(tmp_path_factory.mktemp("kernel"), [["a"]]).warm()


@pytest.mark.parametrize("seed", range(4))
def test_scores_and_ranking_are_those_of_baguetter(seed: int, tmp_path: Path) -> None:
    documents = [[word for word in document if word not in ("", "\ud800")] for document in collection(seed)]
    (tmp_path / "theirs").mkdir()
    oracle = baguetter.build()
    oracle.write(tmp_path / "theirs", documents)
    theirs, ours = (
        oracle.open([Segment(tmp_path / "theirs", len(documents))]),
        opened(tmp_path / "ours", documents),
    )
    for question in questions(seed):
        expected, found = theirs.search(question, 1000), ours.search(question, 1000)
        assert set(found.rows.tolist()) == set(expected.rows.tolist())
        assert found.scores == pytest.approx(expected.scores, rel=1e-4), "the same ranking, ties aside"
        assert ours.score(question, expected.rows.tolist()) == pytest.approx(expected.scores, rel=1e-4)


def test_scores_on_real_text_are_those_of_baguetter(tmp_path: Path) -> None:
    """The paragraphs of our own guide, English and Chinese; every line asks for itself."""
    guide = Path(__file__).parents[3] / "docs" / "guide"
    texts = [file.read_text("utf-8") for file in sorted(guide.rglob("*.md"))]
    documents = [terms(paragraph) for text in texts for paragraph in text.split("\n\n")]
    (tmp_path / "theirs").mkdir()
    oracle = baguetter.build()
    oracle.write(tmp_path / "theirs", documents)
    theirs, ours = (
        oracle.open([Segment(tmp_path / "theirs", len(documents))]),
        opened(tmp_path / "ours", documents),
    )
    asked = [terms(line) for text in texts for line in text.splitlines()[::7]]
    assert len(documents) > 50
    assert len(asked) > 20
    for question in asked:
        expected, found = theirs.search(question, 1000), ours.search(question, 1000)
        assert set(found.rows.tolist()) == set(expected.rows.tolist())
        assert found.scores == pytest.approx(expected.scores, rel=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_its_formula(variant: str, tmp_path: Path) -> None:
    documents = collection(9)
    reader = opened(tmp_path, documents, variant)
    for question in questions(9):
        expected = by_hand(documents, question, VARIANTS[variant])
        assert reader.score(question, range(len(documents))) == pytest.approx(expected, rel=1e-5)


documents_of = some.lists(
    some.lists(some.sampled_from("abcdefg"), max_size=12).map(lambda words: words + ["a"] * (len(words) % 3)),
    max_size=40,
)


@pytest.mark.usefixtures("kernel")
@settings(deadline=None, max_examples=150)
@given(
    parts=some.lists(documents_of, min_size=1, max_size=3),
    question=some.lists(some.sampled_from("abcdefgxy"), max_size=6),
    depth=some.integers(1, 30),
    variant=some.sampled_from(sorted(VARIANTS)),
    gone=some.sets(some.integers(0, 119), max_size=15),
)
def test_the_kernel_finds_what_scoring_every_living_document_by_hand_finds(
    parts: list[Documents], question: list[str], depth: int, variant: str, gone: set[int]
) -> None:
    """Ties by ascending row, whatever the segments and whichever rows are deleted."""
    rows = [(at, row) for at, part in enumerate(parts) for row in range(len(part))]
    tombstones = [
        [row for number, (own, row) in enumerate(rows) if own == at and number in gone] for at in range(3)
    ]
    living = [number for number in range(len(rows)) if number not in gone]
    scores = by_hand(
        [parts[at][row] for at, row in (rows[number] for number in living)], question, VARIANTS[variant]
    )
    with TemporaryDirectory() as name:
        with_numpy, compiled = (
            segments(Path(name) / way, parts, tombstones[: len(parts)], variant) for way in ("a", "b")
        )
        with_numpy._kernel = None
        compiled.warm()
        everything, found = with_numpy.search(question, 1000), compiled.search(question, depth)
        exact = with_numpy.score(question, everything.rows.tolist())
    assert dict(zip(everything.rows.tolist(), everything.scores.tolist(), strict=True)) == pytest.approx(
        {number: score for number, score in zip(living, scores, strict=True) if score > 0}, rel=1e-5
    )
    assert everything.scores.tolist() == exact.tolist()
    pairs = list(zip((-everything.scores).tolist(), everything.rows.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert found.rows.tolist() == everything.rows.tolist()[:depth]
    assert found.scores.tolist() == everything.scores.tolist()[:depth]


def segments(folder: Path, parts: list[Documents], tombstones: list[list[int]], variant: str) -> BmxReader:
    index = BmxIndex(variant)  # type: ignore[arg-type]  # a name of VARIANTS
    return index.open(
        [
            written(index, folder / str(at), documents, tombstones[at] if tombstones else [])
            for at, documents in enumerate(parts)
        ]
    )


@pytest.mark.usefixtures("kernel")
def test_a_larger_collection_is_ranked_by_the_kernel_as_by_numpy(tmp_path: Path) -> None:
    """Enough rows for several windows, terms that are only looked up, and frequencies beyond a byte."""
    source = np.random.default_rng(3)
    documents = [
        [f"t{n}" for n in np.minimum(source.zipf(1.3, size), 5000)] for size in source.integers(1, 90, 9000)
    ]
    documents[4321] = ["t1"] * 700 + ["t2"] * 70_000 + ["t7"]
    index = BmxIndex("distinct-unknown")
    for first, second in (([], []), (range(0, 8000, 7), [5])):
        parts = [
            written(index, tmp_path / "a", documents[:8000], first),
            written(index, tmp_path / "b", documents[8000:], second),
        ]
        plain, compiled = index.open(parts), index.open(parts)
        plain._kernel = None
        compiled.warm()
        among = source.random(9000) < 0.3
        batch = [[f"t{n}" for n in np.minimum(source.zipf(1.3, 6), 5000)] for _ in range(60)]
        for depth in (1, 10, 300):
            for question, together in zip(batch, compiled.search_many(batch, depth), strict=True):
                expected = plain.search(question, depth)
                for found in (together, compiled.search(question, depth)):
                    assert found.rows.tolist() == expected.rows.tolist()
                    assert found.scores.tolist() == expected.scores.tolist()
                expected, found = (each.search(question, depth, among) for each in (plain, compiled))
                assert found.rows.tolist() == expected.rows.tolist()
                assert found.scores.tolist() == expected.scores.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_same_living_documents_score_the_same_however_they_came_in(seed: int, tmp_path: Path) -> None:
    """In one piece; in three segments with others deleted; merged; built in many small runs."""
    documents, others = collection(seed), collection(seed + 50)
    whole = opened(tmp_path / "whole", documents)
    parts = [others[:20] + documents[:60], documents[60:61], documents[61:] + others[20:]]
    tombstones = [list(range(20)), [], list(range(len(documents) - 61, len(documents) - 61 + 130))]
    index = BmxIndex("baguetter")
    places = [written(index, tmp_path / str(at), part, tombstones[at]) for at, part in enumerate(parts)]
    in_parts = index.open(places)
    merged = index.open([joined(index, tmp_path / "merged", places)])
    (tmp_path / "runs").mkdir()
    write_documents(tmp_path / "runs", iter(documents), run_tokens=1)
    in_runs = index.open([Segment(tmp_path / "runs", len(documents))])
    for question in questions(seed):
        expected = whole.search(question, 1000)
        for reader, shift in ((in_parts, 20), (merged, 0), (in_runs, 0)):
            found = reader.search(question, 1000)
            assert (found.rows - shift).tolist() == expected.rows.tolist()
            assert found.scores.tolist() == expected.scores.tolist()
    assert contents(tmp_path / "merged") == contents(tmp_path / "runs") == contents(tmp_path / "whole")


def joined(index: SparseIndex, folder: Path, places: Sequence[Segment]) -> Segment:
    folder.mkdir()
    index.merge(folder, places)
    living = sum(place.rows - len(place.deleted) for place in places)
    return Segment(folder, living)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_segment_of_another_size_is_refused(tmp_path: Path) -> None:
    index = BmxIndex("baguetter")
    written(index, tmp_path, [["lamp"]])
    with pytest.raises(IndexDamaged, match="1 rows where 2"):
        index.open([Segment(tmp_path, 2)])


def test_deleted_rows_score_nothing(tmp_path: Path) -> None:
    index = BmxIndex("baguetter")
    documents = [["lamp"], ["lamp", "oil"], ["oil"]]
    reader = index.open([written(index, tmp_path, documents, [1])])
    assert reader.search(["lamp", "oil"], 9).rows.tolist() == [0, 2]
    assert reader.score(["lamp"], [0, 1]).tolist()[1] == 0.0
    assert reader.explain(["lamp"], 1) == ()
    emptied = index.open([written(index, tmp_path, documents, [0, 1, 2])])
    assert len(emptied.search(["lamp"], 9).rows) == 0
    with pytest.raises(IndexError, match="rows 0 to 2"):
        index.open([written(index, tmp_path, documents, [3])])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_contributions_of_the_terms_add_up_to_the_score(variant: str, tmp_path: Path) -> None:
    documents = collection(5)
    reader = opened(tmp_path, documents, variant)
    for question in questions(5):
        ranking = reader.search(question, 5)
        for row, score in zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True):
            parts = reader.explain(question, row)
            assert sum(part.score for part in parts) == pytest.approx(score, rel=1e-6)
            assert {part.term for part in parts} == set(question) & set(documents[row])
            assert [part.score for part in parts] == sorted((part.score for part in parts), reverse=True)


def test_the_order_of_a_questions_words_changes_no_bit(tmp_path: Path) -> None:
    reader = opened(tmp_path, collection(7))
    words = ["w3", "w1", "部署", "w9", "w2", "w1"]
    assert reader.search(words, 99).scores.tolist() == reader.search(words[::-1], 99).scores.tolist()


def test_documents_are_taken_from_a_stream_a_few_at_a_time(tmp_path: Path) -> None:
    """Runs are written while the stream is read, and nothing but the segment stays."""
    held: list[int] = []

    def stream() -> Iterator[list[str]]:
        for _ in range(1500):
            held.append(len(list(tmp_path.glob("runs-*/*"))))
            yield ["lamp", "oil"]

    write_documents(tmp_path, stream(), run_tokens=1000)
    assert held[-1] >= 2
    assert not list(tmp_path.glob("runs-*"))
    assert len(BmxIndex("baguetter").open([Segment(tmp_path, 1500)]).search(["lamp"], 2000).rows) == 1500


def test_the_words_of_a_run_that_was_written_are_let_go_at_once(tmp_path: Path) -> None:
    """Not when the cycle collector comes by: a vocabulary is larger than all else that stays."""
    words = ([f"{row}-{at}" for at in range(1000)] for row in range(60))
    gc.disable()
    tracemalloc.start()
    try:
        write_documents(tmp_path, words, run_tokens=1)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held < most / 10


def test_many_runs_are_merged_a_few_at_once_into_the_same_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [["lamp", f"oil{number % 7}", f"wick{number}"] for number in range(256 * 11)]
    (tmp_path / "once").mkdir()
    (tmp_path / "levels").mkdir()
    write_documents(tmp_path / "once", iter(documents), run_tokens=1)
    monkeypatch.setattr("rag.sparse._bmx_build.MERGED", 3)
    write_documents(tmp_path / "levels", iter(documents), run_tokens=1)
    assert contents(tmp_path / "levels") == contents(tmp_path / "once")


@pytest.mark.parametrize("column", ["rows", "tf", "lengths", "terms", "starts"])
def test_a_shortened_file_is_refused_by_name(column: str, tmp_path: Path) -> None:
    place = written(BmxIndex("baguetter"), tmp_path, collection(8))
    file = tmp_path / f"sparse-{column}.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(IndexDamaged, match=file.name):
        BmxIndex("baguetter").open([place])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "rows": "many"}'])
def test_a_damaged_description_is_refused_by_name(text: str, tmp_path: Path) -> None:
    opened(tmp_path, [["lamp"]])
    (tmp_path / "sparse-segment.json").write_text(text, "utf-8")
    with pytest.raises(IndexDamaged, match=r"sparse-segment\.json"):
        BmxIndex("baguetter").open([Segment(tmp_path, 1)])


def test_the_kernel_loads_by_itself_once_enough_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BmxReader, "_loaded", None)
    reader = opened(tmp_path, collection(2))
    before = reader.search(["w1", "w2"], 5)
    assert (reader._kernel, reader._loading) == (None, None)
    monkeypatch.setattr(_bmx_reader, "_WORTH_COMPILING", 100)
    reader.search(["w1", "w2"], 5)
    assert reader._loading is not None
    reader._loading.join()
    assert reader._kernel is not None
    assert opened(tmp_path, collection(2))._kernel is reader._kernel, "the next generation has it at once"
    after = reader.search(["w1", "w2"], 5)
    assert (after.rows.tolist(), after.scores.tolist()) == (before.rows.tolist(), before.scores.tolist())


@pytest.mark.parametrize("error", [ImportError("numba"), OSError(28, "No space left on device")])
def test_where_the_kernel_cannot_be_loaded_numpy_goes_on(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's start waits for it, and must not end with it."""

    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(BmxReader, "_loaded", None)
    monkeypatch.setattr("rag.sparse._bmx_kernel.best_of_segment", failing)
    reader = opened(tmp_path, collection(2))
    before = reader.search(["w1", "w2"], 5)
    reader.warm()
    assert (reader._kernel, BmxReader._loaded) == (None, None)
    assert reader.search(["w1", "w2"], 5).rows.tolist() == before.rows.tolist()


def test_a_function_that_cannot_be_kept_on_disk_is_compiled_all_the_same() -> None:
    from rag.sparse._bmx_kernel import _compiled

    assert _compiled(eval("lambda number: number + 1"))(1) == 2  # noqa: S307 - has no file, so no cache


def test_one_question_loads_no_compiler(tmp_path: Path) -> None:
    """What a search on the command line waits for."""
    opened(tmp_path, collection(3))
    script = (
        "import sys; from pathlib import Path; from rag.sparse.bmx import build; "
        "from rag.types import Segment; "
        "assert len(build().open([Segment(Path(sys.argv[1]), 150)]).search(['w1'], 5).rows) == 5; "
        "print(sorted({'numba', 'llvmlite', 'scipy', 'baguetter'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_kernel_reads_the_segments_format() -> None:
    """Its constants are repeated there because compiled code on the disk outlives those it imports."""
    from rag.sparse import _bmx_kernel, _bmx_segment

    assert (_bmx_kernel.BLOCK, _bmx_kernel.OVERFLOW) == (_bmx_segment.BLOCK, _bmx_segment.OVERFLOW)


@pytest.mark.parametrize(("many_terms", "many_postings"), [(1, 1), (3, 10_000), (50, 40)])
def test_merging_in_small_pieces_gives_the_same_files(
    many_terms: int, many_postings: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents, index = collection(4), BmxIndex("baguetter")
    written(index, tmp_path / "whole", documents)
    parts: list[Documents] = [documents[:30], [], documents[30:31], documents[31:]]
    places = [written(index, tmp_path / str(at), part) for at, part in enumerate(parts)]
    monkeypatch.setattr(_bmx_merge, "_TERMS", many_terms)
    monkeypatch.setattr(_bmx_merge, "_POSTINGS", many_postings)
    assert contents(joined(index, tmp_path / "merged", places).folder) == contents(tmp_path / "whole")
